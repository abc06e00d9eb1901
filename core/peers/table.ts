// All peers of the node in memory, by id, by key and in list order, with what the device last said of each. Decides nothing.
import type { DevicePeer } from '../ports.ts';
import type { MutableEntry, RenderEntry, TextSink } from './block.ts';
import type { Entry } from './entry.ts';
import { PeerList } from './list.ts';
import type { Peer, PeerId, PublicKey } from './peer.ts';

export interface PeerTable {
  readonly size: number;
  /** How many peers were active at the last look. */
  readonly active: number;
  /** Counts up with every change of a peer and every look that ended. */
  readonly revision: number;
  get(id: PeerId): Entry | undefined;
  byPublicKey(key: PublicKey): Entry | undefined;
  /** Up to `limit` entries from `offset` on, oldest first, then by id. The array is the caller's; entries go on changing. */
  page(offset: number, limit: number): readonly Entry[];
  /** The texts of the same peers, joined by commas. `render` is asked for those whose text has changed since it was last made. */
  copyTexts(offset: number, limit: number, render: RenderEntry, sink: TextSink): void;
  /** The text of one peer; one that was removed meanwhile still has it. */
  copyText(entry: Entry, render: RenderEntry, sink: TextSink): void;
  /** All peers, in list order. */
  peers(): readonly Peer[];
  /** Adds a peer, or replaces the one of the same id. A new key has not been seen on the device. */
  put(peer: Peer): void;
  /** Removes peers; unknown ids are passed over. */
  remove(ids: readonly PeerId[]): void;
  /**
   * Notes what a look shows of one peer. Looks are numbered from 1 on as they start. `activeSinceMs`: a handshake at or
   * after this moment is recent. Answers whose key it is; null: it is unknown.
   */
  see(seen: DevicePeer, look: number, activeSinceMs: number): Peer | null;
  /** Ends a look that succeeded: peers that neither it nor a younger one showed are as if never seen, and `miss` gets them. */
  endLook(look: number, miss?: (peer: Peer) => void): void;
}

/** An empty table. */
export function createPeerTable(): PeerTable {
  const byId = new Map<PeerId, MutableEntry>();
  const byKey = new Map<PublicKey, MutableEntry>();
  const list = new PeerList();
  let active = 0;
  let revision = 0;

  function forget(entry: MutableEntry): void {
    note(entry, null, false);
    entry.receiveBytes = 0;
    entry.transmitBytes = 0;
  }

  function note(entry: MutableEntry, latestHandshakeMs: number | null, isActive: boolean): void {
    if (isActive === entry.active && latestHandshakeMs === entry.latestHandshakeMs) return;
    if (isActive !== entry.active) active += isActive ? 1 : -1;
    entry.latestHandshakeMs = latestHandshakeMs;
    entry.active = isActive;
    entry.block?.touch(entry);
  }

  function replace(entry: MutableEntry, peer: Peer): void {
    if (entry.peer.publicKey !== peer.publicKey) {
      byKey.delete(entry.peer.publicKey);
      byKey.set(peer.publicKey, entry);
      forget(entry);
    }
    entry.peer = peer;
    entry.block?.touch(entry);
  }

  function add(peer: Peer): void {
    const entry: MutableEntry = {
      peer,
      latestHandshakeMs: null,
      active: false,
      receiveBytes: 0,
      transmitBytes: 0,
      look: 0,
      block: null,
      isStale: true,
    };
    byId.set(peer.id, entry);
    byKey.set(peer.publicKey, entry);
    list.add(entry);
  }

  return {
    get size() {
      return list.size;
    },
    get active() {
      return active;
    },
    get revision() {
      return revision;
    },
    get: (id) => byId.get(id),
    byPublicKey: (key) => byKey.get(key),
    page: (offset, limit) => list.page(offset, limit),
    copyTexts: (offset, limit, render, sink) => list.copyTexts(offset, limit, render, sink),
    copyText(entry, render, sink) {
      const { block } = entry as MutableEntry;
      if (block !== null) block.copyOne(entry as MutableEntry, render, sink);
      else sink.copy(Buffer.from(render(entry)));
    },
    peers: () => list.page(0, list.size).map((entry) => entry.peer),
    put(peer) {
      revision++;
      const entry = byId.get(peer.id);
      if (entry === undefined) add(peer);
      else replace(entry, peer);
    },
    remove(ids) {
      revision++;
      for (const id of ids) {
        const entry = byId.get(id);
        if (entry === undefined) continue;
        forget(entry);
        byId.delete(id);
        byKey.delete(entry.peer.publicKey);
        list.remove(entry);
      }
    },
    see(seen, look, activeSinceMs) {
      const entry = byKey.get(seen.publicKey);
      if (entry === undefined) return null;
      // Looks overlap; what a younger one showed is not put back by an older one.
      if (entry.look > look) return entry.peer;
      const { latestHandshakeMs } = seen;
      note(entry, latestHandshakeMs, latestHandshakeMs !== null && latestHandshakeMs >= activeSinceMs);
      entry.receiveBytes = seen.receiveBytes;
      entry.transmitBytes = seen.transmitBytes;
      entry.look = look;
      return entry.peer;
    },
    endLook(look, miss) {
      revision++;
      list.forEach((entry) => {
        if (entry.look >= look) return;
        forget(entry);
        miss?.(entry.peer);
      });
    },
  };
}
