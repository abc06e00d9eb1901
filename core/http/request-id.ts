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
    const pool = this.#pool;
    const start = this.#start;
    for (let at = 0; at < requestIdLength; at++) target[offset + at] = pool[start + at] as number;
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
  const ids = Buffer.allocUnsafe((random.length / 16) * requestIdLength);
  let end = 0;
  for (let at = 0; at < random.length; at++) {
    const place = at & 15;
    let byte = random[at] ?? 0;
    if (place === 6) byte = (byte & 0x0f) | 0x40;
    if (place === 8) byte = (byte & 0x3f) | 0x80;
    if (place === 4 || place === 6 || place === 8 || place === 10) ids[end++] = dash;
    ids[end++] = hexDigit(byte >> 4);
    ids[end++] = hexDigit(byte & 15);
  }
  return ids;
}

const dash = 0x2d;

/** The ASCII code of one digit, in lower case. */
function hexDigit(value: number): number {
  return value < 10 ? 0x30 + value : 0x57 + value;
}
