// Rules of others that packets meet: whether they let pass what a rule of the node lets pass, and what comes to its port. Pure;
// runs nothing.
import { type AddressFamily, cidrContains, parseCidr } from '../../core/address.ts';
import type { FirewallRule } from './firewall-rules.ts';

/** First packets from anybody out there to WireGuard's port on this host, of one family. */
export interface InboundPackets {
  readonly kind: 'in';
  readonly family: AddressFamily;
  /** The node's interface, which they do not come through. */
  readonly interface: string;
  /** The one that they most likely do; null: nothing tells. */
  readonly wanInterface: string | null;
  /** UDP, 1 to 65535. */
  readonly port: number;
}

/** Packets that chains of others are to let pass; all of a list meet the same hook. */
export type WantedPackets = FirewallRule | InboundPackets;

/** Where packets meet the chains: on their way through this host, or to it. */
export type Hook = 'forward' | 'input';

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
  /** As in `udp`. */
  readonly protocols: readonly string[] | null;
  /** Ports that packets go to, and ranges such as `51000-52000` or `51000:52000`. */
  readonly ports: readonly string[] | null;
  /** Whether it asks for packets to an address of this host. */
  readonly toHost: boolean;
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

/** Whether the packets that are wanted get through the chain of this name. */
export function letsPass(chains: ForeignChains, name: string, wanted: WantedPackets): boolean {
  if (wanted.kind === 'in') return letsIn(chains, name, wanted);
  const decision = decide(chains, name, (rule) => isFor(rule, wanted));
  return decision === null ? chains.get(name)?.drops !== true : decision.verdict === 'accept';
}

// Which interface they come through is known at best by the WAN interface, so one is enough by which they get in: one that rules
// name, or any other. But where the WAN interface is known, a rule that lets in all of another, such as a bridge of containers,
// is not made for them.
function letsIn(chains: ForeignChains, name: string, wanted: InboundPackets): boolean {
  const rules = [...chains.values()].flatMap((chain) => chain.rules);
  const named = rules.flatMap((rule) => rule?.from ?? []);
  const outer = named.filter((each) => each !== 'lo' && !includesName([each], wanted.interface));
  // No rule has an empty name.
  return ['', wanted.wanInterface ?? '', ...outer.map((each) => each.replace(/\*$/, ''))].some((from) => {
    const decision = decide(chains, name, (rule) => isForInbound(rule, wanted, from));
    if (decision === null) return chains.get(name)?.drops !== true;
    const isMeant = from === '' || from === (wanted.wanInterface ?? from) || decision.rule.ports !== null;
    return decision.verdict === 'accept' && isMeant;
  });
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
  /** The one that says so, in whichever chain. */
  readonly rule: ForeignRule;
  /** Of the rule in the chain that leads to it, from 0. */
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
      const decision = isFinal ? { verdict: rule.verdict, rule } : follow(rule.chain);
      if (decision !== null) return { ...decision, place };
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

function asksNothing(rule: ForeignRule): boolean {
  const { family, from, to, source, destination, states } = rule;
  return (
    isForEveryKind(rule) && [family, from, to, source, destination, states].every((asked) => asked === null)
  );
}

function isForEveryKind({ protocols, ports, toHost }: ForeignRule): boolean {
  return protocols === null && ports === null && !toHost;
}

/** Whether a rule is for them when they come through this interface. */
function isForInbound(
  { family, from, to, source, destination, states, protocols, ports }: ForeignRule,
  wanted: InboundPackets,
  comesFrom: string,
): boolean {
  return (
    (family === null || family === wanted.family) &&
    includesName(from, comesFrom) &&
    // They come from anybody, and to whichever address of this host.
    [to, source, destination].every((asked) => asked === null) &&
    (states === null || states.includes('new')) &&
    (protocols === null || protocols.includes('udp')) &&
    (ports === null || ports.some((range) => includesPort(range, wanted.port)))
  );
}

function includesPort(range: string, port: number): boolean {
  const [first = '', last = first] = range.split(/[-:]/);
  return Number(first) <= port && port <= Number(last);
}

function isFor(rule: ForeignRule, wanted: FirewallRule): boolean {
  const { family, from, to, source, destination, states } = rule;
  const isOut = wanted.kind === 'out';
  const [comesFrom, goesTo] = isOut
    ? [wanted.interface, wanted.wanInterface]
    : [wanted.wanInterface, wanted.interface];
  const [sent, received] = isOut ? [source, destination] : [destination, source];
  return (
    isForEveryKind(rule) &&
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
