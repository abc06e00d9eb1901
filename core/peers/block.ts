// Neighbours in the list of peers, and the texts that stand for them in answers, packed one behind the other: so a page is
// a copy. Makes no text by itself.
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
  /** Whether its text in the block says something else than this does, or is not there. */
  isStale: boolean;
}

/** What a peer's text is: ASCII, made of everything but the counters. The same function each time. */
export type RenderEntry = (entry: Entry) => string;

/** Takes bytes; they are the giver's own again when this returns. */
export interface TextSink {
  copy(bytes: Uint8Array, start?: number, end?: number): void;
}

/** Peers in a block at most. Ours: a page of 50 lies in two blocks, and a text that changes its length moves some 10 KB. */
const entriesMax = 64;

/** Ours: 64 peers with an address of each family, as they are mostly. */
const firstBytes = 22_528;

const comma = 0x2c;
const noBytes = Buffer.alloc(0);

export class Block {
  /** Neighbours, in list order; for reading only. */
  readonly entries: MutableEntry[] = [];
  /** Each text stands behind a comma. */
  #texts = noBytes;
  /** Where the texts end in there. */
  readonly #ends: number[] = [];
  /** Whether some text may be stale. */
  #isStale = false;

  get isFull(): boolean {
    return this.entries.length >= entriesMax;
  }

  /** Whether all of another block's entries fit in, too. */
  hasRoomFor(other: Block): boolean {
    return this.entries.length + other.entries.length <= entriesMax;
  }

  insert(index: number, entry: MutableEntry): void {
    this.entries.splice(index, 0, entry);
    this.#ends.splice(index, 0, this.#start(index));
    entry.block = this;
    this.touch(entry);
  }

  remove(index: number): void {
    this.#replace(index, '');
    this.#ends.splice(index, 1);
    for (const entry of this.entries.splice(index, 1)) entry.block = null;
  }

  /** Moves the entries from `from` on to the end of another block. */
  moveTo(target: Block, from: number): void {
    for (const entry of this.entries.slice(from)) {
      this.remove(from);
      target.insert(target.entries.length, entry);
    }
  }

  /** Notes that an entry in here has changed. */
  touch(entry: MutableEntry): void {
    entry.isStale = true;
    this.#isStale = true;
  }

  /** Gives one entry's text. */
  copyOne(entry: MutableEntry, render: RenderEntry, sink: TextSink): void {
    const index = this.entries.indexOf(entry);
    if (entry.isStale) this.#renew(index, entry, render);
    sink.copy(this.#texts, this.#start(index) + 1, this.#end(index));
  }

  /** Gives the texts of the entries from `from` up to `to`, each behind a comma; `isFirst`: the first one without. */
  copy(from: number, to: number, isFirst: boolean, render: RenderEntry, sink: TextSink): void {
    if (this.#isStale) this.#renewAll(render);
    sink.copy(this.#texts, this.#start(from) + (isFirst ? 1 : 0), this.#start(to));
  }

  #renewAll(render: RenderEntry): void {
    for (const [index, entry] of this.entries.entries()) {
      if (entry.isStale) this.#renew(index, entry, render);
    }
    this.#isStale = false;
  }

  #renew(index: number, entry: MutableEntry, render: RenderEntry): void {
    this.#replace(index, render(entry));
    entry.isStale = false;
  }

  /** Puts a text where another one stood, and moves those behind it; '': puts nothing there, and no comma. */
  #replace(index: number, text: string): void {
    const start = this.#start(index);
    const end = this.#end(index);
    const added = (text === '' ? 0 : text.length + 1) - (end - start);
    if (added !== 0) this.#moveTexts(index, added);
    if (text === '') return;
    this.#texts[start] = comma;
    this.#texts.write(text, start + 1, 'latin1');
  }

  #moveTexts(index: number, added: number): void {
    const end = this.#end(index);
    const lastEnd = this.#end(this.entries.length - 1);
    if (lastEnd + added > this.#texts.length) this.#grow(lastEnd + added);
    if (end < lastEnd) this.#texts.copyWithin(end + added, end, lastEnd);
    for (let at = index; at < this.#ends.length; at++) this.#ends[at] = this.#end(at) + added;
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(firstBytes, bytes * 2));
    this.#texts.copy(larger);
    this.#texts = larger;
  }

  #start(index: number): number {
    return index === 0 ? 0 : this.#end(index - 1);
  }

  #end(index: number): number {
    return this.#ends[index] ?? 0;
  }
}
