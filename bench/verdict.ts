// Whether one version of a call is slower than another, from the least times of alternating processes. Pure.

/** What each process of a version found. */
export interface Measured {
  /** Least time of a call, nanoseconds. */
  readonly minNs: number;
  /** Beside a fixed piece of work. */
  readonly relative: number;
}

export interface Paired {
  readonly base: readonly Measured[];
  readonly change: readonly Measured[];
}

export interface Verdict {
  /** Least of the least times, change over base: 1.1 is ten percent slower. */
  readonly ratio: number;
  /** How likely ranks like these would be, if both were the same and it were chance alone: towards slower. */
  readonly chance: number;
  readonly slower: boolean;
  readonly faster: boolean;
}

/** A difference that is worth a word: beyond what a shared machine makes of the same code. */
export const threshold = 0.08;

/** What makes a call suspect, and, in a second and longer run over the suspects, guilty: at most this likely by chance. */
export const suspectChanceMax = 0.1;
export const guiltyChanceMax = 0.05;

export function judge({ base, change }: Paired, chanceMax: number): Verdict {
  const least = (all: readonly Measured[]) => Math.min(...all.map(({ minNs }) => minNs));
  // Ranked is what doesn't depend on how fast the core just was.
  const [low, high] = [base, change].map((all) => all.map(({ relative }) => relative)) as [
    number[],
    number[],
  ];
  const ratio = least(change) / least(base);
  const chance = rankTest(low, high);
  return {
    ratio,
    chance,
    slower: ratio > 1 + threshold && chance <= chanceMax,
    faster: ratio < 1 / (1 + threshold) && rankTest(high, low) <= chanceMax,
  };
}

/**
 * The chance that `high` ranks as far above `low` as it does, or further, if both came from one distribution: the exact
 * one-sided test of Mann and Whitney. Equal values count half.
 */
export function rankTest(low: readonly number[], high: readonly number[]): number {
  let wins = 0;
  for (const a of high) for (const b of low) wins += a > b ? 1 : a === b ? 0.5 : 0;
  const ways = countWays(low.length, high.length);
  const all = ways.reduce((total, count) => total + count, 0);
  const asFar = ways.reduce((total, count, sum) => (sum >= wins ? total + count : total), 0);
  return asFar / all;
}

/** In how many orders of m and n values the second group wins so many of the m × n pairs: one count for each number of wins. */
function countWays(m: number, n: number): readonly number[] {
  // Whose is the highest value: the second group's, which then wins m pairs with it, or the first group's.
  const known = new Map<string, readonly number[]>();
  const count = (left: number, right: number): readonly number[] => {
    if (left === 0 || right === 0) return [1];
    const name = `${left},${right}`;
    const before = known.get(name);
    if (before !== undefined) return before;
    const ways = new Array<number>(left * right + 1).fill(0);
    for (const [wins, some] of count(left, right - 1).entries())
      ways[wins + left] = (ways[wins + left] ?? 0) + some;
    for (const [wins, some] of count(left - 1, right).entries()) ways[wins] = (ways[wins] ?? 0) + some;
    known.set(name, ways);
    return ways;
  };
  return count(m, n);
}
