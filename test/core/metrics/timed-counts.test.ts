// Counts by kind and result, and the time of those that went well.
import assert from 'node:assert/strict';
import test from 'node:test';
import { TimedCounts } from '../../../core/metrics/timed-counts.ts';

test('every kind starts with no success', () => {
  const counts = new TimedCounts(['fetch', 'carry']);
  assert.deepEqual(
    [...counts.counts()],
    [
      ['fetch', 'ok', 0],
      ['carry', 'ok', 0],
    ],
  );
});

test('results are told apart, and only good ones are timed', () => {
  const counts = new TimedCounts<'fetch' | 'carry', 'dropped'>(['fetch', 'carry']);
  counts.note('fetch', 'ok', 250);
  counts.note('fetch', 'ok', 500, 2);
  counts.note('fetch', 'dropped', 60_000);
  assert.deepEqual(
    [...counts.counts()],
    [
      ['fetch', 'ok', 3],
      ['fetch', 'dropped', 1],
      ['carry', 'ok', 0],
    ],
  );
  assert.equal(counts.durations.get('fetch')?.sum, 1.25);
  assert.equal(counts.durations.get('carry')?.sum, 0);
});
