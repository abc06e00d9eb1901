// The page of peers that was asked for last: pollers ask for the same one again. Holds no other.
import { TextBuffer } from './text-buffer.ts';

export class LastPage {
  readonly #buffer = new TextBuffer();
  #bytes: Uint8Array | null = null;
  #revision = -1;
  #offset = 0;
  #limit: number | null = null;

  /** The page at this revision of the table: the one that is here, or what `render` puts into an empty buffer. It stays as it is until the next is asked for. */
  get(
    revision: number,
    offset: number,
    limit: number | null,
    render: (buffer: TextBuffer) => void,
  ): Uint8Array {
    const isSame = revision === this.#revision && offset === this.#offset && limit === this.#limit;
    if (isSame && this.#bytes !== null) return this.#bytes;
    this.#bytes = null;
    render(this.#buffer.clear());
    this.#revision = revision;
    this.#offset = offset;
    this.#limit = limit;
    this.#bytes = this.#buffer.whole();
    return this.#bytes;
  }
}
