// Request ids: the caller's UUID v4, or a fresh one from bytes that are handed in. Makes no randomness of its own.
import { isUuidV4 } from '../uuid.ts';

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
  const bytes = new Uint8Array(idsPerDraw * 16);
  const words = new Int32Array(bytes.buffer);
  let used = words.length;
  const draw = (): number => {
    if (used === words.length) {
      fillRandom(bytes);
      used = 0;
    }
    return words[used++] as number;
  };
  return {
    accept: (sent) =>
      sent !== '' && isUuidV4(sent) ? sentId(sent) : new FreshId(draw(), draw(), draw(), draw()),
  };
}

const idsPerDraw = 256;

/** 128 random bits as four numbers of 32, written as text where it is wanted: mostly once, into the head of the answer. */
class FreshId implements RequestId {
  readonly #first: number;
  readonly #second: number;
  readonly #third: number;
  readonly #fourth: number;

  constructor(first: number, second: number, third: number, fourth: number) {
    this.#first = first;
    // Version and variant (RFC 9562 section 5.4).
    this.#second = (second & 0xffff0fff) | 0x4000;
    this.#third = (third & 0x3fffffff) | 0x80000000;
    this.#fourth = fourth;
  }

  get text(): string {
    const text = Buffer.alloc(requestIdLength);
    this.copyTo(text, 0);
    return text.toString('latin1');
  }

  copyTo(target: Uint8Array, offset: number): void {
    target[offset + 8] = target[offset + 13] = target[offset + 18] = target[offset + 23] = dash;
    writeHex(target, offset, this.#first >>> 16);
    writeHex(target, offset + 4, this.#first);
    writeHex(target, offset + 9, this.#second >>> 16);
    writeHex(target, offset + 14, this.#second);
    writeHex(target, offset + 19, this.#third >>> 16);
    writeHex(target, offset + 24, this.#third);
    writeHex(target, offset + 28, this.#fourth >>> 16);
    writeHex(target, offset + 32, this.#fourth);
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

/** Writes the low 16 bits of a number as four digits. */
function writeHex(target: Uint8Array, offset: number, bits: number): void {
  target[offset] = digits[(bits >>> 12) & 15] as number;
  target[offset + 1] = digits[(bits >>> 8) & 15] as number;
  target[offset + 2] = digits[(bits >>> 4) & 15] as number;
  target[offset + 3] = digits[bits & 15] as number;
}

const dash = 0x2d;
const digits = Buffer.from('0123456789abcdef', 'latin1');
