// Keys that look like keys and never repeat, without cryptography.
import type { PeerKeys, PresharedKey, PrivateKey, PublicKey } from '../../core/peers/peer.ts';
import type { KeySource } from '../../core/ports.ts';

/** Counts up; `series` keeps two sources in one test apart. */
export function createFakeKeySource(series = 0): KeySource {
  let count = 0;
  return {
    peerKeys(): PeerKeys {
      count++;
      return {
        privateKey: numberedKey(series, 1, count) as PrivateKey,
        publicKey: numberedKey(series, 2, count) as PublicKey,
        presharedKey: numberedKey(series, 3, count) as PresharedKey,
      };
    },
  };
}

function numberedKey(series: number, kind: number, count: number): string {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32BE(series, 0);
  bytes.writeUInt32BE(kind, 4);
  bytes.writeUInt32BE(count, 8);
  return bytes.toString('base64');
}
