import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderDocument } from '../../bench/document.ts';
import type { Machine } from '../../bench/machine.ts';
import { renderBars, renderLines } from '../../bench/plot.ts';
import type { Row } from '../../bench/result.ts';

const machine: Machine = {
  processor: 'p',
  cores: 2,
  memoryGb: 24,
  kernel: 'k',
  node: 'v20',
  load: 'wrk',
  commit: 'abc',
  date: '2026-01-01',
};

describe('the published page', () => {
  const row: Row = {
    bench: 'reads',
    what: 'GET /healthz',
    value: 3,
    unit: 'CPU-s per 1M',
    against: null,
    bar: { most: 2 },
  };
  const page = (value: number) =>
    renderDocument({ machine, rounds: 7, rows: [{ ...row, value }], left: [] })['benchmarks.md'] ?? '';

  it('names each bar that is missed', () => {
    assert.match(page(3), /0 of 1 bars are held, 1 are missed/);
    assert.match(page(2), /1 of 1 bars are held, 0 are missed/);
  });
});

describe('plots', () => {
  it('put the highest value highest, and escape names', () => {
    const svg = renderLines('a < b', 'x', 'y', [
      {
        name: 's',
        points: [
          { x: 1, y: 10 },
          { x: 10, y: 20 },
        ],
      },
    ]);
    assert.match(svg, /a &lt; b/);
    const heights = [...svg.matchAll(/<circle cx="([0-9.]+)" cy="([0-9.]+)"/g)].map((match) => [
      Number(match[1]),
      Number(match[2]),
    ]);
    assert.deepEqual(heights, [
      [70, 155],
      [690, 40],
    ]);
  });

  it('make a bar for each value', () => {
    const svg = renderBars(
      't',
      'y',
      ['a', 'b'],
      [
        { name: 's', values: [1, 2] },
        { name: 'r', values: [3, 4] },
      ],
    );
    // Background, four bars, two in the legend.
    assert.equal([...svg.matchAll(/<rect /g)].length, 7);
  });
});
