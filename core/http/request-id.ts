// Request ids: the caller's UUID v4, or a fresh one from bytes that are handed in. Makes no randomness of its own.

/** One request's id: a UUID v4 as 36 characters of ASCII. */
export interface RequestId {
  readonly text: string;
  /** Writes the 36 characters, without making a string of them. */
  copyTo(target: Uint8Array, offset: number): void;
}

/** Where request ids come from. */
export interface RequestIds {
  /** The id that a caller sent, as it sent it, if it is a UUID v4; otherwise a fresh one. */
  accept(sent: string): RequestId;
}

/** Characters of a UUID. */
export const requestIdLength = 36;

/**
 * Makes request ids. `fillRandom` fills the whole buffer with random bytes; it is called once in 256 ids, since drawing
 * them one by one costs more than all the rest.
 */
export function createRequestIds(fillRandom: (buffer: Uint8Array) => void): RequestIds {
  const random = new Uint8Array(idsPerPool * 16);
  let pool: Buffer = Buffer.alloc(0);
  let used = 0;
  return {
    accept(sent) {
      if (sent !== '' && uuidV4.test(sent)) return sentId(sent);
      if (used === pool.length) {
        fillRandom(random);
        // A new pool each time: ids that are still in use point into the old one.
        pool = formatIds(random);
        used = 0;
      }
      used += requestIdLength;
      return new FreshId(pool, used - requestIdLength);
    },
  };
}

const idsPerPool = 256;
const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

class FreshId implements RequestId {
  readonly #pool: Buffer;
  readonly #start: number;

  constructor(pool: Buffer, start: number) {
    this.#pool = pool;
    this.#start = start;
  }

  get text(): string {
    return this.#pool.toString('latin1', this.#start, this.#start + requestIdLength);
  }

  copyTo(target: Uint8Array, offset: number): void {
    // A loop, because 36 bytes cost less so than a call into native code.
    for (let at = 0; at < requestIdLength; at++) target[offset + at] = this.#pool[this.#start + at] ?? 0;
  }
}

function sentId(text: string): RequestId {
  return {
    text,
    copyTo(target, offset) {
      for (let at = 0; at < requestIdLength; at++) target[offset + at] = text.charCodeAt(at);
    },
  };
}

/** 16 random bytes each, with version and variant set, as 36 characters each (RFC 9562 section 5.4). */
function formatIds(random: Uint8Array): Buffer {
  const ids: string[] = [];
  for (let start = 0; start < random.length; start += 16) {
    const bytes = Buffer.from(random.subarray(start, start + 16));
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const hex = bytes.toString('hex');
    ids.push(
      `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`,
    );
  }
  return Buffer.from(ids.join(''), 'latin1');
}
