// The live firewall rules of one interface: told apart by their comment, added and removed one by one.
import { fail, ok } from '../../core/result.ts';
import {
  type FirewallProgram,
  firewallChains,
  firewallRules,
  listArgs,
  parseTaggedRules,
  ruleArgs,
} from './firewall-rules.ts';
import { call, type InterfaceHost, refused, type Step, succeeds } from './interface-host.ts';
import type { InterfaceConfig } from './wg-quick-text.ts';

/** Removes every rule of the interface. */
export function clearRules(config: InterfaceConfig, host: InterfaceHost): Step {
  return adjustRules({ ...config, routing: null }, host);
}

/** Makes the rules that carry this interface's comment those of the configuration, each once. */
export async function adjustRules(config: InterfaceConfig, host: InterfaceHost): Step {
  for (const program of ['iptables', 'ip6tables'] as const) {
    for (const place of firewallChains) {
      const done = await adjustChain(program, place, config, host);
      if (!done.ok) return done;
    }
  }
  return ok(undefined);
}

async function adjustChain(
  program: FirewallProgram,
  { table, chain }: (typeof firewallChains)[number],
  config: InterfaceConfig,
  host: InterfaceHost,
): Step {
  const wanted = firewallRules(config).filter((rule) => rule.program === program && rule.chain === chain);
  const listing = await call(program, listArgs(table, chain), host);
  // Where nothing is wanted, a host without this firewall is as good as one without rules.
  if (!listing.ok) return wanted.length === 0 ? ok(undefined) : fail(refused(listing.failure, host));
  const present = parseTaggedRules(listing.value, config.interface);
  for (const rule of wanted.filter(({ tag }) => !present.some((each) => each.tag === tag))) {
    const added = await succeeds(program, ruleArgs(rule, '-A'), host);
    if (!added.ok) return added;
    host.log.info({ program, table, chain, rule: rule.match }, 'firewall rule added');
  }
  const missed = new Set(wanted.map(({ tag }) => tag));
  for (const { tag, specification } of present.filter((each) => !missed.delete(each.tag))) {
    const gone = await succeeds(program, ['-w', '5', '-t', table, '-D', ...specification], host);
    if (!gone.ok) return gone;
    host.log.info({ program, table, chain, tag }, 'firewall rule removed');
  }
  return ok(undefined);
}
