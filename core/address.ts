// IPv4 and IPv6 addresses and networks as numbers: parse, format, compare. Knows no peer and no HTTP.
import { fail, ok, type Result } from './result.ts';

/** `IPv4` or `IPv6`, spelled as the API spells it. */
export type AddressFamily = 'IPv4' | 'IPv6';

/** One address. `value` is the address as an unsigned number of 32 or 128 bits. */
export interface Address {
  readonly family: AddressFamily;
  readonly value: bigint;
}

/** A network: its first address and the length of its prefix, 0 to 32 or 0 to 128 bits. */
export interface Cidr {
  readonly family: AddressFamily;
  readonly base: bigint;
  readonly prefix: number;
}

/** Bits in an address of this family. */
export function addressBits(family: AddressFamily): 32 | 128 {
  return family === 'IPv4' ? 32 : 128;
}

/** How many addresses the network spans, its first and last included. */
export function cidrSize(cidr: Cidr): bigint {
  return 1n << BigInt(addressBits(cidr.family) - cidr.prefix);
}

/** Whether the address lies in the network; always false across families. */
export function cidrContains(cidr: Cidr, address: Address): boolean {
  if (cidr.family !== address.family) return false;
  const hostBits = BigInt(addressBits(cidr.family) - cidr.prefix);
  return address.value >> hostBits === cidr.base >> hostBits;
}

/**
 * Parses dotted-quad IPv4 (four decimal parts without leading zeros, RFC 6943 section 3.1.1) or IPv6 in any form
 * of RFC 4291 section 2.2. No zone, no brackets, no port, no white space. Null when the text is neither.
 */
export function parseAddress(text: string): Address | null {
  if (text.length > 45) return null;
  if (text.includes(':')) {
    const value = parseIPv6(text);
    return value === null ? null : { family: 'IPv6', value };
  }
  const value = parseIPv4(text);
  return value === null ? null : { family: 'IPv4', value: BigInt(value) };
}

/** Why a text is not a network. `host_bits_set` means that the address is not the network's first. */
export type CidrFailure = 'not_a_cidr' | 'host_bits_set';

/** Parses `address/prefix` and insists that the address is the first one of the network. */
export function parseCidr(text: string): Result<Cidr, CidrFailure> {
  const parsed = parsePrefixed(text);
  if (parsed === null) return fail('not_a_cidr');
  const base = networkBase(parsed.address, parsed.prefix);
  if (base !== parsed.address.value) return fail('host_bits_set');
  return ok({ family: parsed.address.family, base, prefix: parsed.prefix });
}

/** Parses `address/prefix`, host bits and all, as in the `Address` line of a WireGuard config. Null when it is not that. */
export function parsePrefixed(text: string): { readonly address: Address; readonly prefix: number } | null {
  const slash = text.indexOf('/');
  if (slash === -1) return null;
  const address = parseAddress(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (address === null || !/^(0|[1-9][0-9]{0,2})$/.test(digits)) return null;
  const prefix = Number(digits);
  return prefix > addressBits(address.family) ? null : { address, prefix };
}

/** The first address of the network of this prefix around an address. */
export function networkBase(address: Address, prefix: number): bigint {
  const hostBits = BigInt(addressBits(address.family) - prefix);
  return (address.value >> hostBits) << hostBits;
}

/** `10.0.0.0/24`, `fd00::/112`. */
export function formatCidr(cidr: Cidr): string {
  return `${formatAddress({ family: cidr.family, value: cidr.base })}/${cidr.prefix}`;
}

/** Dotted quad, or the canonical text of RFC 5952 (lower case, longest run of zeros shortened, no embedded IPv4). */
export function formatAddress(address: Address): string {
  return address.family === 'IPv4' ? formatIPv4(Number(address.value)) : formatIPv6(address.value);
}

/** The IPv4 address inside an IPv4-mapped IPv6 one (`::ffff:a.b.c.d`, RFC 4291 section 2.5.5.2); any other address as it is. */
export function unmapAddress(address: Address): Address {
  if (address.family === 'IPv6' && address.value >> 32n === 0xffffn) {
    return { family: 'IPv4', value: address.value & 0xffffffffn };
  }
  return address;
}

function parseIPv4(text: string): number | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part)) return null;
    const byte = Number(part);
    if (byte > 255) return null;
    value = value * 256 + byte;
  }
  return value;
}

function parseIPv6(text: string): bigint | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  // "::" stands for one group of zeros or more; without it all eight must be there.
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  let value = 0n;
  for (const group of head) value = (value << 16n) | BigInt(group);
  value <<= BigInt(16 * missing);
  for (const group of tail) value = (value << 16n) | BigInt(group);
  return value;
}

function parseGroups(text: string, mayEndInIPv4: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (mayEndInIPv4 && index === parts.length - 1 && part.includes('.')) {
      const embedded = parseIPv4(part);
      if (embedded === null) return null;
      groups.push(embedded >>> 16, embedded & 0xffff);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return null;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

function formatIPv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

function formatIPv6(value: bigint): string {
  const groups: number[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((value >> shift) & 0xffffn));
  const zeros = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  // RFC 5952 section 4.2.2: a single group of zeros is not shortened.
  if (zeros.length < 2) return hex.join(':');
  return `${hex.slice(0, zeros.start).join(':')}::${hex.slice(zeros.start + zeros.length).join(':')}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let index = 0; index <= groups.length; index++) {
    if (groups[index] === 0) continue;
    if (index - start > best.length) best = { start, length: index - start };
    start = index + 1;
  }
  return best;
}
