// Peers to test with, told apart by a number. Their keys look right and open nothing.
import type { AllowedIP, Peer, PeerId, PresharedKey, PrivateKey, PublicKey } from '../../core/peers/peer.ts';
import type { DevicePeer } from '../../core/ports.ts';

/** When peer 0 was made; each further one is a second younger. */
export const firstCreatedMs = Date.UTC(2026, 1, 2, 0, 6, 6, 789);

/** Peer `number`, from 0 to 65,533, permanent and with one IPv4 address, with these fields changed. */
export function fakePeer(number: number, changes: Partial<Peer> = {}): Peer {
  const host = number + 2;
  return {
    id: fakePeerId(number),
    publicKey: fakePublicKey(number),
    presharedKey: fakeKey('shared', number) as PresharedKey,
    allowedIPs: [`10.0.${host >> 8}.${host & 255}/32` as AllowedIP],
    createdAtMs: firstCreatedMs + number * 1_000,
    expiresAtMs: null,
    ...changes,
  };
}

/** A peer as the device holds it when nothing went wrong and nobody ever called. */
export function fakeDevicePeer(peer: Peer, changes: Partial<DevicePeer> = {}): DevicePeer {
  return {
    publicKey: peer.publicKey,
    presharedKey: peer.presharedKey,
    allowedIPs: peer.allowedIPs,
    latestHandshakeMs: null,
    receiveBytes: 0,
    transmitBytes: 0,
    keepaliveSeconds: 25,
    ...changes,
  };
}

export function fakePeerId(number: number): PeerId {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}` as PeerId;
}

/** `round` tells the keys of one peer apart. */
export function fakePublicKey(number: number, round = 0): PublicKey {
  return fakeKey(`public${round}`, number) as PublicKey;
}

export function fakePrivateKey(number: number): PrivateKey {
  return fakeKey('private', number) as PrivateKey;
}

function fakeKey(name: string, number: number): string {
  return Buffer.from(`${name}-${number}`.padEnd(32, '.')).toString('base64');
}
