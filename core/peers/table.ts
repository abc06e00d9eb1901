// All peers of the node in memory, by id, by key and in list order, with what the device last said of each. Decides nothing.
import type { DevicePeer } from '../ports.ts';
import type { MutableEntry, RenderEntry, TextSink } from './block.ts';
import type { Entry } from './entry.ts';
import { IdIndex } from './id-index.ts';
import { PeerList } from './list.ts';
import type { Peer, PeerId, PublicKey } from './peer.ts';

/** Ids and public keys are unique in it. */
export interface PeerTable {
  readonly size: number;
  /** How many peers were active at the last look. */
  readonly active: number;
  /** Counts up with every change of a peer and every look that ended. */
  readonly revision: number;
  /** In any letter case; undefined for a text that is no UUID v4, too. */
  get(id: string): Entry | undefined;
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

const noBytes = Buffer.alloc(0);

/** An empty table. */
export function createPeerTable(): PeerTable {
  return new Table();
}

// A class, since V8 looks every property of an object literal with getters up by hash, and reads ask for many.
class Table implements PeerTable {
  readonly #byId = new IdIndex<MutableEntry>();
  readonly #byKey = new Map<PublicKey, MutableEntry>();
  readonly #list = new PeerList();
  #active = 0;
  #revision = 0;

  get size(): number {
    return this.#list.size;
  }

  get active(): number {
    return this.#active;
  }

  get revision(): number {
    return this.#revision;
  }

  get(id: string): Entry | undefined {
    return this.#byId.get(id);
  }

  byPublicKey(key: PublicKey): Entry | undefined {
    return this.#byKey.get(key);
  }

  page(offset: number, limit: number): readonly Entry[] {
    return this.#list.page(offset, limit);
  }

  copyTexts(offset: number, limit: number, render: RenderEntry, sink: TextSink): void {
    this.#list.copyTexts(offset, limit, render, sink);
  }

  copyText(entry: Entry, render: RenderEntry, sink: TextSink): void {
    const one = entry as MutableEntry;
    if (one.isStale) one.block?.renew(one, render);
    if (one.block === null) sink.copy(Buffer.from(render(one)));
    else sink.copy(one.texts, one.textStart + 1, one.textEnd);
  }

  // Handed on by itself, as what a store asks for.
  readonly peers = (): readonly Peer[] => this.#list.page(0, this.#list.size).map((entry) => entry.peer);

  put(peer: Peer): void {
    this.#revision++;
    const entry = this.#byId.get(peer.id);
    if (entry === undefined) this.#add(peer);
    else this.#replace(entry, peer);
  }

  remove(ids: readonly PeerId[]): void {
    this.#revision++;
    for (const id of ids) {
      const entry = this.#byId.get(id);
      if (entry === undefined) continue;
      this.#forget(entry);
      this.#byId.delete(id);
      this.#byKey.delete(entry.peer.publicKey);
      this.#list.remove(entry);
    }
  }

  see(seen: DevicePeer, look: number, activeSinceMs: number): Peer | null {
    const entry = this.#byKey.get(seen.publicKey);
    if (entry === undefined) return null;
    // Looks overlap; what a younger one showed is not put back by an older one.
    if (entry.look > look) return entry.peer;
    const { latestHandshakeMs } = seen;
    this.#note(entry, latestHandshakeMs, latestHandshakeMs !== null && latestHandshakeMs >= activeSinceMs);
    entry.receiveBytes = seen.receiveBytes;
    entry.transmitBytes = seen.transmitBytes;
    entry.look = look;
    return entry.peer;
  }

  endLook(look: number, miss?: (peer: Peer) => void): void {
    this.#revision++;
    this.#list.forEach((entry) => {
      if (entry.look >= look) return;
      this.#forget(entry);
      miss?.(entry.peer);
    });
  }

  #add(peer: Peer): void {
    const entry: MutableEntry = {
      peer,
      latestHandshakeMs: null,
      active: false,
      receiveBytes: 0,
      transmitBytes: 0,
      look: 0,
      block: null,
      texts: noBytes,
      textStart: 0,
      textEnd: 0,
      isStale: true,
    };
    this.#byId.set(peer.id, entry);
    this.#byKey.set(peer.publicKey, entry);
    this.#list.add(entry);
  }

  #replace(entry: MutableEntry, peer: Peer): void {
    if (entry.peer.publicKey !== peer.publicKey) {
      this.#byKey.delete(entry.peer.publicKey);
      this.#byKey.set(peer.publicKey, entry);
      this.#forget(entry);
    }
    entry.peer = peer;
    entry.block?.touch(entry);
  }

  #forget(entry: MutableEntry): void {
    this.#note(entry, null, false);
    entry.receiveBytes = 0;
    entry.transmitBytes = 0;
  }

  #note(entry: MutableEntry, latestHandshakeMs: number | null, isActive: boolean): void {
    if (isActive === entry.active && latestHandshakeMs === entry.latestHandshakeMs) return;
    if (isActive !== entry.active) this.#active += isActive ? 1 : -1;
    entry.latestHandshakeMs = latestHandshakeMs;
    entry.active = isActive;
    entry.block?.touch(entry);
  }
}
