// The only place that makes randomness: key pairs, preshared keys and the bytes of request ids.
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomFillSync } from 'node:crypto';
import { keysAheadMax } from '../core/limits.ts';
import type { PeerKeys, PresharedKey, PrivateKey, PublicKey } from '../core/peers/peer.ts';
import type { Clock, KeySource } from '../core/ports.ts';

/**
 * X25519 keys (RFC 7748) from the operating system's randomness. Once the first were asked for, up to `keysAheadMax` are
 * made ahead, a pair a turn of the event loop: there is time for it while a batch is on its way to disk and device.
 */
export function createKeySource(clock: Pick<Clock, 'soon'>): KeySource {
  const ahead: PeerKeys[] = [];
  let filling = false;

  function fill(): void {
    ahead.push(createPeerKeys());
    filling = ahead.length < keysAheadMax;
    if (filling) clock.soon(fill);
  }

  return {
    peerKeys() {
      if (!filling) clock.soon(fill);
      filling = true;
      return ahead.pop() ?? createPeerKeys();
    },
  };
}

/** A fresh key pair, and a preshared key with it. */
export function createPeerKeys(): PeerKeys {
  const { privateKey, publicKey } = generateKeyPair();
  return { privateKey, publicKey, presharedKey: generatePresharedKey() };
}

/** A fresh key pair as `wg genkey` and `wg pubkey` would make it, the private key clamped (RFC 7748 section 5). */
export function generateKeyPair(): { privateKey: PrivateKey; publicKey: PublicKey } {
  // Both as JWK: measured at 72 µs a pair, a quarter of the next best encoding.
  const pair = generateKeyPairSync('x25519', {
    publicKeyEncoding: { format: 'jwk' },
    privateKeyEncoding: { format: 'jwk' },
  } as never) as unknown as { publicKey: { x: string }; privateKey: { d: string } };
  return {
    privateKey: base64(pair.privateKey.d) as PrivateKey,
    publicKey: base64(pair.publicKey.x) as PublicKey,
  };
}

/** The public key that belongs to a private one. */
export function derivePublicKey(privateKey: PrivateKey): PublicKey {
  const der = Buffer.concat([pkcs8Head, Buffer.from(privateKey, 'base64')]);
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  return base64(key.export({ format: 'jwk' }).x ?? '') as PublicKey;
}

/** Fills the whole array with random bytes. */
export function fillRandom(bytes: Uint8Array): void {
  randomFillSync(bytes);
}

// Everything in the DER of an X25519 private key that stands before its 32 bytes (RFC 8410 section 7).
const pkcs8Head = Buffer.from('302e020100300506032b656e04220420', 'hex');

// Drawn for many at once: asking costs more than the bytes (2.0 µs for 32, and 0.3 each of 64 times as many).
const presharedKeyBytes = Buffer.alloc(32 * keysAheadMax);
let presharedKeyBytesUsed = presharedKeyBytes.length;

function generatePresharedKey(): PresharedKey {
  if (presharedKeyBytesUsed === presharedKeyBytes.length) {
    randomFillSync(presharedKeyBytes);
    presharedKeyBytesUsed = 0;
  }
  const bytes = presharedKeyBytes.subarray(presharedKeyBytesUsed, presharedKeyBytesUsed + 32);
  presharedKeyBytesUsed += bytes.length;
  const key = bytes.toString('base64') as PresharedKey;
  bytes.fill(0);
  return key;
}

function base64(base64url: string): string {
  return `${base64url.replaceAll('-', '+').replaceAll('_', '/')}=`;
}
