// Looks at the networks that this host reaches otherwise than through the interface.
import { type Cidr, cidrContains, parseAddress, parseCidr } from '../../core/address.ts';
import type { SubnetFacts } from '../../core/doctor/network.ts';
import { parseIpJson } from '../interface/ip-json.ts';
import type { RunCommand } from '../run-command.ts';
import { checkBounds } from './bounded-run.ts';

type Networks = NonNullable<SubnetFacts['networks']>;

/** The networks and addresses of all routing tables but those of this interface, default routes left out; null: they can't be seen. */
export async function readNetworks(run: RunCommand, except: string): Promise<SubnetFacts['networks']> {
  const tables = await Promise.all(
    ['-4', '-6'].map((family) => run('ip', [family, '-json', 'route', 'show', 'table', 'all'], checkBounds)),
  );
  const networks: Networks[number][] = [];
  for (const table of tables) {
    const routes = table.ok ? parseRoutes(table.value) : null;
    if (routes === null) return null;
    networks.push(...routes.filter((route) => route.interface !== except));
  }
  return networks.filter((one) => !networks.some((other) => isPartOf(one, other)));
}

function isPartOf(one: Networks[number], other: Networks[number]): boolean {
  if (one.interface !== other.interface || one.cidr.prefix <= other.cidr.prefix) return false;
  return cidrContains(other.cidr, { family: one.cidr.family, value: one.cidr.base });
}

/** Reads `ip -json route show`; null when it is something else. */
export function parseRoutes(text: string): Networks | null {
  // With no route at all ip prints nothing.
  const list = text.trim() === '' ? [] : parseIpJson(text);
  if (list === null) return null;
  return list.flatMap(({ dst, dev, type }) => {
    if (type !== undefined && type !== 'unicast' && type !== 'local') return [];
    const cidr = typeof dst === 'string' ? parseDestination(dst) : null;
    if (cidr === null || cidr.prefix === 0 || isLinkLocal(cidr)) return [];
    return [{ cidr, interface: typeof dev === 'string' ? dev : 'several interfaces' }];
  });
}

function parseDestination(text: string): Cidr | null {
  const address = parseAddress(text);
  if (address !== null) {
    return { family: address.family, base: address.value, prefix: address.family === 'IPv4' ? 32 : 128 };
  }
  const cidr = parseCidr(text);
  return cidr.ok ? cidr.value : null;
}

// fe80::/10 and ff00::/8: on every interface, and no peer's.
function isLinkLocal({ family, base }: Cidr): boolean {
  return family === 'IPv6' && (base >> 118n === 0x3fan || base >> 120n === 0xffn);
}
