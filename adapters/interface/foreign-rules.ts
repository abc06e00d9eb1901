// Rules of others that forwarded packets meet: whether they let pass what a rule of the node lets pass, and what would make
// them. Only plain rules are understood, and their order is not looked at. Pure; runs nothing.
import { cidrContains, parseCidr } from '../../core/address.ts';
import type { FirewallRule } from './firewall-rules.ts';

/** A rule that accepts packets, or sends them to another chain. Null: it does not ask. */
export interface ForeignRule {
  /** Names of interfaces that packets come from; one that ends in `*` stands for all that begin so. */
  readonly from: readonly string[] | null;
  readonly to: readonly string[] | null;
  /** Networks, as `10.0.0.0/24`. */
  readonly source: readonly string[] | null;
  readonly destination: readonly string[] | null;
  /** In lower case: `new`, `established`, … */
  readonly states: readonly string[] | null;
  /** The chain that packets are sent to; null: they are accepted. */
  readonly chain: string | null;
}

/** The rules that are understood, by the names of their chains. */
export type ForeignChains = ReadonlyMap<string, readonly ForeignRule[]>;

/** A chain of others that drops forwarded packets of the node by policy. */
export interface DroppingChain {
  /** As in `iptables FORWARD` or `inet filter forward`. */
  readonly name: string;
  /** Shell commands that let them pass there. */
  readonly remedies: readonly string[];
}

/** Whether a packet for which the node's rule is meant is accepted in the chain of this name, or in one it sends packets to. */
export function letsPass(chains: ForeignChains, name: string, wanted: FirewallRule): boolean {
  const seen = new Set<string>();
  const search = (chain: string): boolean => {
    if (seen.has(chain)) return false;
    seen.add(chain);
    const rules = chains.get(chain) ?? [];
    return rules.some((rule) => isFor(rule, wanted) && (rule.chain === null || search(rule.chain)));
  };
  return search(name);
}

function isFor({ from, to, source, destination, states }: ForeignRule, wanted: FirewallRule): boolean {
  const isOut = wanted.kind === 'out';
  const [comesFrom, goesTo] = isOut
    ? [wanted.interface, wanted.wanInterface]
    : [wanted.wanInterface, wanted.interface];
  const [sent, received] = isOut ? [source, destination] : [destination, source];
  return (
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
  let chain = '';
  return collect(listing, (line) => {
    chain = /^\tchain (\S+) \{$/.exec(line)?.[1] ?? chain;
    return [chain, parseRule(line, nftablesWords)];
  });
}

/** Reads the chains of the table `filter` in what iptables-save says. */
export function parseIptablesChains(saved: string): ForeignChains {
  const filter = /^\*filter\n([^*]*)/m.exec(saved)?.[1] ?? '';
  return collect(filter, (line) => {
    const [, chain = '', words = ''] = /^-A (\S+) (.*)$/.exec(line) ?? [];
    return [chain, parseRule(words, iptablesWords)];
  });
}

function collect(
  text: string,
  read: (line: string) => readonly [chain: string, rule: ForeignRule | null],
): ForeignChains {
  const chains = new Map<string, ForeignRule[]>();
  for (const [chain, rule] of text.split('\n').map(read)) {
    if (rule !== null) chains.set(chain, [...(chains.get(chain) ?? []), rule]);
  }
  return chains;
}

/** What a rule may be made of; `verdict` last. The first group of each is its value. */
interface Words {
  readonly from: RegExp;
  readonly to: RegExp;
  readonly source: RegExp;
  readonly destination: RegExp;
  readonly states: RegExp;
  /** What makes no difference. */
  readonly other: RegExp;
  /** With a group: the chain that packets go to. */
  readonly verdict: RegExp;
}

// One value, a list with commas, or a set in braces.
const nftValue = '(\\{[^}]*\\}|"[^"]*"|(?!vmap\\b)[^\\s"{}]+)';
const nftablesWords: Words = {
  from: new RegExp(`\\biif(?:name)? ${nftValue}`),
  to: new RegExp(`\\boif(?:name)? ${nftValue}`),
  source: new RegExp(`\\bip6? saddr ${nftValue}`),
  destination: new RegExp(`\\bip6? daddr ${nftValue}`),
  states: new RegExp(`\\bct state ${nftValue}`),
  other: /\bcounter packets \d+ bytes \d+|\bcomment "[^"]*"/g,
  verdict: /^(?:accept|(?:jump|goto) (\S+))$/,
};
const iptablesWords: Words = {
  from: /-i (\S+)/,
  to: /-o (\S+)/,
  source: /-s (\S+)/,
  destination: /-d (\S+)/,
  states: /-m (?:conntrack --ctstate|state --state) (\S+)/,
  other: /-m comment --comment (?:"[^"]*"|\S+)/g,
  verdict: /^-[jg] (?:ACCEPT|(?!(?:DROP|REJECT|RETURN|LOG|QUEUE)\b)(\S+))$/,
};

/** Null: no such rule, or one with more in it than is understood, such as a "not". */
function parseRule(line: string, words: Words): ForeignRule | null {
  let rest = line.replace(words.other, '');
  const take = (pattern: RegExp): readonly string[] | null => {
    const found = pattern.exec(rest);
    if (found === null) return null;
    rest = rest.replace(found[0], '');
    return (found[1] ?? '').replaceAll(/[{}"\s]/g, '').split(',');
  };
  const names = (list: readonly string[] | null) => list?.map((name) => name.replace(/\+$/, '*')) ?? null;
  const rule = {
    from: names(take(words.from)),
    to: names(take(words.to)),
    source: take(words.source),
    destination: take(words.destination),
    states: take(words.states)?.map((state) => state.toLowerCase()) ?? null,
  };
  const verdict = words.verdict.exec(rest.trim().replaceAll(/\s+/g, ' '));
  return verdict === null ? null : { ...rule, chain: verdict[1] ?? null };
}

/** The commands that let pass in a chain of nftables, `inet filter forward`, what these rules are meant for. */
export function renderNftablesRemedies(chain: string, wanted: readonly FirewallRule[]): readonly string[] {
  return distinct(wanted, ({ kind, interface: own, wanInterface: wan }) =>
    kind === 'out'
      ? `nft 'insert rule ${chain} iifname "${own}" oifname "${wan}" accept'`
      : `nft 'insert rule ${chain} iifname "${wan}" oifname "${own}" ct state established,related accept'`,
  );
}

/** The same for the chain FORWARD of `iptables` or `ip6tables`. */
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
