// All peers of the node in memory, by id, by key and in list order, with what the device last said of each. Decides nothing.
import type { DevicePeer } from '../ports.ts';
import type { Peer, PeerId, PublicKey } from './peer.ts';

/** A peer and what the last look at the device showed of it. */
export interface Entry {
  readonly peer: Peer;
  /** Milliseconds since the Unix epoch; null: never, or not seen yet. */
  readonly latestHandshakeMs: number | null;
  /** Whether the latest handshake was recent when the device was looked at. */
  readonly active: boolean;
  readonly receiveBytes: number;
  readonly transmitBytes: number;
  /** A reader's own: what it made of all this but the counters. Null as soon as any of that changes. */
  memo: string | null;
}

interface MutableEntry {
  peer: Peer;
  latestHandshakeMs: number | null;
  active: boolean;
  receiveBytes: number;
  transmitBytes: number;
  memo: string | null;
  look: number;
}

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

// Beyond this many removals one pass over the list is cheaper than closing one gap after the other.
const gapsMax = 16;

/** An empty table. */
export function createPeerTable(): PeerTable {
  const byId = new Map<PeerId, MutableEntry>();
  const byKey = new Map<PublicKey, MutableEntry>();
  let ordered: MutableEntry[] = [];
  let active = 0;
  let revision = 0;

  function forget(entry: MutableEntry): void {
    if (entry.active) active--;
    entry.latestHandshakeMs = null;
    entry.active = false;
    entry.receiveBytes = 0;
    entry.transmitBytes = 0;
    entry.memo = null;
  }

  function replace(entry: MutableEntry, peer: Peer): void {
    if (entry.peer.publicKey !== peer.publicKey) {
      byKey.delete(entry.peer.publicKey);
      byKey.set(peer.publicKey, entry);
      forget(entry);
    }
    entry.peer = peer;
    entry.memo = null;
  }

  function add(peer: Peer): void {
    const entry: MutableEntry = {
      peer,
      latestHandshakeMs: null,
      active: false,
      receiveBytes: 0,
      transmitBytes: 0,
      memo: null,
      look: 0,
    };
    byId.set(peer.id, entry);
    byKey.set(peer.publicKey, entry);
    const last = ordered.at(-1);
    if (last === undefined || compareInList(last.peer, peer) < 0) ordered.push(entry);
    else ordered.splice(position(ordered, peer), 0, entry);
  }

  return {
    get size() {
      return ordered.length;
    },
    get active() {
      return active;
    },
    get revision() {
      return revision;
    },
    get: (id) => byId.get(id),
    byPublicKey: (key) => byKey.get(key),
    page: (offset, limit) => ordered.slice(offset, offset + limit),
    peers: () => ordered.map((entry) => entry.peer),
    put(peer) {
      revision++;
      const entry = byId.get(peer.id);
      if (entry === undefined) add(peer);
      else replace(entry, peer);
    },
    remove(ids) {
      revision++;
      const removed = new Set<MutableEntry>();
      for (const id of ids) {
        const entry = byId.get(id);
        if (entry === undefined) continue;
        forget(entry);
        byId.delete(id);
        byKey.delete(entry.peer.publicKey);
        removed.add(entry);
      }
      if (removed.size > gapsMax) ordered = ordered.filter((entry) => !removed.has(entry));
      else for (const entry of removed) ordered.splice(position(ordered, entry.peer), 1);
    },
    see(seen, look, activeSinceMs) {
      const entry = byKey.get(seen.publicKey);
      if (entry === undefined) return null;
      // Looks overlap; what a younger one showed is not put back by an older one.
      if (entry.look > look) return entry.peer;
      const isActive = seen.latestHandshakeMs !== null && seen.latestHandshakeMs >= activeSinceMs;
      if (isActive !== entry.active) active += isActive ? 1 : -1;
      if (isActive !== entry.active || seen.latestHandshakeMs !== entry.latestHandshakeMs) entry.memo = null;
      entry.latestHandshakeMs = seen.latestHandshakeMs;
      entry.active = isActive;
      entry.receiveBytes = seen.receiveBytes;
      entry.transmitBytes = seen.transmitBytes;
      entry.look = look;
      return entry.peer;
    },
    endLook(look, miss) {
      revision++;
      for (const entry of ordered) {
        if (entry.look >= look) continue;
        forget(entry);
        miss?.(entry.peer);
      }
    },
  };
}

/** List order: oldest first, then by id. */
function compareInList(a: Peer, b: Peer): number {
  return a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function position(ordered: readonly MutableEntry[], peer: Peer): number {
  let low = 0;
  let high = ordered.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = ordered[middle];
    if (entry !== undefined && compareInList(entry.peer, peer) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
