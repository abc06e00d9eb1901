// nftables on this host: whether it can be used, which rules of the node it has, and what would change them.
import type { AddressFamily } from '../../core/address.ts';
import { fail, ok } from '../../core/result.ts';
import type { FirewallConfig, FirewallPlan } from './firewall-rules.ts';
import { call, type InterfaceHost, refused, type Step, saidNo } from './interface-host.ts';
import {
  compareNftables,
  nftablesListArgs,
  parseDroppingChains,
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

/** Whether nft and the kernel take the rules. Changes nothing. */
export async function nftablesWorks(config: FirewallConfig, host: InterfaceHost): Step<boolean> {
  const checked = await call('nft', ['--check', renderNftables(config)], host);
  return checked.ok || saidNo(checked.failure) ? ok(checked.ok) : fail(refused(checked.failure, host));
}

/**
 * The chains, as `inet filter forward`, that drop forwarded packets of these families which they don't accept themselves,
 * save for iptables' FORWARD. None where nft can't tell.
 */
export async function findDroppingChains(
  families: readonly AddressFamily[],
  host: InterfaceHost,
): Promise<readonly string[]> {
  const listed = await call('nft', ['list', 'chains'], host);
  const seen = ['inet', ...families.map((family) => (family === 'IPv4' ? 'ip' : 'ip6'))];
  return parseDroppingChains(listed.ok ? listed.value : '')
    .filter(({ family, name }) => seen.includes(family) && name !== 'FORWARD')
    .map(({ family, table, name }) => `${family} ${table} ${name}`);
}
