// A store whose writes are counted and timed. Everything else about it is the store's own.
import type { Clock, PeerStore } from '../ports.ts';
import { TimedCounts } from './timed-counts.ts';

/** A `batch` of changes, or the store written anew as a `whole`. A store may do the second when it was asked for the first. */
export type StoreWrites = TimedCounts<'batch' | 'whole', 'failed'>;

/** The same store, and what its writes came to. */
export function countStoreWrites(store: PeerStore, clock: Clock): { store: PeerStore; writes: StoreWrites } {
  const writes: StoreWrites = new TimedCounts(['batch', 'whole']);
  async function count<Written extends { readonly ok: boolean }>(
    kind: 'batch' | 'whole',
    write: Promise<Written>,
  ): Promise<Written> {
    const startedMs = clock.monotonicMs();
    const written = await write;
    writes.note(kind, written.ok ? 'ok' : 'failed', clock.monotonicMs() - startedMs);
    return written;
  }
  return {
    writes,
    store: {
      ...store,
      commit: (changes, peersBefore) => count('batch', store.commit(changes, peersBefore)),
      rewrite: (peers, retired) => count('whole', store.rewrite(peers, retired)),
    },
  };
}
