// iptables and ip6tables on this host: which rules of the node they have, and what would change them.
import type { AddressFamily } from '../../core/address.ts';
import { fail, ok } from '../../core/result.ts';
import {
  combineStates,
  type FirewallConfig,
  type FirewallPlan,
  type FirewallRule,
  familiesOf,
} from './firewall-rules.ts';
import {
  type DroppingChain,
  letsPass,
  parseIptablesChains,
  renderIptablesRemedies,
} from './foreign-rules.ts';
import { call, type InterfaceHost, refused, type Step, saidNo } from './interface-host.ts';
import { forwardDrops, iptablesProgram, planRestore } from './iptables-text.ts';

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
  /** The families whose FORWARD chain drops what none of its rules accepts, with what iptables-save says. */
  readonly dropping: ReadonlyMap<AddressFamily, string>;
}

/** Looks at the tables of these families. Makes none, and loads nothing. */
export async function surveyIptables(
  families: readonly AddressFamily[],
  host: InterfaceHost,
): Step<IptablesSurvey> {
  const dropping = new Map<AddressFamily, string>();
  const missing: string[] = [];
  let works = true;
  for (const family of families) {
    const program = iptablesProgram(family);
    const saved = await call(`${program}-save`, [], host);
    if (!saved.ok && !saidNo(saved.failure)) return fail(refused(saved.failure, host));
    works &&= saved.ok;
    if (saved.ok && forwardDrops(saved.value)) dropping.set(family, saved.value);
    if (!saved.ok && saved.failure.code === 'command_missing') missing.push(program);
  }
  return ok({ works, missing, dropping });
}

/** The FORWARD chains that drop forwarded packets for which these rules are meant. Empty `wanted`: nothing is looked at. */
export async function findIptablesDrops(
  wanted: readonly FirewallRule[],
  host: InterfaceHost,
): Step<readonly DroppingChain[]> {
  const survey = await surveyIptables([...new Set(wanted.map(({ family }) => family))], host);
  if (!survey.ok) return survey;
  const drops = [...survey.value.dropping].flatMap(([family, saved]) => {
    const chains = parseIptablesChains(saved);
    const lost = wanted.filter((rule) => rule.family === family && !letsPass(chains, 'FORWARD', rule));
    const program = iptablesProgram(family);
    const remedies = renderIptablesRemedies(program, lost);
    return lost.length === 0 ? [] : [{ name: `${program} FORWARD`, remedies }];
  });
  return ok(drops);
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
