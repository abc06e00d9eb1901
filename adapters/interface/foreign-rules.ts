// Rules of others that forwarded packets meet: whether they let pass what a rule of the node lets pass. Pure; runs nothing.
import { type AddressFamily, cidrContains, parseCidr } from '../../core/address.ts';
import type { FirewallRule } from './firewall-rules.ts';

/** What a rule does with packets. `drop`: with an answer or without. `return`: back to the chain that they came from. */
export interface Verdict {
  readonly verdict: 'accept' | 'drop' | 'return' | 'jump' | 'goto';
  /** Where `jump` and `goto` lead. */
  readonly chain: string;
}

/** A rule by what it asks of packets; null: it does not ask. */
export interface ForeignRule extends Verdict {
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

/** A chain and its rules, as far as they are understood. */
export interface ForeignChain {
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
