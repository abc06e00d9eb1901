// The rules of one interface in the words of nft(8), in one table that is the node's alone. Runs nothing.
import {
  compareTags,
  type FirewallConfig,
  type FirewallRule,
  firewallRules,
  type RenderedRule,
  type RulesState,
  ruleTag,
  splitByHook,
} from './firewall-rules.ts';
import type { Hook } from './foreign-rules.ts';

/** The table of an interface, with its family. */
export function tableOf(interfaceName: string): string {
  // Every character that an interface's name may hold may stand in nft's bare words, which begin with a letter.
  return `inet wgkeeper-${interfaceName}`;
}

/** What puts the table in the place of the one that may be there: one transaction on one line, without `'`, `#` and `%`. */
export function renderNftables(config: FirewallConfig): string {
  const chains = chainRules(config).map(
    ({ name, hook, rules }) =>
      `chain ${name} { type ${hook}; policy accept; ${rules.map(({ text }) => text).join('; ')}; }`,
  );
  const removal = renderNftablesRemoval(config.interface);
  return `${removal}; table ${tableOf(config.interface)} { ${chains.join('; ')}; }`;
}

/** What removes the table, and takes it well when there is none. */
export function renderNftablesRemoval(interfaceName: string): string {
  const table = tableOf(interfaceName);
  return `add table ${table}; delete table ${table}`;
}

/** The arguments that list the table. */
export function nftablesListArgs(interfaceName: string): readonly string[] {
  return ['list', 'table', ...tableOf(interfaceName).split(' ')];
}

/** Holds what `nft list table` says against the configuration; null: there is no such table. */
export function compareNftables(config: FirewallConfig, listing: string | null): RulesState {
  const wanted = chainRules(config).flatMap(({ rules }) => rules.map(({ tag }) => tag));
  if (wanted.length === 0) return listing === null ? 'present' : 'extra';
  return compareTags(wanted, parseComments(listing ?? ''));
}

/** A base chain. */
export interface NftablesChain {
  /** `ip`, `ip6`, `inet`, … */
  readonly family: string;
  readonly table: string;
  readonly name: string;
}

/** The chains that see packets at a hook, in what `nft list chains` says. */
export function parseHookChains(listing: string, hook: Hook): readonly NftablesChain[] {
  const found: NftablesChain[] = [];
  let [family, table, name] = ['', '', ''];
  for (const line of listing.split('\n')) {
    const words = line.trim().split(' ');
    if (words[0] === 'table') [, family = '', table = ''] = words;
    else if (words[0] === 'chain') [, name = ''] = words;
    else if (line.includes(` hook ${hook} `)) found.push({ family, table, name });
  }
  return found;
}

interface ChainRules {
  readonly name: string;
  readonly hook: string;
  readonly rules: readonly RenderedRule[];
}

function chainRules(config: FirewallConfig): readonly ChainRules[] {
  const { forward, postrouting } = splitByHook(firewallRules(config));
  return [
    { name: 'forward', hook: 'filter hook forward priority filter', rules: forward.map(renderRule) },
    { name: 'postrouting', hook: 'nat hook postrouting priority srcnat', rules: postrouting.map(renderRule) },
  ];
}

function renderRule(rule: FirewallRule): RenderedRule {
  const ip = rule.family === 'IPv4' ? 'ip' : 'ip6';
  const [own, wan] = [`"${rule.interface}"`, `"${rule.wanInterface}"`];
  const words = {
    out: `iifname ${own} oifname ${wan} ${ip} saddr ${rule.subnet} accept`,
    back: `iifname ${wan} oifname ${own} ${ip} daddr ${rule.subnet} ct state established,related accept`,
    masquerade: `oifname ${wan} ${ip} saddr ${rule.subnet} masquerade`,
  }[rule.kind];
  const tag = ruleTag(rule.interface, words);
  return { tag, text: `${words} comment "${tag}"` };
}

// Each line in a table that neither opens nor closes something nor says what a chain is stands for a rule.
function parseComments(listing: string): readonly (string | null)[] {
  const lines = listing.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '' && !/^type | \{$|^\}$/.test(line))
    .map((line) => / comment "([^"]*)"$/.exec(line)?.[1] ?? null);
}
