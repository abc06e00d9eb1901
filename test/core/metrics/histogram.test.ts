// Values by size.
import assert from 'node:assert/strict';
import test from 'node:test';
import { durationBounds, Histogram } from '../../../core/metrics/histogram.ts';

test('a value belongs to the first bound that is not below it', () => {
  const histogram = new Histogram([1, 2, 4]);
  for (const value of [0, 1, 1.5, 2, 4, 4.001, 100]) histogram.observe(value);
  assert.deepEqual([...histogram.counts], [2, 2, 1, 2]);
  assert.equal(histogram.sum, 112.501);
});

test('what was seen several times counts as often', () => {
  const histogram = new Histogram([1, 2]);
  histogram.observe(2, 5);
  assert.deepEqual([...histogram.counts], [0, 5, 0]);
  assert.equal(histogram.sum, 10);
});

test('the bounds of durations ascend', () => {
  assert.deepEqual(
    [...durationBounds],
    [...new Set(durationBounds)].sort((a, b) => a - b),
  );
});
