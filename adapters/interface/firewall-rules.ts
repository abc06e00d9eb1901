// The firewall rules of one interface as data, in no program's words, and the names by which the node knows its own.
import { createHash } from 'node:crypto';
import type { AddressFamily } from '../../core/address.ts';
import { formatCidr } from '../../core/address.ts';
import type { Config } from '../../core/config/config.ts';

/** What makes the rules. */
export type FirewallBackend = 'nftables' | 'iptables';

/** What of the configuration makes the rules, with a back end that is settled. */
export interface FirewallConfig extends Pick<Config['wireguard'], 'interface' | 'subnets'> {
  /** Null: there are to be no rules. */
  readonly routing: { readonly wanInterface: string; readonly backend: FirewallBackend } | null;
}

/** One rule about the packets of one subnet. */
export interface FirewallRule {
  /**
   * - `out`: what peers send through the WAN interface is let pass.
   * - `back`: so is what comes back to them from there, for known connections only.
   * - `masquerade`: what leaves through the WAN interface gets this host's address.
   */
  readonly kind: 'out' | 'back' | 'masquerade';
  readonly family: AddressFamily;
  readonly interface: string;
  readonly wanInterface: string;
  /** As `10.0.0.0/24`. */
  readonly subnet: string;
}

/**
 * What is there, held against what ought to be.
 * - `present`: exactly the rules that are wanted, each once.
 * - `missing`: not all that are wanted.
 * - `extra`: all that are wanted, and others of the node too, of an older configuration or of the other back end.
 */
export type RulesState = 'present' | 'missing' | 'extra';

/** What is there, and the calls that make it what is wanted. Each may be repeated; none when all is `present`. */
export interface FirewallPlan {
  readonly state: RulesState;
  readonly calls: readonly {
    readonly command: string;
    readonly args: readonly string[];
    readonly stdin?: string;
  }[];
}

/** The rules that a configuration asks for. */
export function firewallRules(config: FirewallConfig): readonly FirewallRule[] {
  const { routing, interface: name } = config;
  if (routing === null) return [];
  return config.subnets.flatMap(({ cidr }) =>
    (['out', 'back', 'masquerade'] as const).map((kind) => ({
      kind,
      family: cidr.family,
      interface: name,
      wanInterface: routing.wanInterface,
      subnet: formatCidr(cidr),
    })),
  );
}

/** The families that the configuration asks for rules in. */
export function familiesOf(config: FirewallConfig): readonly AddressFamily[] {
  return config.routing === null ? [] : config.subnets.map(({ cidr }) => cidr.family);
}

/** The rules by where packets meet them: before they are sent on, and before they leave. */
export function splitByHook(rules: readonly FirewallRule[]): {
  readonly forward: readonly FirewallRule[];
  readonly postrouting: readonly FirewallRule[];
} {
  return {
    forward: rules.filter(({ kind }) => kind !== 'masquerade'),
    postrouting: rules.filter(({ kind }) => kind === 'masquerade'),
  };
}

/** A rule in a program's words. */
export interface RenderedRule {
  readonly text: string;
  /** The comment in it. */
  readonly tag: string;
}

/**
 * A rule's comment: names the node and the interface, and by a fingerprint the rule's own words. Programs list rules in
 * other words than they take them, so what is there is known by this.
 */
export function ruleTag(interfaceName: string, words: string): string {
  const fingerprint = createHash('sha256').update(words).digest('hex').slice(0, 8);
  return `${tagPrefix(interfaceName)}${fingerprint}`;
}

/** What the comments of an interface's rules begin with. No name holds a colon, so one name's are never another's. */
export function tagPrefix(interfaceName: string): string {
  return `wgkeeper-node:${interfaceName}:`;
}

/** Holds the comments of the rules that are there, null for one without, against those that are wanted; their order counts. */
export function compareTags(wanted: readonly string[], found: readonly (string | null)[]): RulesState {
  if (!wanted.every((tag) => found.includes(tag))) return 'missing';
  const same = found.length === wanted.length && found.every((tag, place) => tag === wanted[place]);
  return same ? 'present' : 'extra';
}

/** The state of several parts together. */
export function combineStates(states: readonly RulesState[]): RulesState {
  if (states.includes('missing')) return 'missing';
  return states.includes('extra') ? 'extra' : 'present';
}
