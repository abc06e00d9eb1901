import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cases } from '../../bench/cases/all.ts';

describe('micro-benchmarks', () => {
  it('have names of their own', () => {
    const names = cases.map((one) => one.name);
    assert.deepEqual([...new Set(names)], names);
    for (const name of names) assert.match(name, /^[a-z]+\/\S/);
  });

  for (const one of cases) {
    it(`answers right, and again: ${one.name}`, async () => {
      const { run, show, expected } = await one.create();
      for (let call = 0; call < 3; call++) assert.deepEqual(show(await run()), expected);
    });
  }
});
