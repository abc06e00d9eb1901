// What a peer is, and the names that are easily swapped made distinct. No behaviour beyond parsing those names.
import type { AddressFamily } from '../address.ts';
import { isUuidV4 } from '../uuid.ts';

declare const brand: unique symbol;
type Brand<Name extends string> = string & { readonly [brand]: Name };

/** A UUID v4 in lower case (RFC 9562 section 5.4), the orchestrator's name for a peer. */
export type PeerId = Brand<'PeerId'>;

/** A Curve25519 public key: 32 bytes as 44 characters of base64. */
export type PublicKey = Brand<'PublicKey'>;

/** A Curve25519 private key: 32 bytes as 44 characters of base64. Secret: it leaves the process once, in the answer that made it. */
export type PrivateKey = Brand<'PrivateKey'>;

/** WireGuard's symmetric second key: 32 bytes as 44 characters of base64. Secret. */
export type PresharedKey = Brand<'PresharedKey'>;

/** What stands for no preshared key: WireGuard itself mixes in zeros then (WireGuard paper, section 5.4). Only peers made by hand have none. */
export const noPresharedKey = `${'A'.repeat(43)}=` as PresharedKey;

/** A single address as a network, `10.0.0.2/32` or `fd00::2/128`, in the canonical text of `formatCidr`. */
export type AllowedIP = Brand<'AllowedIP'>;

/** One peer as the node decided it. Immutable: a change makes a new one. */
export interface Peer {
  readonly id: PeerId;
  readonly publicKey: PublicKey;
  /** `noPresharedKey`: none. */
  readonly presharedKey: PresharedKey;
  /** One address a family, IPv4 first. Never empty. */
  readonly allowedIPs: readonly AllowedIP[];
  /** Milliseconds since the Unix epoch. */
  readonly createdAtMs: number;
  /** Milliseconds since the Unix epoch; null: permanent. */
  readonly expiresAtMs: number | null;
}

/** Keys for a new or rotated peer. */
export interface PeerKeys {
  readonly privateKey: PrivateKey;
  readonly publicKey: PublicKey;
  readonly presharedKey: PresharedKey;
}

/** A UUID v4 in the 8-4-4-4-12 form and any letter case, as a peer id in lower case; null when the text is not one. */
export function parsePeerId(text: string): PeerId | null {
  return isUuidV4(text) ? (text.toLowerCase() as PeerId) : null;
}

// 32 bytes are 43 digits and one "=": the last digit carries four bits of data, so its two low bits are zero.
const key32 = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** Whether a text is 32 bytes in canonical base64, as `wg(8)` writes every key. */
export function isKey(text: string): boolean {
  return text.length === 44 && key32.test(text);
}

/** The text as a public key, or null when it is not 32 bytes of canonical base64. */
export function parsePublicKey(text: string): PublicKey | null {
  return isKey(text) ? (text as PublicKey) : null;
}

/** The text as a preshared key, or null when it is not 32 bytes of canonical base64. */
export function parsePresharedKey(text: string): PresharedKey | null {
  return isKey(text) ? (text as PresharedKey) : null;
}

/** The family of an allowed IP: only IPv6 has colons. */
export function allowedIPFamily(allowedIP: AllowedIP): AddressFamily {
  return allowedIP.includes(':') ? 'IPv6' : 'IPv4';
}
