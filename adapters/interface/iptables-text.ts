// The rules of one interface in the words of iptables(8) and ip6tables(8), in chains that are the node's alone. Runs nothing.
import type { AddressFamily } from '../../core/address.ts';
import {
  combineStates,
  compareTags,
  type FirewallConfig,
  type FirewallRule,
  familiesOf,
  firewallRules,
  type RenderedRule,
  type RulesState,
  ruleTag,
  splitByHook,
  tagPrefix,
} from './firewall-rules.ts';

/** What iptables-restore is to be told, and what it would change. */
export interface IptablesPlan {
  readonly state: RulesState;
  /** For `iptables-restore --noflush`, each table in one transaction; empty: nothing is to be done. */
  readonly text: string;
}

/** Holds what iptables-save says of one family against the configuration. */
export function planRestore(config: FirewallConfig, family: AddressFamily, saved: string): IptablesPlan {
  const lines = parseSaved(saved);
  const plans = ownChains(config, family).map((chain) =>
    planTable(chain, tagPrefix(config.interface), lines[chain.table] ?? []),
  );
  return {
    state: combineStates(plans.map(({ state }) => state)),
    text: plans.map(({ text }) => text).join(''),
  };
}

/** Whether forwarded packets that no rule accepts are dropped, by what iptables-save says. */
export function forwardDrops(saved: string): boolean {
  return (parseSaved(saved)['filter'] ?? []).some((line) => line.startsWith(':FORWARD DROP '));
}

/** Shell commands that make the chains anew, for `PostUp`. What a cut-off one left does no harm. */
export function renderIptablesUp(config: FirewallConfig): readonly string[] {
  return familiesOf(config).flatMap((family) =>
    ownChains(config, family).flatMap(({ table, parent, name, rules }) => {
      const run = `${iptablesProgram(family)} -w 5 -t ${table}`;
      return [
        `${run} -N ${name} 2>/dev/null || ${run} -F ${name}`,
        ...rules.map(({ text }) => `${run} -A ${name} ${text}`),
        `${run} -C ${parent} -j ${name} 2>/dev/null || ${run} -A ${parent} -j ${name}`,
      ];
    }),
  );
}

/** Shell commands that remove the chains and take it well when there are none, for `PostDown`. */
export function renderIptablesDown(config: FirewallConfig): readonly string[] {
  return familiesOf(config).flatMap((family) =>
    ownChains(config, family).flatMap(({ table, parent, name }) => {
      const run = `${iptablesProgram(family)} -w 5 -t ${table}`;
      const steps = [`-D ${parent} -j ${name}`, `-F ${name}`, `-X ${name}`];
      return steps.map((step) => `${run} ${step} 2>/dev/null || true`);
    }),
  );
}

/** The program of an address family; `-save` and `-restore` go behind it. */
export function iptablesProgram(family: AddressFamily): 'iptables' | 'ip6tables' {
  return family === 'IPv4' ? 'iptables' : 'ip6tables';
}

interface OwnChain {
  readonly table: 'filter' | 'nat';
  /** The chain of the system that sends packets to it. */
  readonly parent: 'FORWARD' | 'POSTROUTING';
  readonly name: string;
  /** As they follow the chain's name. Empty: the chain is not wanted. */
  readonly rules: readonly RenderedRule[];
}

function ownChains(config: FirewallConfig, family: AddressFamily): readonly OwnChain[] {
  const rules = firewallRules(config).filter((rule) => rule.family === family);
  const { forward, postrouting } = splitByHook(rules);
  // At most 28 characters are allowed (iptables(8)), 15 of which an interface's name may take.
  const name = `WGKEEPER-${config.interface}`;
  return [
    { table: 'filter', parent: 'FORWARD', name, rules: forward.map(renderRule) },
    { table: 'nat', parent: 'POSTROUTING', name, rules: postrouting.map(renderRule) },
  ];
}

