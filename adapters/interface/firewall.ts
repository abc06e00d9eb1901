// The live firewall rules of one interface: which back end makes them, what is there, and making it what is wanted.
import type { Config } from '../../core/config/config.ts';
import type { DroppingChain } from '../../core/doctor/network.ts';
import { fail, ok } from '../../core/result.ts';
import { packageOf } from '../program-packages.ts';
import {
  combineStates,
  type FirewallBackend,
  type FirewallConfig,
  type FirewallPlan,
  familiesOf,
  firewallRules,
  type RulesState,
  splitByHook,
} from './firewall-rules.ts';
import type { Hook, InboundPackets, WantedPackets } from './foreign-rules.ts';
import { call, type InterfaceFailure, type InterfaceHost, refused, type Step } from './interface-host.ts';
import { findIptablesDrops, planIptables, surveyIptables } from './iptables.ts';
import { chainOf } from './iptables-text.ts';
import { findNftablesDrops, planNftables, surveyNftables } from './nftables.ts';
import { tableOf } from './nftables-text.ts';

/** The back end that makes the rules of a configuration on this host, whose programs are there; null: there are to be no rules. */
export async function settleBackend(
  { interface: name, subnets, routing }: Pick<Config['wireguard'], 'interface' | 'subnets' | 'routing'>,
  host: InterfaceHost,
): Step<FirewallConfig['routing']> {
  if (routing === null || routing.backend === 'none') return ok(null);
  const { wanInterface, backend } = routing;
  if (backend !== 'auto') {
    const missing = await findMissing({ interface: name, subnets, routing: { wanInterface, backend } }, host);
    if (!missing.ok) return missing;
    return missing.value.length === 0
      ? ok({ wanInterface, backend })
      : fail(notInstalled(backend, missing.value));
  }
  const chosen = await chooseBackend(
    { interface: name, subnets, routing: { wanInterface, backend: 'nftables' } },
    host,
  );
  return chosen.ok ? ok({ wanInterface, backend: chosen.value }) : chosen;
}

/**
 * The back end to hold a live host against. As above; but where `auto` would choose the other one by now, the one that has
 * made every rule and is let pass by all others goes on being right.
 */
export async function settleBackendInForce(
  wireguard: Pick<Config['wireguard'], 'interface' | 'subnets' | 'routing'>,
  host: InterfaceHost,
): Step<FirewallConfig['routing']> {
  const settled = await settleBackend(wireguard, host);
  if (!settled.ok || settled.value === null || wireguard.routing?.backend !== 'auto') return settled;
  const { wanInterface, backend } = settled.value;
  const other = { wanInterface, backend: backend === 'nftables' ? 'iptables' : 'nftables' } as const;
  const config = { ...wireguard, routing: other };
  const rules = await inspectRules(config, host);
  if (!rules.ok || rules.value !== 'present') return settled;
  const drops = await findDrops(config, host);
  return drops.ok && drops.value.length === 0 ? ok(other) : settled;
}

/**
 * nftables; but iptables where only that works, and where its FORWARD chain drops by policy or by its last rule, as those
 * of Docker, ufw and RHEL do: a rule in there is heard, while one in a table of our own could not let through what that
 * chain drops.
 */
async function chooseBackend(config: FirewallConfig, host: InterfaceHost): Step<FirewallBackend> {
  const nftables = await surveyNftables(config, host);
  if (!nftables.ok) return nftables;
  const iptables = await surveyIptables(familiesOf(config), host);
  if (!iptables.ok) return iptables;
  const { works, missing, drops } = iptables.value;
  if (works && (nftables.value !== 'works' || drops)) return ok('iptables');
  return nftables.value === 'missing' ? fail(noBackend(config, missing)) : ok('nftables');
}

/** The programs of the back end of a configuration that are not installed. */
async function findMissing(config: FirewallConfig, host: InterfaceHost): Step<readonly string[]> {
  if (config.routing?.backend === 'iptables') {
    const iptables = await surveyIptables(familiesOf(config), host);
    return iptables.ok ? ok(iptables.value.missing) : iptables;
  }
  const nftables = await surveyNftables(config, host);
  return nftables.ok ? ok(nftables.value === 'missing' ? ['nft'] : []) : nftables;
}

function notInstalled(backend: FirewallBackend, missing: readonly string[]): InterfaceFailure {
  const message = `wireguard.routing.backend is ${backend}, and ${missing.join(' and ')} can't be found: install the package ${packagesOf(missing)}, or name another back end`;
  return { code: 'tool_missing', message };
}

function packagesOf(programs: readonly string[]): string {
  return [...new Set(programs.map(packageOf))].join(' and ');
}

/** `missing`: of iptables' programs; where all are there it is the kernel that has none of their tables. */
function noBackend(config: FirewallConfig, missing: readonly string[]): InterfaceFailure {
  const families = familiesOf(config).join(' and ');
  const what =
    missing.length === 0
      ? 'nft is not installed, and iptables does not work'
      : `${['nft', ...missing].join(' and ')} are not installed`;
  const other = missing.length === 0 ? '' : `, or what brings ${missing.join(' and ')}`;
  const message = `no firewall rules can be made for ${families}: ${what}. Install the package nftables${other}; or make rules yourself and set wireguard.routing.backend to none`;
  return { code: 'tool_missing', message };
}

