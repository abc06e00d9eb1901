// Gathers a body that comes in chunks, up to a bound. Counts on beyond it, without keeping anything.

/** What has come of a body. */
export class BodyBuffer {
  /** Bytes that have come, kept or not. */
  received = 0;
  readonly #bytesMax: number;
  #bytes: Uint8Array;

  /** `expectedBytes`: what the sender announced, null: nothing. */
  constructor(bytesMax: number, expectedBytes: number | null) {
    this.#bytesMax = bytesMax;
    this.#bytes = new Uint8Array(Math.min(expectedBytes ?? firstGuessBytes, bytesMax));
  }

  /** Copies a chunk. Beyond the bound everything is dropped. */
  add(chunk: Uint8Array): void {
    const start = this.received;
    this.received += chunk.byteLength;
    if (this.received > this.#bytesMax) {
      this.#bytes = new Uint8Array();
      return;
    }
    if (this.received > this.#bytes.byteLength) this.#grow();
    this.#bytes.set(chunk, start);
  }

  /** The whole body, or null when it went beyond the bound. */
  whole(): Uint8Array | null {
    return this.received > this.#bytesMax ? null : this.#bytes.subarray(0, this.received);
  }

  #grow(): void {
    // Doubling keeps the copying in proportion to the body, however small its chunks are.
    const larger = new Uint8Array(
      Math.min(Math.max(this.received, this.#bytes.byteLength * 2), this.#bytesMax),
    );
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

const firstGuessBytes = 1_024;
