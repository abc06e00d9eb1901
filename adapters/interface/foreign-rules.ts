// Rules of others that forwarded packets meet: whether they let pass what a rule of the node lets pass, and what would make
// them. Only plain rules are understood; one with more in it counts as if it were not there. Pure; runs nothing.
import { type AddressFamily, cidrContains, parseCidr } from '../../core/address.ts';
import type { FirewallRule } from './firewall-rules.ts';

/** What a rule does with packets. `drop`: with an answer or without. `return`: back to the chain that they came from. */
interface Verdict {
  readonly verdict: 'accept' | 'drop' | 'return' | 'jump' | 'goto';
  /** Where `jump` and `goto` lead. */
  readonly chain: string;
}

/** A rule by what it asks of packets; null: it does not ask. */
interface ForeignRule extends Verdict {
  readonly family: AddressFamily | null;
  /** Names of interfaces that packets come from; one that ends in `*` stands for all that begin so. */
  readonly from: readonly string[] | null;
  readonly to: readonly string[] | null;
  /** Networks, as `10.0.0.0/24`. */
  readonly source: readonly string[] | null;
  readonly destination: readonly string[] | null;
  /** In lower case: `new`, `established`, … */
  readonly states: readonly string[] | null;
}

interface ForeignChain {
  /** Whether what none of the rules decides about is dropped: the policy. */
  drops: boolean;
  /** In their order; null: a rule that is not understood. */
  readonly rules: (ForeignRule | null)[];
}

/** Chains by their names. */
export type ForeignChains = ReadonlyMap<string, Readonly<ForeignChain>>;

/** A chain of others that drops forwarded packets of the node. */
export interface DroppingChain {
  /** As in `iptables FORWARD` or `inet filter forward`. */
  readonly name: string;
  /** Shell commands that let them pass there. */
  readonly remedies: readonly string[];
}

/** Whether the packets for which the node's rule is meant get through the chain of this name. */
export function letsPass(chains: ForeignChains, name: string, wanted: FirewallRule): boolean {
  const decision = decide(chains, name, (rule) => isFor(rule, wanted));
  return decision === null ? chains.get(name)?.drops !== true : decision.verdict === 'accept';
}

/** Whether packets of which the rules of a chain know nothing are dropped there, by a last rule or by policy. */
export function dropsOthers(chains: ForeignChains, name: string): boolean {
  const decision = decide(chains, name, asksNothing);
  return decision === null ? chains.get(name)?.drops === true : decision.verdict === 'drop';
}

/** The place, from 0, of the rule of a chain that drops all packets which get there; undefined: there is none. */
export function findCatchAll(chains: ForeignChains, name: string): number | undefined {
  const decision = decide(chains, name, asksNothing);
  return decision?.verdict === 'drop' ? decision.place : undefined;
}

interface Decision {
  readonly verdict: 'accept' | 'drop';
  /** Of the rule in the chain, from 0. */
  readonly place: number;
}

/** What becomes of packets that match some rules and no others; null: they come to the end of the chain. */
function decide(
  chains: ForeignChains,
  name: string,
  matches: (rule: ForeignRule) => boolean,
): Decision | null {
  // Each is walked through once, however many rules lead to it.
  const known = new Map<string, Decision | null>();
  const walk = (chain: string): Decision | null => {
    for (const [place, rule] of (chains.get(chain)?.rules ?? []).entries()) {
      if (rule === null || !matches(rule)) continue;
      if (rule.verdict === 'return') return null;
      const isFinal = rule.verdict === 'accept' || rule.verdict === 'drop';
      const verdict = isFinal ? rule.verdict : follow(rule.chain)?.verdict;
      if (verdict !== undefined) return { verdict, place };
      if (rule.verdict === 'goto') return null;
    }
    return null;
  };
  const follow = (chain: string): Decision | null => {
    if (!known.has(chain)) {
      // The kernel takes no chain that leads back to itself; a text may hold one.
      known.set(chain, null);
      known.set(chain, walk(chain));
    }
    return known.get(chain) ?? null;
  };
  return follow(name);
}

function asksNothing({ family, from, to, source, destination, states }: ForeignRule): boolean {
  return [family, from, to, source, destination, states].every((asked) => asked === null);
}

