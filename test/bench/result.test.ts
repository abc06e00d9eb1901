import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { median, passes, quantile, type Row, renderTable } from '../../bench/result.ts';

const row: Row = {
  bench: 'reads',
  what: 'GET /stats',
  value: 8,
  unit: 'CPU-s per 1M',
  against: { value: 6, what: 'bare route' },
  bar: { most: 1.35 },
};

describe('a row', () => {
  it('holds its bar by the ratio, at the bar too', () => {
    assert.equal(passes(row), true);
    assert.equal(passes({ ...row, value: 9, bar: { most: 1.5 } }), true);
    assert.equal(passes({ ...row, value: 8.2 }), false);
  });

  it('that is to be high holds it from below', () => {
    assert.equal(passes({ ...row, bar: { least: 1.3 } }), true);
    assert.equal(passes({ ...row, bar: { least: 1.4 } }), false);
  });

  it('with nothing beside it holds it by its value', () => {
    assert.equal(passes({ ...row, against: null, bar: { most: 8 } }), true);
    assert.equal(passes({ ...row, against: null, bar: { most: 7 } }), false);
  });

  it('without a bar neither holds nor misses', () => {
    assert.equal(passes({ ...row, bar: null }), null);
  });

  it('that was not measured misses', () => {
    assert.equal(passes({ ...row, value: Number.NaN }), false);
  });
});

describe('the table', () => {
  it('says cost, ratio and bar of each row, and which are missed', () => {
    const lines = renderTable([row, { ...row, value: 9, note: 'slow' }]).split('\n');
    assert.match(
      lines[1] ?? '',
      /^GET \/stats +8\.00 CPU-s per 1M +6\.00 \(bare route\) +× 1\.33 +≤ 1\.35 +ok$/,
    );
    assert.match(lines[2] ?? '', /× 1\.50 +≤ 1\.35 +MISSED +slow$/);
  });
});

describe('quantiles', () => {
  it('lie between the values they are not', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.equal(quantile([10, 20, 30, 40, 50], 0.99), 49.6);
    assert.equal(quantile([5], 0.99), 5);
  });

  it('of nothing are no number', () => {
    assert.ok(Number.isNaN(median([])));
  });
});