/** Whether exactly the rules of the configuration are there, of both back ends. Changes nothing. */
export async function inspectRules(config: FirewallConfig, host: InterfaceHost): Step<RulesState> {
  const plans = await planRules(config, host);
  return plans.ok ? ok(combineStates(plans.value.map(({ state }) => state))) : plans;
}

/** Makes the node's rules for this interface those of the configuration, each once, and removes those of the other back end. */
export async function adjustRules(config: FirewallConfig, host: InterfaceHost): Step {
  const plans = await planRules(config, host);
  if (!plans.ok) return plans;
  for (const { backend, state, calls } of plans.value) {
    for (const { command, args, ...input } of calls) {
      const called = await call(command, args, host, input);
      if (!called.ok) return fail(refused(called.failure, host));
    }
    const outcome = config.routing?.backend === backend ? 'firewall rules set' : 'firewall rules removed';
    if (state !== 'present') {
      host.log.info({ interface: config.interface, backend, found: state }, outcome);
    }
  }
  return ok(undefined);
}

/** Removes every rule of the interface. */
export function clearRules(config: FirewallConfig, host: InterfaceHost): Step {
  return adjustRules({ ...config, routing: null }, host);
}

/**
 * What to tell of rules that the node has made with a back end whose programs are not there any more, so that nobody can say
 * whether they are; null: nothing, they are there.
 */
export async function findLeftovers(
  { interface: name, subnets, routing }: Pick<Config['wireguard'], 'interface' | 'subnets' | 'routing'>,
  backend: FirewallBackend,
  host: InterfaceHost,
): Step<string | null> {
  const wanInterface = routing?.wanInterface ?? '';
  const missing = await findMissing({ interface: name, subnets, routing: { wanInterface, backend } }, host);
  if (!missing.ok) return missing;
  if (missing.value.length === 0) return ok(null);
  const where =
    backend === 'nftables' ? `nftables' table ${tableOf(name)}` : `the chains ${chainOf(name)} of iptables`;
  const programs = missing.value.join(' and ');
  return ok(
    `firewall rules of ${name} may have stayed, in ${where}: ${programs} can't be found. Install the package ${packagesOf(missing.value)} and run this again; or restart the host, which ends them`,
  );
}

/** Warns of chains that may drop what the rules let pass. */
export async function warnOfDrops(config: FirewallConfig, host: InterfaceHost): Step {
  const chains = await findDrops(config, host);
  if (!chains.ok) return chains;
  if (chains.value.length === 0) return ok(undefined);
  host.log.warn(
    {
      interface: config.interface,
      chains: chains.value.map(({ name }) => name),
      remedies: chains.value.flatMap(({ remedies }) => remedies),
    },
    "other chains drop forwarded packets, which the node's own accept can't change: let the interface's traffic pass in their rules, or peers reach this host alone",
  );
  return ok(undefined);
}

/** The chains of others that drop what the rules let pass; none where there are to be no rules. Changes nothing. */
export async function findDrops(config: FirewallConfig, host: InterfaceHost): Step<readonly DroppingChain[]> {
  if (config.routing === null) return ok([]);
  const { forward } = splitByHook(firewallRules(config));
  return findDropsAt('forward', forward, config.routing.backend, host);
}

/** The chains of this host's firewall that drop packets which come to WireGuard's port. Changes nothing. */
export async function findInboundDrops(
  wanted: readonly InboundPackets[],
  host: InterfaceHost,
): Step<readonly DroppingChain[]> {
  return findDropsAt('input', wanted, null, host);
}

async function findDropsAt(
  hook: Hook,
  wanted: readonly WantedPackets[],
  backend: FirewallBackend | null,
  host: InterfaceHost,
): Step<readonly DroppingChain[]> {
  const iptables = await findIptablesDrops(wanted, hook, backend, host);
  if (!iptables.ok) return iptables;
  const { chains, seen } = iptables.value;
  return ok([...chains, ...(await findNftablesDrops(wanted, hook, seen, host))]);
}

// The wanted back end comes first, so that a change of it leaves no gap.
async function planRules(
  config: FirewallConfig,
  host: InterfaceHost,
): Step<readonly (FirewallPlan & { readonly backend: FirewallBackend })[]> {
  const wanted = config.routing?.backend ?? 'nftables';
  const other = wanted === 'nftables' ? 'iptables' : 'nftables';
  const first = await planners[wanted](config, host);
  if (!first.ok) return first;
  const second = await planners[other]({ ...config, routing: null }, host);
  if (!second.ok) return second;
  return ok([
    { backend: wanted, ...first.value },
    { backend: other, ...second.value },
  ]);
}

const planners = { nftables: planNftables, iptables: planIptables };
