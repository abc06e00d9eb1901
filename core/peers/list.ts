// All peers in list order, cut into blocks, so that one that comes or goes moves few others. Knows no look and no key.
import { Block, type MutableEntry, type RenderEntry, type TextSink } from './block.ts';
import { BlockMemory } from './block-memory.ts';
import { compareInList, type Entry } from './entry.ts';
import type { Peer } from './peer.ts';

export class PeerList {
  size = 0;
  readonly #memory = new BlockMemory();
  /** None of them is empty. */
  readonly #blocks: Block[] = [];
  /** The position of each block's first entry; of the blocks behind the first one that changed it has yet to be counted. */
  readonly #starts: number[] = [];

  add(entry: MutableEntry): void {
    this.size++;
    const at = this.#blockOf(entry.peer);
    const block = this.#blocks[at];
    this.#changed(at);
    if (block === undefined) this.#blocks.push(this.#blockWith(entry));
    else if (!block.isFull) insert(block, entry);
    // Whoever comes last, as almost all do, leaves full blocks behind.
    else if (at === this.#blocks.length - 1 && indexIn(block, entry.peer) === block.entries.length) {
      this.#blocks.push(this.#blockWith(entry));
    } else {
      const next = this.#split(at, block);
      insert(indexIn(next, entry.peer) === 0 ? block : next, entry);
    }
  }

  remove(entry: MutableEntry): void {
    this.size--;
    const at = this.#blockOf(entry.peer);
    const block = this.#blocks[at];
    const next = this.#blocks[at + 1];
    if (block === undefined) return;
    this.#changed(at);
    block.remove(indexIn(block, entry.peer));
    if (block.entries.length === 0) {
      this.#blocks.splice(at, 1);
      block.close();
    } else if (next !== undefined && block.hasRoomFor(next)) {
      next.moveTo(block, 0);
      this.#blocks.splice(at + 1, 1);
      next.close();
    }
  }

  forEach(visit: (entry: MutableEntry) => void): void {
    for (const block of this.#blocks) for (const entry of block.entries) visit(entry);
  }

  /** Up to `limit` entries from `offset` on. The array is the caller's; entries go on changing. */
  page(offset: number, limit: number): readonly Entry[] {
    const entries: Entry[] = [];
    this.#visit(offset, limit, (block, from, to) => {
      for (let index = from; index < to; index++) entries.push(block.entries[index] as Entry);
    });
    return entries;
  }

  /** The texts of the same, joined by commas. */
  copyTexts(offset: number, limit: number, render: RenderEntry, sink: TextSink): void {
    let isFirst = true;
    this.#visit(offset, limit, (block, from, to) => {
      block.copy(from, to, isFirst, render, sink);
      isFirst = false;
    });
  }

  /** Visits the parts of blocks, `from` up to `to`, that make up a page. */
  #visit(offset: number, limit: number, visit: (block: Block, from: number, to: number) => void): void {
    const end = Math.min(offset + limit, this.size);
    if (offset >= end) return;
    this.#countStarts();
    let at = lastWhere(this.#blocks.length, (index) => (this.#starts[index] as number) <= offset);
    for (let from = offset; from < end; at++) {
      const block = this.#blocks[at] as Block;
      const start = this.#starts[at] as number;
      const to = Math.min(end - start, block.entries.length);
      visit(block, from - start, to);
      from = start + to;
    }
  }

  #blockWith(entry: MutableEntry): Block {
    const block = new Block(this.#memory);
    block.insert(0, entry);
    return block;
  }

  #split(at: number, block: Block): Block {
    const next = new Block(this.#memory);
    block.moveTo(next, block.entries.length >> 1);
    this.#blocks.splice(at + 1, 0, next);
    return next;
  }

  #changed(at: number): void {
    this.#starts.length = Math.min(this.#starts.length, at + 1);
  }

  #countStarts(): void {
    for (let at = this.#starts.length; at < this.#blocks.length; at++) {
      const before = this.#blocks[at - 1];
      this.#starts[at] = before === undefined ? 0 : (this.#starts[at - 1] as number) + before.entries.length;
    }
  }

  /** Which block a peer belongs to; 0 when there is none. */
  #blockOf(peer: Peer): number {
    const startsBefore = (index: number) => compareInList(firstOf(this.#blocks[index] as Block), peer) <= 0;
    return Math.max(lastWhere(this.#blocks.length, startsBefore), 0);
  }
}

function insert(block: Block, entry: MutableEntry): void {
  block.insert(indexIn(block, entry.peer), entry);
}

/** Where a peer stands in a block, or would. */
function indexIn({ entries }: Block, peer: Peer): number {
  return lastWhere(entries.length, (index) => compareInList((entries[index] as Entry).peer, peer) < 0) + 1;
}

function firstOf({ entries }: Block): Peer {
  return (entries[0] as Entry).peer;
}

/** The last of `count` for which something is true that is true up to some point and false from there on; -1: none. */
function lastWhere(count: number, isTrue: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isTrue(middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
