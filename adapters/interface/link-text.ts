// What `ip -json address show` and `/proc/net/dev` say about interfaces. Pure; runs nothing.
import { addressBits, formatAddress, parseAddress } from '../../core/address.ts';
import { type IpObject, isIpObject, parseIpJson } from './ip-json.ts';

/** A live interface, as far as the node adjusts it. */
export interface Link {
  readonly isUp: boolean;
  /** Whether it is part of another interface: a bridge's, most often. */
  readonly isPort: boolean;
  readonly mtuBytes: number;
  /** As `10.0.0.1/24`, in canonical text; those of global scope only. */
  readonly addresses: readonly string[];
}

/** Reads the JSON for one interface; null when it is something else. */
export function parseLink(text: string, name: string): Link | null {
  return parseLinks(text)?.get(name) ?? null;
}

/** The alias in the JSON of `ip -json link show` for one interface, which that of its addresses lacks; null: it has none. */
export function parseAlias(text: string, name: string): string | null {
  const alias = parseIpJson(text)?.find((entry) => entry['ifname'] === name)?.['ifalias'];
  return typeof alias === 'string' ? alias : null;
}

/** Reads the JSON for all interfaces, by name; null when it is something else. */
export function parseLinks(text: string): ReadonlyMap<string, Link> | null {
  const list = parseIpJson(text);
  if (list === null) return null;
  const links = new Map<string, Link>();
  for (const entry of list) {
    if (typeof entry['ifname'] !== 'string') continue;
    const link = parseEntry(entry);
    if (link !== null) links.set(entry['ifname'], link);
  }
  return links;
}

function parseEntry(entry: IpObject): Link | null {
  if (!Array.isArray(entry['flags']) || typeof entry['mtu'] !== 'number') return null;
  const addresses = Array.isArray(entry['addr_info']) ? entry['addr_info'].map(parseAddressInfo) : [];
  return {
    isUp: entry['flags'].includes('UP'),
    isPort: typeof entry['master'] === 'string',
    mtuBytes: entry['mtu'],
    addresses: addresses.filter((address) => address !== null),
  };
}

/** The names in `/proc/net/dev`, which is that of the process's own network namespace. */
export function parseLinkNames(text: string): readonly string[] {
  return [...text.matchAll(/^\s*(\S+):/gm)].map(([, name]) => name ?? '');
}

function parseAddressInfo(info: unknown): string | null {
  if (!isIpObject(info) || info['scope'] !== 'global') return null;
  const address = typeof info['local'] === 'string' ? parseAddress(info['local']) : null;
  const prefix = info['prefixlen'];
  if (address === null || typeof prefix !== 'number' || prefix > addressBits(address.family)) return null;
  return `${formatAddress(address)}/${prefix}`;
}
