// In which order wishes of a device are granted, the same for every device. Pure.

import type { PublicKey } from '../../core/peers/peer.ts';
import type { DeviceChange, DevicePeerSpec } from '../../core/ports.ts';

/** A peer that takes the place of another key. */
export interface Replacement {
  readonly peer: DevicePeerSpec;
  readonly replaces: PublicKey;
}

/** Wishes that don't contradict each other: each key occurs once. To be granted in the order of the fields. */
export interface OrderedChanges {
  readonly removals: PublicKey[];
  readonly replacements: Replacement[];
  readonly puts: DevicePeerSpec[];
}

/** Sorts wishes. Of several for one key the last counts. */
export function orderChanges(changes: readonly DeviceChange[]): OrderedChanges {
  const staying = new Map<PublicKey, Extract<DeviceChange, { kind: 'put' }>>();
  const leaving = new Set<PublicKey>();
  const leave = (publicKey: PublicKey) => {
    staying.delete(publicKey);
    leaving.add(publicKey);
  };
  for (const change of changes) {
    if (change.kind === 'remove') {
      leave(change.publicKey);
      continue;
    }
    if (change.replaces !== null) leave(change.replaces);
    leaving.delete(change.peer.publicKey);
    staying.set(change.peer.publicKey, change);
  }
  const replacements: Replacement[] = [];
  const puts: DevicePeerSpec[] = [];
  for (const { peer, replaces } of staying.values()) {
    if (replaces !== null && leaving.delete(replaces)) replacements.push({ peer, replaces });
    else puts.push(peer);
  }
  return { removals: [...leaving], replacements, puts };
}
