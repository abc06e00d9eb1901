import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { guiltyChanceMax, judge, rankTest } from '../../bench/verdict.ts';
import { createSeeded } from '../fakes/seeded.ts';

const steady = [100, 101, 102, 103, 104, 105, 106];
const timesOf = (factor: number) => steady.map((ns) => ns * factor);

const measured = (times: readonly number[]) => times.map((minNs) => ({ minNs, relative: minNs / 1_000 }));
const judgeTimes = (base: readonly number[], change: readonly number[]) =>
  judge({ base: measured(base), change: measured(change) }, guiltyChanceMax);

describe('the rank test', () => {
  // Tables of Mann and Whitney, 1947: chances of U for samples of 3 and 4.
  it('knows the chances of small samples', () => {
    assert.equal(rankTest([1, 2, 3], [4, 5, 6]), 1 / 20);
    assert.equal(rankTest([4, 5, 6], [1, 2, 3]), 1);
    assert.equal(rankTest([1, 2, 4], [3, 5, 6]), 2 / 20);
    assert.equal(rankTest([1, 2, 3], [4, 5, 6, 7]), 1 / 35);
  });

  it('counts equal values half', () => {
    assert.ok(rankTest([1, 1, 1], [1, 1, 1]) > 0.4);
  });

  it('says for seven against seven, all of them higher, one in 3432', () => {
    assert.equal(rankTest(steady, timesOf(2)), 1 / 3_432);
  });
});

describe('the verdict', () => {
  it('finds 15 % and lets 7 % pass', () => {
    assert.equal(judgeTimes(steady, timesOf(1.15)).slower, true);
    assert.equal(judgeTimes(steady, timesOf(1.07)).slower, false);
  });

  it('finds what became faster', () => {
    const verdict = judgeTimes(timesOf(1.15), steady);
    assert.deepEqual([verdict.slower, verdict.faster], [false, true]);
  });

  it('calls a ratio that the ranks do not bear out chance', () => {
    const change = [...steady];
    const base = [80, ...steady.slice(1)];
    const verdict = judgeTimes(base, change);
    assert.ok(verdict.ratio > 1.08);
    assert.equal(verdict.slower, false);
  });

  it('finds 15 % and nothing else in noise that adds up to 40 %', () => {
    const seeded = createSeeded(7);
    const noisy = (factor: number) =>
      [...steady, ...steady].map(
        () => 100 * factor * (1 + 0.02 * seeded.next() + (seeded.chance(0.2) ? 0.4 * seeded.next() : 0)),
      );
    let found = 0;
    for (let run = 0; run < 200; run++) {
      assert.equal(judgeTimes(noisy(1), noisy(1)).slower, false);
      found += judgeTimes(noisy(1), noisy(1.15)).slower ? 1 : 0;
    }
    assert.ok(found >= 195, `${found} of 200`);
  });
});
