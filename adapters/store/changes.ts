// What changes do to the peers and retired keys of a store, wherever it keeps them.
import { storeRetiredMax } from '../../core/limits.ts';
import type { Peer, PeerId, PublicKey } from '../../core/peers/peer.ts';
import type { StoreChange } from '../../core/ports.ts';

/** Carries changes out, in order, on peers by id. */
export function applyChanges(peers: Map<PeerId, Peer>, changes: readonly StoreChange[]): void {
  for (const change of changes) {
    if (change.kind === 'put') peers.set(change.peer.id, change.peer);
    else peers.delete(change.id);
  }
}

/** The retired keys to keep with those of one more batch: all of the batch, and the latest before it up to a bound. */
export function keepRetired(
  kept: readonly PublicKey[],
  changes: readonly StoreChange[],
): readonly PublicKey[] {
  const fresh = changes.flatMap((change) => change.retires ?? []);
  return [...kept, ...fresh].slice(-Math.max(fresh.length, storeRetiredMax));
}
