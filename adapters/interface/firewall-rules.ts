// The firewall rules of one interface as data and as text for iptables(8) and ip6tables(8). Runs nothing.
import { createHash } from 'node:crypto';
import type { AddressFamily } from '../../core/address.ts';
import { formatCidr } from '../../core/address.ts';
import type { Config } from '../../core/config/config.ts';

export type FirewallProgram = 'iptables' | 'ip6tables';
export type FirewallTable = 'filter' | 'nat';

/** One rule. */
export interface FirewallRule {
  readonly program: FirewallProgram;
  readonly table: FirewallTable;
  readonly chain: string;
  /** What follows the chain, the comment included. */
  readonly match: readonly string[];
  /** The comment: names the node, the interface, and by a fingerprint the rest of the rule. */
  readonly tag: string;
}

/** Where the node's rules are. */
export const firewallChains: readonly { readonly table: FirewallTable; readonly chain: string }[] = [
  { table: 'filter', chain: 'FORWARD' },
  { table: 'nat', chain: 'POSTROUTING' },
];

/** The program of an address family. */
function firewallProgram(family: AddressFamily): FirewallProgram {
  return family === 'IPv4' ? 'iptables' : 'ip6tables';
}

/**
 * The rules that a configuration asks for: out through the WAN interface, back in for known connections only, and
 * masqueraded, for each subnet. They are appended: rules of the operator that stand before them decide first.
 * Every backend but `none` is iptables for now.
 */
export function firewallRules(
  config: Pick<Config['wireguard'], 'interface' | 'subnets' | 'routing'>,
): readonly FirewallRule[] {
  const { routing, interface: name } = config;
  if (routing === null || routing.backend === 'none') return [];
  const wan = routing.wanInterface;
  return config.subnets.flatMap(({ cidr }) => {
    const subnet = formatCidr(cidr);
    const known = ['-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED'];
    const rule = (table: FirewallTable, chain: string, what: readonly string[], target: string) =>
      tagged(name, { program: firewallProgram(cidr.family), table, chain }, what, target);
    return [
      rule('filter', 'FORWARD', ['-i', name, '-o', wan, '-s', subnet], 'ACCEPT'),
      rule('filter', 'FORWARD', ['-i', wan, '-o', name, '-d', subnet, ...known], 'ACCEPT'),
      rule('nat', 'POSTROUTING', ['-o', wan, '-s', subnet], 'MASQUERADE'),
    ];
  });
}

/** The arguments that append (`-A`), look for (`-C`) or delete (`-D`) a rule. Waits for others that change rules. */
export function ruleArgs(rule: FirewallRule, action: '-A' | '-C' | '-D'): readonly string[] {
  return ['-w', '5', '-t', rule.table, action, rule.chain, ...rule.match];
}

/** The arguments that list a chain for `parseTaggedRules`. */
export function listArgs(table: FirewallTable, chain: string): readonly string[] {
  return ['-w', '5', '-t', table, '-S', chain];
}

/** A shell command that makes sure of a rule, for `PostUp`. */
export function renderPostUp(rule: FirewallRule): string {
  const look = [rule.program, ...ruleArgs(rule, '-C')].join(' ');
  return `${look} 2>/dev/null || ${[rule.program, ...ruleArgs(rule, '-A')].join(' ')}`;
}

/** A shell command that removes a rule and takes it well when there is none, for `PostDown`. */
export function renderPostDown(rule: FirewallRule): string {
  return `${[rule.program, ...ruleArgs(rule, '-D')].join(' ')} 2>/dev/null || true`;
}

/** A rule of the node as the kernel has it. */
export interface TaggedRule {
  readonly tag: string;
  /** What follows `-A` or `-D` in its own words. */
  readonly specification: readonly string[];
}

/** Finds the rules that carry the node's comment for this interface in the listing of one chain. */
export function parseTaggedRules(listing: string, interfaceName: string): readonly TaggedRule[] {
  const prefix = `${tagPrefix(interfaceName)}:`;
  const rules: TaggedRule[] = [];
  for (const line of listing.split('\n')) {
    const words = splitWords(line);
    const tag = words[words.indexOf('--comment') + 1] ?? '';
    if (words[0] === '-A' && tag.startsWith(prefix)) rules.push({ tag, specification: words.slice(1) });
  }
  return rules;
}

// A colon can't stand in an interface's name here, so one name's tags are never another's.
function tagPrefix(interfaceName: string): string {
  return `wgkeeper-node:${interfaceName}`;
}

function tagged(
  interfaceName: string,
  place: Pick<FirewallRule, 'program' | 'table' | 'chain'>,
  what: readonly string[],
  target: string,
): FirewallRule {
  const whole = [place.program, place.table, place.chain, ...what, target].join(' ');
  const fingerprint = createHash('sha256').update(whole).digest('hex').slice(0, 8);
  const tag = `${tagPrefix(interfaceName)}:${fingerprint}`;
  return { ...place, match: [...what, '-m', 'comment', '--comment', tag, '-j', target], tag };
}

// iptables -S puts a word with anything but letters, digits, "-" and "_" into double quotes, with "\" before `"` and "\".
function splitWords(line: string): readonly string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|\S+/g)].map(
    ([word, quoted]) => quoted?.replace(/\\(.)/g, '$1') ?? word,
  );
}
