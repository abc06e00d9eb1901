// What a command makes of a peer, and what such a change asks of store and device. Pure: keys, addresses and the time are handed in.
import type { AddressFamily } from '../address.ts';
import type { DeviceChange, StoreChange } from '../ports.ts';
import { fail, ok, type Result } from '../result.ts';
import type { AllowedIP, Peer, PeerId, PeerKeys, PrivateKey } from './peer.ts';

/** Makes a peer, or rotates the keys of the one that has this id. */
export interface PutCommand {
  readonly kind: 'put';
  readonly id: PeerId;
  /** Milliseconds since the Unix epoch; null: permanent if new, as before if known. */
  readonly expiresAtMs: number | null;
  /** Without duplicates; null: all that the node has. Ignored for a known peer. */
  readonly families: readonly AddressFamily[] | null;
}

/** Removes a peer. */
export interface DeleteCommand {
  readonly kind: 'delete';
  readonly id: PeerId;
}

export type PeerCommand = PutCommand | DeleteCommand;

/** What happens to one peer. */
export type PeerChange =
  | { readonly kind: 'created'; readonly after: Peer }
  | { readonly kind: 'rotated'; readonly before: Peer; readonly after: Peer }
  | { readonly kind: 'deleted' | 'expired'; readonly before: Peer };

/** What a decision needs from outside. */
export interface Facts {
  readonly nowMs: number;
  /** Makes fresh keys. */
  readonly makeKeys: () => PeerKeys;
  /** Takes one free address a family; null when one has none left. */
  readonly takeAddresses: (families: readonly AddressFamily[] | null) => readonly AllowedIP[] | null;
}

/** A change, and the private key that its caller is told once; null where there is none. */
export interface Decision {
  readonly change: PeerChange;
  readonly privateKey: PrivateKey | null;
}

/**
 * What a command does to the peer of its id as it is now; undefined: there is none. `peer_not_found`: nothing to
 * delete. `no_available_ip`: no address is left; none was taken.
 */
export function decide(
  command: PeerCommand,
  current: Peer | undefined,
  facts: Facts,
): Result<Decision, 'peer_not_found' | 'no_available_ip'> {
  if (command.kind === 'delete') {
    if (current === undefined) return fail('peer_not_found');
    return ok({ change: { kind: 'deleted', before: current }, privateKey: null });
  }
  if (current !== undefined) {
    const keys = facts.makeKeys();
    const after = rotatePeer(current, command, keys);
    return ok({ change: { kind: 'rotated', before: current, after }, privateKey: keys.privateKey });
  }
  const allowedIPs = facts.takeAddresses(command.families);
  if (allowedIPs === null) return fail('no_available_ip');
  const keys = facts.makeKeys();
  const after = createPeer(command, keys, allowedIPs, facts.nowMs);
  return ok({ change: { kind: 'created', after }, privateKey: keys.privateKey });
}

function createPeer(
  command: PutCommand,
  keys: PeerKeys,
  allowedIPs: readonly AllowedIP[],
  nowMs: number,
): Peer {
  return {
    id: command.id,
    publicKey: keys.publicKey,
    presharedKey: keys.presharedKey,
    allowedIPs,
    createdAtMs: nowMs,
    expiresAtMs: command.expiresAtMs,
  };
}

function rotatePeer(peer: Peer, command: PutCommand, keys: PeerKeys): Peer {
  return {
    ...peer,
    publicKey: keys.publicKey,
    presharedKey: keys.presharedKey,
    expiresAtMs: command.expiresAtMs ?? peer.expiresAtMs,
  };
}

/** Whom a change is about. */
export function peerIdOf(change: PeerChange): PeerId {
  return 'after' in change ? change.after.id : change.before.id;
}

/** What a change asks of the store. */
export function storeChange(change: PeerChange): StoreChange {
  switch (change.kind) {
    case 'created':
      return { kind: 'put', peer: change.after, retires: null };
    case 'rotated':
      return { kind: 'put', peer: change.after, retires: change.before.publicKey };
    default:
      return { kind: 'remove', id: change.before.id, retires: change.before.publicKey };
  }
}

/** What the store must be told to take a change back. */
export function undoneInStore(change: PeerChange): StoreChange {
  switch (change.kind) {
    case 'created':
      return { kind: 'remove', id: change.after.id, retires: change.after.publicKey };
    case 'rotated':
      return { kind: 'put', peer: change.before, retires: change.after.publicKey };
    default:
      return { kind: 'put', peer: change.before, retires: null };
  }
}

/** What a change asks of the device. */
export function deviceChange(change: PeerChange): DeviceChange {
  switch (change.kind) {
    case 'created':
      return { kind: 'put', peer: change.after, replaces: null };
    case 'rotated':
      return { kind: 'put', peer: change.after, replaces: change.before.publicKey };
    default:
      return { kind: 'remove', publicKey: change.before.publicKey };
  }
}

/** Whether a peer's time has come. */
export function isExpired(peer: Peer, nowMs: number): boolean {
  return peer.expiresAtMs !== null && peer.expiresAtMs <= nowMs;
}
