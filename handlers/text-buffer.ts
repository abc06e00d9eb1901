// The bytes of one answer, put together in memory that is used again for the next. Knows no JSON.
import type { TextSink } from '../core/peers/block.ts';

/** Grows as answers need it, and never shrinks: the longest page is some 350 KB. */
export class TextBuffer implements TextSink {
  #bytes = Buffer.allocUnsafeSlow(16_384);
  #length = 0;

  /** Drops what is in it. */
  clear(): this {
    this.#length = 0;
    return this;
  }

  /** Takes ASCII. */
  write(text: string): this {
    this.#makeRoom(text.length);
    this.#length += this.#bytes.write(text, this.#length, 'latin1');
    return this;
  }

  copy(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.#makeRoom(end - start);
    this.#bytes.set(bytes.subarray(start, end), this.#length);
    this.#length += end - start;
  }

  /** Takes the last byte back. */
  dropLast(): this {
    this.#length--;
    return this;
  }

  /** What is in it, until it is cleared. */
  whole(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #makeRoom(length: number): void {
    const needed = this.#length + length;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(needed * 2);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
