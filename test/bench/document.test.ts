import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { renderDocument } from '../../bench/document.ts';
import { renderBars, renderLines } from '../../bench/plot.ts';
import type { Results } from '../../bench/result.ts';

describe('the published page', () => {
  const results = JSON.parse(readFileSync('docs/benchmarks.json', 'utf8')) as Results;

  it('and its plots say what the numbers say', () => {
    for (const [name, text] of Object.entries(renderDocument(results))) {
      assert.equal(readFileSync(`docs/${name}`, 'utf8'), text, `docs/${name}: run npm run bench:docs`);
    }
  });

  it('names each bar that is missed', () => {
    const [row] = results.rows.filter((one) => one.bar !== null);
    assert.ok(row);
    const page = (value: number) =>
      renderDocument({ ...results, rows: [{ ...row, value, against: null, bar: { most: 2 } }] });
    assert.match(page(3)['benchmarks.md'] ?? '', /0 of 1 bars are held, 1 are missed/);
    assert.match(page(2)['benchmarks.md'] ?? '', /1 of 1 bars are held, 0 are missed/);
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
      [700, 40],
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