function isFor(
  { family, from, to, source, destination, states }: ForeignRule,
  wanted: FirewallRule,
): boolean {
  const isOut = wanted.kind === 'out';
  const [comesFrom, goesTo] = isOut
    ? [wanted.interface, wanted.wanInterface]
    : [wanted.wanInterface, wanted.interface];
  const [sent, received] = isOut ? [source, destination] : [destination, source];
  return (
    (family === null || family === wanted.family) &&
    includesName(from, comesFrom) &&
    includesName(to, goesTo) &&
    includesNetwork(sent, wanted.subnet) &&
    // The far end may be anybody.
    received === null &&
    (states === null ||
      (isOut ? ['new', 'established'] : ['established']).every((each) => states.includes(each)))
  );
}

function includesName(names: readonly string[] | null, wanted: string): boolean {
  if (names === null) return true;
  return names.some((name) => (name.endsWith('*') ? wanted.startsWith(name.slice(0, -1)) : wanted === name));
}

function includesNetwork(networks: readonly string[] | null, wanted: string): boolean {
  if (networks === null) return true;
  const inner = parseCidr(wanted);
  return networks.some((network) => {
    const outer = parseCidr(network);
    if (!inner.ok || !outer.ok || outer.value.prefix > inner.value.prefix) return false;
    return cidrContains(outer.value, { family: inner.value.family, value: inner.value.base });
  });
}

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
  /** What makes no difference. */
  readonly other: RegExp;
  readonly readVerdict: (text: string) => Verdict | null;
}

// One value, a list with commas, or a set in braces.
const nftValue = '(\\{[^}]*\\}|"[^"]*"|(?!vmap\\b)[^\\s"{}]+)';
const nftablesWords: Words = {
  // An answer by ICMP or ICMPv6 asks for the family, which nft does not list apart; ICMPX is for both.
  family: /\bmeta nfproto (ipv[46])|\bwith (icmp|icmpv6) (?:type )?[a-z-]+/,
  from: new RegExp(`\\biif(?:name)? ${nftValue}`),
  to: new RegExp(`\\boif(?:name)? ${nftValue}`),
  source: new RegExp(`\\bip6? saddr ${nftValue}`),
  destination: new RegExp(`\\bip6? daddr ${nftValue}`),
  states: new RegExp(`\\bct state ${nftValue}`),
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
  other: /-m comment --comment (?:"(?:\\.|[^"\\])*"|\S+)|--reject-with \S+/g,
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
    return (found[1] ?? found[2] ?? '').replaceAll(/[{}"\s]/g, '').split(',');
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
  };
  const verdict = words.readVerdict(rest.trim().replaceAll(/\s+/g, ' '));
  return verdict === null ? null : { ...rule, ...verdict };
}

/** The commands that let pass in a chain of nftables, `inet filter forward`, what these rules are meant for. */
export function renderNftablesRemedies(chain: string, wanted: readonly FirewallRule[]): readonly string[] {
  if (/^\S+ firewalld /.test(chain)) return renderFirewalldRemedies(wanted);
  return distinct(wanted, ({ kind, interface: own, wanInterface: wan }) =>
    kind === 'out'
      ? `nft 'insert rule ${chain} iifname "${own}" oifname "${wan}" accept'`
      : `nft 'insert rule ${chain} iifname "${wan}" oifname "${own}" ct state established,related accept'`,
  );
}

// A rule by nft would be gone with firewalld's next reload. It lets answers pass by itself, so only `out` can be wanted. A
// policy, of firewalld 0.9 and newer, leaves the interface in the zone that it is in.
function renderFirewalldRemedies(wanted: readonly FirewallRule[]): readonly string[] {
  const policy = 'firewall-cmd --permanent --policy=wgkeeper';
  const rules = wanted
    .filter(({ kind }) => kind === 'out')
    .map(
      ({ family, subnet }) =>
        `${policy} --add-rich-rule='rule family="${family.toLowerCase()}" source address="${subnet}" accept'`,
    );
  const open = [
    'firewall-cmd --permanent --new-policy=wgkeeper',
    `${policy} --add-ingress-zone=ANY`,
    `${policy} --add-egress-zone=ANY`,
  ];
  return [...open, ...rules, 'firewall-cmd --reload'];
}

/** The same for the chain FORWARD of a program such as `iptables` or `ip6tables-legacy`. */
export function renderIptablesRemedies(program: string, wanted: readonly FirewallRule[]): readonly string[] {
  return distinct(wanted, ({ kind, interface: own, wanInterface: wan }) =>
    kind === 'out'
      ? `${program} -I FORWARD -i ${own} -o ${wan} -j ACCEPT`
      : `${program} -I FORWARD -i ${wan} -o ${own} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
  );
}

function distinct(rules: readonly FirewallRule[], render: (rule: FirewallRule) => string): readonly string[] {
  return [...new Set(rules.map(render))];
}