function renderRule(rule: FirewallRule): RenderedRule {
  const { interface: own, wanInterface: wan, subnet } = rule;
  const [match, target] = {
    out: [`-i ${own} -o ${wan} -s ${subnet}`, 'ACCEPT'],
    back: [`-i ${wan} -o ${own} -d ${subnet} -m conntrack --ctstate RELATED,ESTABLISHED`, 'ACCEPT'],
    masquerade: [`-o ${wan} -s ${subnet}`, 'MASQUERADE'],
  }[rule.kind];
  const tag = ruleTag(own, `${match} ${target}`);
  return { tag, text: `${match} -m comment --comment ${tag} -j ${target}` };
}

/** What a table holds of the node's: lines of iptables-save. */
interface OwnLines {
  readonly chainIsThere: boolean;
  /** Of the rules in the chain. */
  readonly comments: readonly (string | null)[];
  /** The one rule that is wanted outside of the chain; undefined: it is missing, or nothing is wanted. */
  readonly jump: string | undefined;
  /** Rules outside of the chain that must go. */
  readonly strays: readonly string[];
}

function findOwn({ parent, name, rules }: OwnChain, ownTags: string, saved: readonly string[]): OwnLines {
  const inChain = saved.filter((line) => line.startsWith(`-A ${name} `));
  const outside = saved.filter((line) => line.startsWith('-A ') && !inChain.includes(line));
  // Another way into the chain would keep it from being removed. A comment of the node outside marks rules of its first versions.
  const leadsIn = (line: string) => line.endsWith(` -j ${name}`) || line.endsWith(` -g ${name}`);
  const ours = outside.filter((line) => leadsIn(line) || commentOf(line)?.startsWith(ownTags));
  const place = rules.length === 0 ? -1 : ours.indexOf(`-A ${parent} -j ${name}`);
  return {
    chainIsThere: saved.some((line) => line.startsWith(`:${name} `)),
    comments: inChain.map(commentOf),
    jump: ours[place],
    strays: ours.filter((_, index) => index !== place),
  };
}

function planTable(chain: OwnChain, ownTags: string, saved: readonly string[]): IptablesPlan {
  const own = findOwn(chain, ownTags, saved);
  const deletions = own.strays.map((line) => line.replace('-A', '-D'));
  const { state, lines } = chain.rules.length === 0 ? planAbsence(chain, own) : planPresence(chain, own);
  const strays = deletions.length === 0 ? 'present' : 'extra';
  return {
    state: combineStates([state, strays]),
    text: renderTable(chain.table, [...deletions, ...lines]),
  };
}

interface TablePlan {
  readonly state: RulesState;
  readonly lines: readonly string[];
}

function planAbsence({ name }: OwnChain, { chainIsThere }: OwnLines): TablePlan {
  return chainIsThere
    ? { state: 'extra', lines: [renderEmptyChain(name), `-X ${name}`] }
    : { state: 'present', lines: [] };
}

// The jump is appended: rules of the operator that stand before it decide first.
function planPresence({ parent, name, rules }: OwnChain, { comments, jump }: OwnLines): TablePlan {
  const inChain = compareTags(
    rules.map(({ tag }) => tag),
    comments,
  );
  const anew = [renderEmptyChain(name), ...rules.map(({ text }) => `-A ${name} ${text}`)];
  return {
    state: jump === undefined ? 'missing' : inChain,
    lines: [
      ...(inChain === 'present' ? [] : anew),
      ...(jump === undefined ? [`-A ${parent} -j ${name}`] : []),
    ],
  };
}

// Makes the chain, or empties it (iptables-restore with --noflush).
function renderEmptyChain(name: string): string {
  return `:${name} - [0:0]`;
}

function renderTable(table: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `*${table}\n${lines.join('\n')}\nCOMMIT\n`;
}

// Words with anything but letters, digits, "-" and "_" are listed in quotes.
function commentOf(line: string): string | null {
  return / --comment "?([^" ]*)"?(?: |$)/.exec(line)?.[1] ?? null;
}

/** The lines of each table, by its name. */
function parseSaved(saved: string): Readonly<Record<string, readonly string[]>> {
  const tables: Record<string, string[]> = {};
  let lines: string[] = [];
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) tables[line.slice(1)] = lines = [];
    else lines.push(line);
  }
  return tables;
}
