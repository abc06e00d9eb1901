// Which id a peer made by hand gets: from a file that names it, else one derived from its public key.
import { createHash } from 'node:crypto';
import { configDepthMax } from '../../core/limits.ts';
import { type PeerId, type PublicKey, parsePeerId, parsePublicKey } from '../../core/peers/peer.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { parseYaml } from '../yaml-document.ts';

/**
 * The same id for the same key, everywhere and always: the first 16 bytes of the SHA-256 of the key's 32 bytes, with the
 * bits of version 4 and of the variant set (RFC 9562 section 5.4), so that it is one for the API.
 */
export function derivePeerId(publicKey: PublicKey): PeerId {
  const bytes = createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') as PeerId;
}

/** Reads a mapping of public keys to ids, in YAML or JSON. The failure is a list of what is wrong with it, with lines. */
export function parsePeerIds(text: string): Result<ReadonlyMap<PublicKey, PeerId>, readonly string[]> {
  const yaml = parseYaml(text, configDepthMax);
  if (!yaml.ok) return fail([`line ${yaml.failure.line ?? 1}: ${yaml.failure.reason}`]);
  const { value, lineOf } = yaml.value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fail(['want a mapping of public keys to UUIDs']);
  }
  const ids = new Map<PublicKey, PeerId>();
  const seen = new Set<PeerId>();
  const problems: string[] = [];
  for (const [key, named] of Object.entries(value)) {
    const publicKey = parsePublicKey(key);
    const id = typeof named === 'string' ? parsePeerId(named) : null;
    if (publicKey === null) problems.push(`line ${lineOf([key])}: want a public key, 32 bytes in base64`);
    else if (id === null) problems.push(`line ${lineOf([key])}: want a UUID v4 behind the public key`);
    else if (seen.has(id)) problems.push(`line ${lineOf([key])}: ${id} comes twice`);
    else ids.set(publicKey, id);
    if (id !== null) seen.add(id);
  }
  return problems.length === 0 ? ok(ids) : fail(problems);
}
