// The words of nft and of iptables-save for rules of others. Only plain rules are understood; one with more in it counts as if
// it were not there. Pure; runs nothing.
import type { ForeignChain, ForeignChains, ForeignRule, Verdict } from './foreign-rules.ts';

/** Reads the chains that `nft list table` shows. */
export function parseNftablesChains(listing: string): ForeignChains {
  const chains = new Map<string, ForeignChain>();
  let chain = '';
  for (const line of listing.split('\n')) {
    const border = /^\t(?:chain (\S+) \{|\})$/.exec(line);
    if (border !== null) chain = border[1] ?? '';
    else if (/^\t\ttype .*; policy drop;$/.test(line)) chainOf(chains, chain).drops = true;
    else chainOf(chains, chain).rules.push(parseRule(line, nftablesWords));
  }
  return chains;
}

/** Reads the chains of one table from its lines of iptables-save. */
export function parseIptablesChains(saved: readonly string[]): ForeignChains {
  const chains = new Map<string, ForeignChain>();
  for (const line of saved) {
    const [, policy] = /^:(\S+) DROP /.exec(line) ?? [];
    if (policy !== undefined) chainOf(chains, policy).drops = true;
    const [, chain, words = ''] = /^-A (\S+) (.*)$/.exec(line) ?? [];
    if (chain !== undefined) chainOf(chains, chain).rules.push(parseRule(words, iptablesWords));
  }
  return chains;
}

function chainOf(chains: Map<string, ForeignChain>, name: string): ForeignChain {
  const chain = chains.get(name) ?? { drops: false, rules: [] };
  chains.set(name, chain);
  return chain;
}

/** What a rule may be made of; the verdict comes last. The first group of each is its value. */
interface Words {
  readonly family: RegExp;
  readonly from: RegExp;
  readonly to: RegExp;
  readonly source: RegExp;
  readonly destination: RegExp;
  readonly states: RegExp;
  readonly protocols: RegExp;
  readonly ports: RegExp;
  readonly toHost: RegExp;
  /** What makes no difference. */
  readonly other: RegExp;
  readonly readVerdict: (text: string) => Verdict | null;
}

// One value, a list with commas, or a set in braces.
const nftValue = '(\\{[^}]*\\}|"[^"]*"|(?!vmap\\b)[^\\s"{}]+)';
const nftablesWords: Words = {
  // An answer by ICMP or ICMPv6 asks for the family, which nft does not list apart; ICMPX is for both. So does the protocol in
  // a header of IPv4 or IPv6.
  family:
    /\bmeta nfproto (ipv[46])|\bwith (icmp|icmpv6) (?:type )?[a-z-]+|\b(ip|ip6)(?= (?:protocol|nexthdr) )/,
  from: new RegExp(`\\biif(?:name)? ${nftValue}`),
  to: new RegExp(`\\boif(?:name)? ${nftValue}`),
  source: new RegExp(`\\bip6? saddr ${nftValue}`),
  destination: new RegExp(`\\bip6? daddr ${nftValue}`),
  states: new RegExp(`\\bct state ${nftValue}`),
  protocols: new RegExp(`\\b(?:meta l4proto|protocol|nexthdr) ${nftValue}`),
  // Which protocol has the ports: UDP, or those of a rule that says it apart.
  ports: new RegExp(`\\b(?:udp|th) dport ${nftValue}`),
  toHost: /\bfib daddr type local\b/,
  other:
    /\bcounter (?:packets \d+ bytes \d+|name \S+)|\bcomment "[^"]*"|\blog(?: (?:prefix "[^"]*"|(?:level|group|flags) \S+))*|\bwith icmpx (?:type )?[a-z-]+/g,
  readVerdict(text) {
    const [, verdict, chain = ''] = /^(accept|drop|reject|return|jump|goto)(?: (\S+))?$/.exec(text) ?? [];
    if (verdict === undefined) return null;
    return { verdict: verdict === 'reject' ? 'drop' : (verdict as Verdict['verdict']), chain };
  },
};
const iptablesWords: Words = {
  // Each family has a program of its own.
  family: /$^/,
  from: /-i (\S+)/,
  to: /-o (\S+)/,
  source: /-s (\S+)/,
  destination: /-d (\S+)/,
  states: /-m (?:conntrack --ctstate|state --state) (\S+)/,
  protocols: /-p (\S+)/,
  ports: /-m (?:udp --dport|multiport --dports) (\S+)/,
  toHost: /-m addrtype --dst-type LOCAL\b/,
  other: /-m comment --comment (?:"(?:\\.|[^"\\])*"|\S+)|--reject-with \S+|-m udp(?= -[mjg] )/g,
  readVerdict(text) {
    const [, flag, target = ''] = /^-([jg]) (\S+)$/.exec(text) ?? [];
    if (flag === undefined) return null;
    const verdict = iptablesVerdicts[target];
    // A target that is no chain, such as LOG, is one without rules.
    return { verdict: verdict ?? (flag === 'g' ? 'goto' : 'jump'), chain: target };
  },
};
const iptablesVerdicts: Readonly<Record<string, Verdict['verdict']>> = {
  ACCEPT: 'accept',
  DROP: 'drop',
  REJECT: 'drop',
  RETURN: 'return',
};

/** Null: no such rule, or one with more in it than is understood, such as a "not". */
function parseRule(line: string, words: Words): ForeignRule | null {
  let rest = line.replace(words.other, '');
  const take = (pattern: RegExp): readonly string[] | null => {
    const found = pattern.exec(rest);
    if (found === null) return null;
    rest = rest.replace(found[0], '');
    return (found.slice(1).find((group) => group !== undefined) ?? '').replaceAll(/[{}"\s]/g, '').split(',');
  };
  const names = (list: readonly string[] | null) => list?.map((name) => name.replace(/\+$/, '*')) ?? null;
  const family = take(words.family);
  const rule = {
    family: family === null ? null : family[0]?.endsWith('6') ? ('IPv6' as const) : ('IPv4' as const),
    from: names(take(words.from)),
    to: names(take(words.to)),
    source: take(words.source),
    destination: take(words.destination),
    states: take(words.states)?.map((state) => state.toLowerCase()) ?? null,
    protocols: take(words.protocols),
    ports: take(words.ports),
    toHost: take(words.toHost) !== null,
  };
  const verdict = words.readVerdict(rest.trim().replaceAll(/\s+/g, ' '));
  return verdict === null ? null : { ...rule, ...verdict };
}
