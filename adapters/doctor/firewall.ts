// Looks at the firewall of this host: the node's rules, and chains of others that drop packets of the node.
import { parsePrefixed } from '../../core/address.ts';
import type { DroppingChain, FirewallFacts } from '../../core/doctor/network.ts';
import { findDrops, findInboundDrops, inspectRules } from '../interface/firewall.ts';
import { lookAtPrivileges } from './runtime.ts';
import type { Sight } from './sight.ts';

/** Holds it against the rules that the node wants, and finds who drops what they let pass. */
export async function lookAtFirewall(sight: Sight): Promise<FirewallFacts> {
  const { host, config } = sight;
  const routing = await sight.routing();
  const isSeen = routing !== undefined && maySee(sight);
  const wanted = { ...config.wireguard, routing: routing ?? null };
  const rules = isSeen ? await inspectRules(wanted, host) : null;
  const drops = isSeen ? await findDrops(wanted, host) : null;
  const { content } = await sight.file();
  const isForeign = content !== null && 'writtenByNode' in content && !content.writtenByNode;
  return {
    backend: routing === undefined ? 'unknown' : (routing?.backend ?? null),
    rules: rules?.ok === true ? rules.value : null,
    drops: drops?.ok === true ? drops.value : [],
    writtenByNode: !isForeign,
  };
}

/** The chains that drop what comes to WireGuard's port; none where that can't be seen. */
export async function lookForInboundDrops(sight: Sight): Promise<readonly DroppingChain[]> {
  if (!maySee(sight)) return [];
  const { interface: name, listenPort: port, routing } = sight.config.wireguard;
  const links = [...((await sight.links()) ?? [])].filter(([link]) => link !== name);
  const addresses = links.flatMap(([, link]) => link.addresses);
  // A firewall for IPv6 is of no concern to a host without it.
  const families = (['IPv4', 'IPv6'] as const).filter((family) =>
    addresses.some((address) => parsePrefixed(address)?.address.family === family),
  );
  const wanInterface = routing?.wanInterface ?? null;
  const wanted = families.map(
    (family) => ({ kind: 'in', family, interface: name, wanInterface, port }) as const,
  );
  const drops = await findInboundDrops(wanted, sight.host);
  return drops.ok ? drops.value : [];
}

function maySee({ host }: Sight): boolean {
  return lookAtPrivileges(host).mayAdministerNetwork !== false;
}
