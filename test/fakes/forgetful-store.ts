// A store in memory that keeps nothing from one write to the next but what it is told: a wrong `peersBefore` loses peers.
import { createMemoryStore, type MemoryStoreContents } from '../../adapters/store/memory-store.ts';
import type { PeerStore } from '../../core/ports.ts';

/** A store over these contents that writes itself anew, from `peersBefore`, at every commit. */
export function createForgetfulStore(
  contents: MemoryStoreContents = { peers: new Map(), retired: [] },
): PeerStore {
  const store = createMemoryStore(contents);
  return {
    ...store,
    async commit(changes, peersBefore) {
      contents.peers.clear();
      for (const peer of peersBefore()) contents.peers.set(peer.id, peer);
      return store.commit(changes, peersBefore);
    },
  };
}
