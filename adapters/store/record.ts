// One peer as a record of the store file, and back. Trusts nothing that it reads. Knows no bytes and no file.
import { formatCidr, parsePrefixed } from '../../core/address.ts';
import {
  type AllowedIP,
  type Peer,
  type PeerId,
  type PublicKey,
  parsePeerId,
  parsePresharedKey,
  parsePublicKey,
} from '../../core/peers/peer.ts';
import { fail, ok, type Result } from '../../core/result.ts';

/** A peer as the file holds it. Times in milliseconds since the Unix epoch. */
export interface PeerRecord {
  readonly peer_id: string;
  readonly public_key: string;
  readonly preshared_key: string;
  readonly allowed_ips: readonly string[];
  readonly created_at: number;
  /** Absent: permanent. */
  readonly expires_at?: number;
}

/** The record of a peer. */
export function formatRecord(peer: Peer): PeerRecord {
  const record: PeerRecord & { expires_at?: number } = {
    peer_id: peer.id,
    public_key: peer.publicKey,
    preshared_key: peer.presharedKey,
    allowed_ips: peer.allowedIPs,
    created_at: peer.createdAtMs,
  };
  if (peer.expiresAtMs !== null) record.expires_at = peer.expiresAtMs;
  return record;
}

/** A decoded value as a peer. The failure names the field and what it wants, and holds no value. */
export function parseRecord(value: unknown): Result<Peer, string> {
  if (!isMap(value)) return fail('not a record');
  const unknownField = Object.keys(value).find((name) => !fieldNames.has(name));
  if (unknownField !== undefined) return fail(`${JSON.stringify(unknownField.slice(0, 40))}: unknown field`);
  const id = parseStoredId(value['peer_id']);
  if (id === null) return fail('peer_id: want a UUID v4 in lower case');
  const publicKey = parseStoredKey(value['public_key']);
  if (publicKey === null) return fail('public_key: want 32 bytes in base64');
  const presharedKey = parsePresharedKey(textOf(value['preshared_key']));
  if (presharedKey === null) return fail('preshared_key: want 32 bytes in base64');
  const allowedIPs = parseAllowedIPs(value['allowed_ips']);
  if (allowedIPs === null)
    return fail('allowed_ips: want one address a family in canonical text, IPv4 first');
  const createdAtMs = parseTime(value['created_at']);
  if (createdAtMs === null) return fail('created_at: want milliseconds since 1970');
  const expiresAtMs = 'expires_at' in value ? parseTime(value['expires_at']) : null;
  if ('expires_at' in value && expiresAtMs === null) return fail('expires_at: want milliseconds since 1970');
  return ok({ id, publicKey, presharedKey, allowedIPs, createdAtMs, expiresAtMs });
}

/** A decoded value as a peer id in the spelling that the file keeps; null when it is not one. */
export function parseStoredId(value: unknown): PeerId | null {
  const id = parsePeerId(textOf(value));
  return id === value ? id : null;
}

/** A decoded value as a public key; null when it is not one. */
export function parseStoredKey(value: unknown): PublicKey | null {
  return parsePublicKey(textOf(value));
}

/** Whether a decoded value is a map with text for keys. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

const fieldNames: ReadonlySet<string> = new Set([
  'peer_id',
  'public_key',
  'preshared_key',
  'allowed_ips',
  'created_at',
  'expires_at',
]);

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function parseAllowedIPs(value: unknown): readonly AllowedIP[] | null {
  if (!Array.isArray(value) || value.length < 1 || value.length > 2) return null;
  const [first, second]: unknown[] = value;
  if (value.length === 1) return isSingleIPv4(textOf(first)) || isSingleIPv6(textOf(first)) ? value : null;
  return isSingleIPv4(textOf(first)) && isSingleIPv6(textOf(second)) ? value : null;
}

const byte = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const singleIPv4 = new RegExp(`^${byte}(?:\\.${byte}){3}/32$`);

function isSingleIPv4(text: string): boolean {
  return singleIPv4.test(text);
}

// Up to six groups, none of them zero, around one "::": canonical at a glance. Reading an address into a number and
// back decides the rest, and would be two thirds of a start if it had to decide all.
const group = '[1-9a-f][0-9a-f]{0,3}';
const plainSingleIPv6 = new RegExp(`^(?!(?:[^:]*:){7})${group}(?::${group})*::${group}(?::${group})*/128$`);

function isSingleIPv6(text: string): boolean {
  if (plainSingleIPv6.test(text)) return true;
  const parsed = parsePrefixed(text);
  if (parsed === null || parsed.address.family !== 'IPv6' || parsed.prefix !== 128) return false;
  return formatCidr({ family: 'IPv6', base: parsed.address.value, prefix: 128 }) === text;
}

// The last moment that a Date holds (ECMAScript, time values).
const timeMax = 8_640_000_000_000_000;

function parseTime(value: unknown): number | null {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= timeMax ? Number(value) : null;
}
