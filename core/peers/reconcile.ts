// The difference between the peers that ought to be and the peers on the device, gathered while a dump goes by. Changes nothing.
import { keepaliveSeconds } from '../limits.ts';
import type { DeviceChange, DevicePeer, DevicePeerSpec } from '../ports.ts';
import type { Peer, PublicKey } from './peer.ts';
import type { PeerTable } from './table.ts';

/** What it takes to make the device right. */
export interface Drift {
  /** Peers on the device at the time of the look. */
  readonly seen: number;
  /** Stored peers that the device lacks, or has otherwise. */
  readonly repaired: readonly Peer[];
  /** Keys that shall leave the device. */
  readonly removed: readonly PublicKey[];
  /** Unknown keys that stay, since unknown peers are only reported. */
  readonly reported: readonly PublicKey[];
  readonly changes: readonly DeviceChange[];
}

export interface DriftCollector {
  /** Takes one peer of the dump. */
  visit(seen: DevicePeer): void;
  /** The whole difference, once the dump is through. */
  drift(): Drift;
}

/**
 * Starts a comparison. `unknownPeers` says what becomes of keys that the table does not know; keys in `retired` were
 * the node's own and leave in any case, and so does a key that holds an address of a known peer.
 */
export function collectDrift(
  table: PeerTable,
  unknownPeers: 'remove' | 'report',
  retired: ReadonlySet<PublicKey>,
): DriftCollector {
  const right = new Set<PublicKey>();
  const unknown: DevicePeer[] = [];
  let count = 0;

  return {
    visit(seen) {
      count++;
      const peer = table.byPublicKey(seen.publicKey)?.peer;
      if (peer === undefined) unknown.push(seen);
      else if (isAsSpecified(seen, peer)) right.add(peer.publicKey);
    },
    drift() {
      const repaired =
        right.size === table.size ? [] : table.peers().filter((peer) => !right.has(peer.publicKey));
      const owned =
        unknownPeers === 'report' ? new Set<string>(repaired.flatMap((peer) => peer.allowedIPs)) : null;
      const leaves = (seen: DevicePeer) =>
        owned === null || retired.has(seen.publicKey) || seen.allowedIPs.some((ip) => owned.has(ip));
      const removed = unknown.filter(leaves).map((seen) => seen.publicKey);
      const reported = unknown.filter((seen) => !leaves(seen)).map((seen) => seen.publicKey);
      const changes: DeviceChange[] = [
        ...removed.map((publicKey): DeviceChange => ({ kind: 'remove', publicKey })),
        ...repaired.map((peer): DeviceChange => ({ kind: 'put', peer, replaces: null })),
      ];
      return { seen: count, repaired, removed, reported, changes };
    },
  };
}

/** Whether the device holds a peer just as it shall be: preshared key, keepalive and allowed IPs in any order. */
export function isAsSpecified(seen: DevicePeer, spec: DevicePeerSpec): boolean {
  return (
    seen.presharedKey === spec.presharedKey &&
    seen.keepaliveSeconds === keepaliveSeconds &&
    seen.allowedIPs.length === spec.allowedIPs.length &&
    spec.allowedIPs.every((allowedIP) => seen.allowedIPs.includes(allowedIP))
  );
}
