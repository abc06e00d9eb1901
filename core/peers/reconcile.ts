// The difference between the peers that ought to be and the peers on the device, gathered while a dump goes by. Changes nothing.
import { keepaliveSeconds } from '../limits.ts';
import type { DeviceChange, DevicePeer, DevicePeerSpec } from '../ports.ts';
import { noPresharedKey, type Peer, type PublicKey } from './peer.ts';
import type { PeerTable } from './table.ts';

/** Unknown peers that stay on the device since they are only reported, by their key and as last seen. */
export type Strangers = ReadonlyMap<PublicKey, DevicePeer>;

/** A peer that shall leave the device, and why: its key was the node's own once; it is unknown; or, where unknown peers stay, it holds the address of a known one. */
export interface Removal {
  readonly peer: DevicePeer;
  readonly reason: 'retired' | 'unknown' | 'address_taken';
}

/** What it takes to make the device right. */
export interface Drift {
  /** Peers on the device at the time of the look. */
  readonly seen: number;
  /** Stored peers that the device lacks, or has otherwise. */
  readonly repaired: readonly Peer[];
  /** Peers that shall leave the device. */
  readonly removed: readonly Removal[];
  /** Unknown peers that stay. */
  readonly strangers: Strangers;
  /** The keys of those that are new, or hold other addresses than before. */
  readonly reported: readonly PublicKey[];
  readonly changes: readonly DeviceChange[];
}

export interface DriftCollector {
  /** Takes one peer of the dump, and who it is; null: nobody known. */
  visit(seen: DevicePeer, peer: Peer | null): void;
  /** The whole difference, once the dump is through. */
  drift(): Drift;
}

/**
 * Starts a comparison. `unknownPeers` says what becomes of keys that the table does not know; keys in `retired` were
 * the node's own and leave in any case, and so does a key that holds an address of a known peer. `strangers` are those
 * that were reported before.
 */
export function collectDrift(
  table: PeerTable,
  unknownPeers: 'remove' | 'report',
  retired: ReadonlySet<PublicKey>,
  strangers: Strangers,
): DriftCollector {
  const right = new Set<PublicKey>();
  const unknown: DevicePeer[] = [];
  let count = 0;

  return {
    visit(seen, peer) {
      count++;
      if (peer === null) unknown.push(seen);
      else if (isAsSpecified(seen, peer)) right.add(peer.publicKey);
    },
    drift() {
      const repaired =
        right.size === table.size ? [] : table.peers().filter((peer) => !right.has(peer.publicKey));
      const owned =
        unknownPeers === 'report' ? new Set<string>(repaired.flatMap((peer) => peer.allowedIPs)) : null;
      const reasonToLeave = ({ publicKey, allowedIPs }: DevicePeer): Removal['reason'] | null => {
        if (retired.has(publicKey)) return 'retired';
        if (owned === null) return 'unknown';
        return allowedIPs.some((ip) => owned.has(ip)) ? 'address_taken' : null;
      };
      const removed: Removal[] = [];
      const staying: DevicePeer[] = [];
      for (const peer of unknown) {
        const reason = reasonToLeave(peer);
        if (reason === null) staying.push(peer);
        else removed.push({ peer, reason });
      }
      const isNews = ({ publicKey, allowedIPs }: DevicePeer) =>
        !isSameSet(allowedIPs, strangers.get(publicKey)?.allowedIPs ?? null);
      const changes: DeviceChange[] = [
        ...removed.map(({ peer }): DeviceChange => ({ kind: 'remove', publicKey: peer.publicKey })),
        ...repaired.map((peer): DeviceChange => ({ kind: 'put', peer, replaces: null })),
      ];
      return {
        seen: count,
        repaired,
        removed,
        strangers: new Map(staying.map((seen) => [seen.publicKey, seen])),
        reported: staying.filter(isNews).map((seen) => seen.publicKey),
        changes,
      };
    },
  };
}

/** Whether the device holds a peer just as it shall be: preshared key, keepalive and allowed IPs in any order. */
export function isAsSpecified(seen: DevicePeer, spec: DevicePeerSpec): boolean {
  return (
    (seen.presharedKey ?? noPresharedKey) === spec.presharedKey &&
    seen.keepaliveSeconds === keepaliveSeconds &&
    isSameSet(seen.allowedIPs, spec.allowedIPs)
  );
}

/** Whether two lists hold the same, in any order; each holds nothing twice. A loop, since looks ask it of every peer. */
export function isSameSet(some: readonly string[], others: readonly string[] | null): boolean {
  if (some.length !== others?.length) return false;
  for (let index = 0; index < others.length; index++) {
    const one = others[index];
    if (some[index] !== one && !some.includes(one ?? '')) return false;
  }
  return true;
}
