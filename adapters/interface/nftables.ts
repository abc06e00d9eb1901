// nftables on this host: whether it can be used, which rules of the node it has, and what would change them.
import type { AddressFamily } from '../../core/address.ts';
import type { DroppingChain } from '../../core/doctor/network.ts';
import { fail, ok } from '../../core/result.ts';
import type { FirewallConfig, FirewallPlan } from './firewall-rules.ts';
import { type Hook, letsPass, type WantedPackets } from './foreign-rules.ts';
import { renderNftablesRemedies } from './foreign-rules-remedies.ts';
import { parseNftablesChains } from './foreign-rules-text.ts';
import { call, type InterfaceHost, refused, type Step, saidNo } from './interface-host.ts';
import {
  compareNftables,
  nftablesListArgs,
  parseHookChains,
  renderNftables,
  renderNftablesRemoval,
} from './nftables-text.ts';

/** Holds the node's table against the configuration. */
export async function planNftables(config: FirewallConfig, host: InterfaceHost): Step<FirewallPlan> {
  const listed = await call('nft', nftablesListArgs(config.interface), host);
  if (!listed.ok && !saidNo(listed.failure)) return fail(refused(listed.failure, host));
  const state = compareNftables(config, listed.ok ? listed.value : null);
  const text = config.routing === null ? renderNftablesRemoval(config.interface) : renderNftables(config);
  // As an argument: nft opens /dev/stdin anew, which fails with the pipes that Node.js makes (they are sockets).
  return ok({ state, calls: state === 'present' ? [] : [{ command: 'nft', args: [text] }] });
}

/** Whether nft is there, and whether it and the kernel take the rules. Changes nothing. */
export async function surveyNftables(
  config: FirewallConfig,
  host: InterfaceHost,
): Step<'works' | 'refused' | 'missing'> {
  const checked = await call('nft', ['--check', renderNftables(config)], host);
  if (checked.ok) return ok('works');
  if (!saidNo(checked.failure)) return fail(refused(checked.failure, host));
  return ok(checked.failure.code === 'command_missing' ? 'missing' : 'refused');
}

/**
 * The chains at a hook that drop these packets, save for iptables' own, FORWARD or INPUT, in the families that iptables has
 * seen itself. None where nft can't tell.
 */
export async function findNftablesDrops(
  wanted: readonly WantedPackets[],
  hook: Hook,
  seenByIptables: ReadonlySet<AddressFamily>,
  host: InterfaceHost,
): Promise<readonly DroppingChain[]> {
  const listed = await call('nft', ['list', 'chains'], host);
  const drops: DroppingChain[] = [];
  for (const { family, table, name } of parseHookChains(listed.ok ? listed.value : '', hook)) {
    const isSeen = (rule: WantedPackets) =>
      family !== 'inet' && name === hook.toUpperCase() && seenByIptables.has(rule.family);
    const met = wanted.filter((rule) => seesFamily(family, rule.family) && !isSeen(rule));
    if (met.length === 0) continue;
    const shown = await call('nft', ['list', 'table', family, table], host);
    const chains = parseNftablesChains(shown.ok ? shown.value : '');
    const lost = met.filter((rule) => !letsPass(chains, name, rule));
    const chain = `${family} ${table} ${name}`;
    if (lost.length > 0) drops.push({ name: chain, remedies: renderNftablesRemedies(chain, lost) });
  }
  return drops;
}

function seesFamily(tableFamily: string, family: AddressFamily): boolean {
  return tableFamily === 'inet' || tableFamily === (family === 'IPv4' ? 'ip' : 'ip6');
}
