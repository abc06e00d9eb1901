// Repeatable chance for tests: the same seed gives the same story.

/** Chance from one seed (mulberry32). */
export interface Seeded {
  /** From 0 to below 1. */
  next(): number;
  /** A whole number from 0 to below `end`. */
  below(end: number): number;
  /** A number of so many bits. */
  bits(count: number): bigint;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** One of these. */
  pick<Item>(items: readonly Item[]): Item;
  /** Fills bytes. */
  fill(bytes: Uint8Array): void;
}

export function createSeeded(seed: number): Seeded {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const below = (end: number) => Math.floor(next() * end);
  return {
    next,
    below,
    bits(count) {
      let value = 0n;
      for (let have = 0; have < count; have += 16) value = (value << 16n) | BigInt(below(65_536));
      return BigInt.asUintN(count, value);
    },
    chance: (probability) => next() < probability,
    pick(items) {
      const item = items[below(items.length)];
      if (item === undefined) throw new Error('nothing to pick from');
      return item;
    },
    fill(bytes) {
      for (let index = 0; index < bytes.length; index++) bytes[index] = below(256);
    },
  };
}
