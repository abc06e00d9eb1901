// A store that lives and ends with the process, for nodes without a store file and for tests.
import type { Peer, PeerId, PublicKey } from '../../core/peers/peer.ts';
import type { PeerStore } from '../../core/ports.ts';
import { ok } from '../../core/result.ts';
import { applyChanges, keepRetired } from './changes.ts';

/** What a memory store holds; a second store over the same contents finds it, as after a restart. */
export interface MemoryStoreContents {
  readonly peers: Map<PeerId, Peer>;
  retired: readonly PublicKey[];
}

/** A store over these contents, which never fails. Empty unless told. */
export function createMemoryStore(
  contents: MemoryStoreContents = { peers: new Map(), retired: [] },
): PeerStore {
  return {
    load: async () => ok({ peers: [...contents.peers.values()], retired: contents.retired }),
    async commit(changes) {
      applyChanges(contents.peers, changes);
      contents.retired = keepRetired(contents.retired, changes);
      return ok(undefined);
    },
    async rewrite(peers, retired) {
      contents.peers.clear();
      for (const peer of peers) contents.peers.set(peer.id, peer);
      contents.retired = retired;
      return ok(undefined);
    },
    keepCopy: async () => ok(null),
    close: async () => {},
  };
}
