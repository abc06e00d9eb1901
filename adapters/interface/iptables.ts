// iptables and ip6tables on this host: which rules of the node they have, and what would change them.
import type { AddressFamily } from '../../core/address.ts';
import type { DroppingChain } from '../../core/doctor/network.ts';
import { fail, ok } from '../../core/result.ts';
import {
  combineStates,
  type FirewallBackend,
  type FirewallConfig,
  type FirewallPlan,
  familiesOf,
} from './firewall-rules.ts';
import { dropsOthers, type Hook, letsPass, type WantedPackets } from './foreign-rules.ts';
import { renderIptablesRemedies } from './foreign-rules-remedies.ts';
import { call, type InterfaceHost, refused, type Step, saidNo } from './interface-host.ts';
import { flavourOf, iptablesProgram, parseFilterChains, planRestore } from './iptables-text.ts';

/** Holds the node's chains of both families against the configuration. */
export async function planIptables(config: FirewallConfig, host: InterfaceHost): Step<FirewallPlan> {
  const plans: FirewallPlan[] = [];
  for (const family of ['IPv4', 'IPv6'] as const) {
    const plan = await planFamily(config, family, host);
    if (!plan.ok) return plan;
    plans.push(plan.value);
  }
  const state = combineStates(plans.map((plan) => plan.state));
  return ok({ state, calls: plans.flatMap(({ calls }) => calls) });
}

/** What iptables is like on this host. */
export interface IptablesSurvey {
  /** Whether it works for every family that was asked about. */
  readonly works: boolean;
  /** The programs that are not installed. */
  readonly missing: readonly string[];
  /** Whether a FORWARD chain drops what none of its rules accepts, by policy or by a last rule. */
  readonly drops: boolean;
}

/** Looks at the tables of these families. Makes none, and loads nothing. */
export async function surveyIptables(
  families: readonly AddressFamily[],
  host: InterfaceHost,
): Step<IptablesSurvey> {
  const missing: string[] = [];
  let [works, drops] = [true, false];
  for (const family of families) {
    const program = iptablesProgram(family);
    const saved = await call(`${program}-save`, [], host);
    if (!saved.ok && !saidNo(saved.failure)) return fail(refused(saved.failure, host));
    works &&= saved.ok;
    drops ||= saved.ok && dropsOthers(parseFilterChains(saved.value), 'FORWARD');
    if (!saved.ok && saved.failure.code === 'command_missing') missing.push(program);
  }
  return ok({ works, missing, drops });
}

/** What iptables tells of packets at a hook. */
export interface IptablesDrops {
  readonly chains: readonly DroppingChain[];
  /** The families for which it could tell. */
  readonly seen: ReadonlySet<AddressFamily>;
}

/**
 * The FORWARD or INPUT chains that drop these packets: iptables' own, save where `backend` says that the node's rules are in
 * it, and that of its other flavour, legacy or nft, in which no rule of the node is.
 */
export async function findIptablesDrops(
  wanted: readonly WantedPackets[],
  hook: Hook,
  backend: FirewallBackend | null,
  host: InterfaceHost,
): Step<IptablesDrops> {
  const name = hook.toUpperCase();
  const chains: DroppingChain[] = [];
  const seen = new Set<AddressFamily>();
  for (const family of new Set(wanted.map((rule) => rule.family))) {
    const own = iptablesProgram(family);
    const flavours = await readFlavours(own, host);
    if (!flavours.ok) return flavours;
    if (flavours.value.has(own)) seen.add(family);
    if (backend === 'iptables') flavours.value.delete(own);
    for (const [program, saved] of flavours.value) {
      const found = parseFilterChains(saved);
      const lost = wanted.filter((rule) => rule.family === family && !letsPass(found, name, rule));
      if (lost.length === 0) continue;
      chains.push({ name: `${program} ${name}`, remedies: renderIptablesRemedies(program, found, lost) });
    }
  }
  return ok({ chains, seen });
}

/** What `iptables-save` says, and what that of the other flavour does where it can tell, by the programs' names. */
async function readFlavours(own: string, host: InterfaceHost): Step<Map<string, string>> {
  const found = new Map<string, string>();
  for (const program of [own, `${own}-nft`, `${own}-legacy`]) {
    const flavour = flavourOf(found.get(own) ?? '');
    if (flavour !== null && program.endsWith(flavour)) continue;
    const saved = await call(`${program}-save`, [], host);
    if (saved.ok) found.set(program, saved.value);
    // Nothing of the node's depends on the other one.
    else if (program === own && !saidNo(saved.failure)) return fail(refused(saved.failure, host));
  }
  return ok(found);
}

async function planFamily(
  config: FirewallConfig,
  family: AddressFamily,
  host: InterfaceHost,
): Step<FirewallPlan> {
  const program = iptablesProgram(family);
  const saved = await call(`${program}-save`, [], host);
  if (!saved.ok) {
    // Where nothing is wanted, a host without this program or its tables is as good as one without rules.
    const isBare = saidNo(saved.failure) && !familiesOf(config).includes(family);
    return isBare ? ok({ state: 'present', calls: [] }) : fail(refused(saved.failure, host));
  }
  const { state, text } = planRestore(config, family, saved.value);
  const args = ['-w', '5', '--noflush'];
  return ok({ state, calls: text === '' ? [] : [{ command: `${program}-restore`, args, stdin: text }] });
}
