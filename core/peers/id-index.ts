// Which peer has which id: one flat table of bits, so that a look-up reads two places in memory however many peers there are.
import { isUuidV4, readUuid } from '../uuid.ts';
import type { PeerId } from './peer.ts';

/** Words of an id. */
const width = 4;

const firstSlots = 1_024;

/** Things by the id of their peer. */
export class IdIndex<T> {
  size = 0;
  // Open addressing: an id stands in the slot that its bits name, or in the next one that was free. A free slot is all
  // zeros, which no UUID v4 is. At most half of them are taken.
  #words = new Uint32Array(firstSlots * width);
  #values: (T | undefined)[] = new Array(firstSlots);
  readonly #sought = new Uint32Array(width);

  /** What an id names, in any letter case; undefined: nothing, or the text is no UUID v4. */
  get(id: string): T | undefined {
    return isUuidV4(id) ? this.#values[this.#seek(id)] : undefined;
  }

  set(id: PeerId, value: T): void {
    if ((this.size + 1) * 2 > this.#values.length) this.#grow();
    const slot = this.#seek(id);
    if (this.#values[slot] === undefined) this.size++;
    this.#words.set(this.#sought, slot * width);
    this.#values[slot] = value;
  }

  delete(id: PeerId): void {
    let free = this.#seek(id);
    if (this.#values[free] === undefined) return;
    this.size--;
    // What stands behind moves up, so that no search ends at the gap (Knuth, The Art of Computer Programming 6.4, algorithm R).
    const mask = this.#values.length - 1;
    for (let slot = (free + 1) & mask; this.#values[slot] !== undefined; slot = (slot + 1) & mask) {
      const home = slotOf(this.#words, slot * width, mask);
      if (((slot - home) & mask) < ((slot - free) & mask)) continue;
      this.#words.copyWithin(free * width, slot * width, (slot + 1) * width);
      this.#values[free] = this.#values[slot];
      free = slot;
    }
    this.#words.fill(0, free * width, (free + 1) * width);
    this.#values[free] = undefined;
  }

  /** Where an id stands, or would; its words are then in `#sought`. */
  #seek(id: string): number {
    readUuid(id, this.#sought);
    return this.#find(this.#sought, 0);
  }

  #find(from: Uint32Array, at: number): number {
    const words = this.#words;
    const mask = this.#values.length - 1;
    let slot = slotOf(from, at, mask);
    for (; ; slot = (slot + 1) & mask) {
      const start = slot * width;
      // The second word holds the version, which is never 0.
      if (words[start + 1] === 0) return slot;
      if (
        words[start] === from[at] &&
        words[start + 1] === from[at + 1] &&
        words[start + 2] === from[at + 2] &&
        words[start + 3] === from[at + 3]
      ) {
        return slot;
      }
    }
  }

  #grow(): void {
    const words = this.#words;
    const values = this.#values;
    this.#words = new Uint32Array(words.length * 2);
    this.#values = new Array(values.length * 2);
    for (const [slot, value] of values.entries()) {
      if (value === undefined) continue;
      const target = this.#find(words, slot * width);
      this.#words.set(words.subarray(slot * width, (slot + 1) * width), target * width);
      this.#values[target] = value;
    }
  }
}

/** Where an id belongs. Not all orchestrators draw theirs at random, so every bit counts (multipliers: MurmurHash3). */
function slotOf(words: Uint32Array, at: number, mask: number): number {
  let hash = words[at] as number;
  for (let index = 1; index < width; index++) {
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) ^ (words[at + index] as number);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0xc2b2ae35);
  return (hash ^ (hash >>> 13)) & mask;
}
