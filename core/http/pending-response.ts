// A native response that outlives the callback it came in: after the connection breaks, nothing may touch it.
import type { NativeResponse } from './native.ts';

/** A native response that is answered later than in its callback. `ended` is called once, when it is answered or gone. */
export class PendingResponse {
  readonly res: NativeResponse;
  readonly #ended: () => void;
  #open = true;
  #gone: (() => void) | null = null;

  constructor(res: NativeResponse, ended: () => void) {
    this.res = res;
    this.#ended = ended;
    res.onAborted(() => {
      if (!this.#open) return;
      this.#open = false;
      this.#gone?.();
      ended();
    });
  }

  /** Whether it can still be written to. */
  get open(): boolean {
    return this.#open;
  }

  /** Calls back if the connection breaks before the end. */
  onGone(gone: () => void): void {
    this.#gone = gone;
  }

  /** Writes the end of the answer. Does nothing when the connection is gone. */
  end(write: () => void): void {
    if (!this.#open) return;
    this.#open = false;
    this.res.cork(write);
    this.#ended();
  }

  /** Cuts the connection. */
  cut(): void {
    if (this.#open) this.res.close();
  }
}
