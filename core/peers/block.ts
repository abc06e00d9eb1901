// Neighbours in the list of peers, and the texts that stand for them in answers, packed one behind the other: so a page is
// a copy. Makes no text by itself.
import { peerTextBytesMax } from '../limits.ts';
import { type BlockMemory, blockPeersMax } from './block-memory.ts';
import type { Entry } from './entry.ts';
import type { Peer } from './peer.ts';

/** The same for those who keep it. */
export interface MutableEntry extends Entry {
  peer: Peer;
  latestHandshakeMs: number | null;
  active: boolean;
  receiveBytes: number;
  transmitBytes: number;
  /** The number of the last look that showed it; 0: none did. */
  look: number;
  /** Where it stands in the list; null: not any more. */
  block: Block | null;
  /** Where its text is while it stands in a block, the comma before it included: said here, so that a reader of one peer asks nobody else. */
  texts: Buffer;
  textStart: number;
  textEnd: number;
  /** Whether its text says something else than this does, or is not there. */
  isStale: boolean;
}

/** What a peer's text is: ASCII, shorter than `peerTextBytesMax`, made of everything but the counters. The same function each time. */
export type RenderEntry = (entry: Entry) => string;

/** Takes bytes; they are the giver's own again when this returns. */
export interface TextSink {
  copy(bytes: Uint8Array, start?: number, end?: number): void;
}

const comma = 0x2c;

export class Block {
  /** Neighbours, in list order; for reading only. */
  readonly entries: MutableEntry[] = [];
  readonly #memory: BlockMemory;
  readonly #slot;
  /** Whether some text may be stale. */
  #isStale = false;

  constructor(memory: BlockMemory) {
    this.#memory = memory;
    this.#slot = memory.take();
  }

  get isFull(): boolean {
    return this.entries.length >= blockPeersMax;
  }

  /** Whether all of another block's entries fit in, too. */
  hasRoomFor(other: Block): boolean {
    return this.entries.length + other.entries.length <= blockPeersMax;
  }

  insert(index: number, entry: MutableEntry): void {
    entry.block = this;
    entry.texts = this.#slot.bytes;
    entry.textStart = this.#endBefore(index);
    entry.textEnd = entry.textStart;
    this.entries.splice(index, 0, entry);
    this.touch(entry);
  }

  remove(index: number): void {
    const entry = this.entries[index];
    if (entry === undefined) return;
    this.#moveTexts(index, entry.textStart - entry.textEnd);
    this.entries.splice(index, 1);
    entry.block = null;
  }

  /** Moves the entries from `from` on to the end of another block. */
  moveTo(target: Block, from: number): void {
    for (const entry of this.entries.slice(from)) {
      this.remove(from);
      target.insert(target.entries.length, entry);
    }
  }

  /** Gives the memory back. It must be empty, and takes no entry any more. */
  close(): void {
    this.#memory.give(this.#slot);
  }

  /** Notes that an entry in here has changed. */
  touch(entry: MutableEntry): void {
    entry.isStale = true;
    this.#isStale = true;
  }

  /** Makes the text of one entry anew. */
  renew(entry: MutableEntry, render: RenderEntry): void {
    this.#renew(this.entries.indexOf(entry), entry, render);
  }

  /** Gives the texts of the entries from `from` up to `to`, each behind a comma; `isFirst`: the first one without. */
  copy(from: number, to: number, isFirst: boolean, render: RenderEntry, sink: TextSink): void {
    if (this.#isStale) this.#renewAll(render);
    sink.copy(this.#slot.bytes, this.#endBefore(from) + (isFirst ? 1 : 0), this.#endBefore(to));
  }

  #renewAll(render: RenderEntry): void {
    for (const [index, entry] of this.entries.entries()) {
      if (entry.isStale) this.#renew(index, entry, render);
    }
    this.#isStale = false;
  }

  #renew(index: number, entry: MutableEntry, render: RenderEntry): void {
    const text = render(entry);
    // More would reach into the next block.
    if (text.length >= peerTextBytesMax) throw new RangeError(`a peer's text has ${text.length} bytes`);
    this.#moveTexts(index, 1 + text.length - (entry.textEnd - entry.textStart));
    entry.texts[entry.textStart] = comma;
    entry.texts.write(text, entry.textStart + 1, 'latin1');
    entry.isStale = false;
  }

  /** Gives the text at `index` so many bytes more, and moves those behind it. */
  #moveTexts(index: number, added: number): void {
    if (added === 0) return;
    const { entries } = this;
    const { bytes } = this.#slot;
    const end = this.#endBefore(index + 1);
    bytes.copyWithin(end + added, end, this.#endBefore(entries.length));
    for (let at = index; at < entries.length; at++) {
      const entry = entries[at] as MutableEntry;
      if (at > index) entry.textStart += added;
      entry.textEnd += added;
    }
  }

  /** Where the text before `index` ends. */
  #endBefore(index: number): number {
    return this.entries[index - 1]?.textEnd ?? this.#slot.start;
  }
}
