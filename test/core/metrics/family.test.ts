// Families of metrics from numbers.
import assert from 'node:assert/strict';
import test from 'node:test';
import { counter, counters, gauge, histograms } from '../../../core/metrics/family.ts';
import { Histogram } from '../../../core/metrics/histogram.ts';

test('a number is read at each question', () => {
  let value = 1;
  const family = gauge('a_seconds', 'A.', () => value++);
  assert.deepEqual(family.samples(), [{ labels: {}, value: 1, suffix: '' }]);
  assert.deepEqual(family.samples(), [{ labels: {}, value: 2, suffix: '' }]);
});

test('what is not known is left out, and nothing is not nothing', () => {
  assert.deepEqual(counter('a_total', 'A.', () => null).samples(), []);
  assert.equal(counter('a_total', 'A.', () => 0).samples().length, 1);
});

test('counters have their labels', () => {
  const family = counters('a_total', 'A.', () => [[{ kind: 'x' }, 3]]);
  assert.deepEqual(family.samples(), [{ labels: { kind: 'x' }, value: 3, suffix: '' }]);
});

test('the buckets of a histogram hold all that is below their bound, and the last one all', () => {
  const histogram = new Histogram([1, 2]);
  for (const value of [0.5, 1.5, 1.5, 9]) histogram.observe(value);
  const family = histograms('a_seconds', 'A.', () => [[{ kind: 'x' }, histogram]]);
  assert.deepEqual(
    family.samples().map(({ labels, value, suffix }) => [suffix, labels['kind'], labels['le'], value]),
    [
      ['_bucket', 'x', '1', 1],
      ['_bucket', 'x', '2', 3],
      ['_bucket', 'x', '+Inf', 4],
      ['_sum', 'x', undefined, 12.5],
      ['_count', 'x', undefined, 4],
    ],
  );
});
