import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeptDump } from '../../../adapters/device/kept-dump.ts';
import { keptDumpAgeMaxMs } from '../../../core/limits.ts';
import { createFakeClock } from '../../fakes/clock.ts';

function setUp() {
  const clock = createFakeClock();
  const kept = createKeptDump(clock);
  const append = (...texts: readonly string[]) => {
    for (const text of texts) kept.append(Buffer.from(text));
  };
  const take = () => {
    const file = kept.take();
    const text = file?.read(0, 100) ?? null;
    file?.close();
    return text;
  };
  return { clock, kept, append, take };
}

test('a whole dump is handed out once', () => {
  const { kept, append, take } = setUp();
  assert.equal(take(), null);
  kept.begin();
  append('a ', 'dump');
  kept.end();
  assert.equal(take(), 'a dump');
  assert.equal(take(), null);
});

test('one that never came to its end is not', () => {
  const { kept, append, take } = setUp();
  kept.begin();
  append('half a');
  assert.equal(take(), null);
  kept.end();
  assert.equal(take(), null);
});

test('only the newest is kept', () => {
  const { kept, append, take } = setUp();
  for (const text of ['old', 'new']) {
    kept.begin();
    append(text);
    kept.end();
  }
  assert.equal(take(), 'new');
  kept.begin();
  append('dropped');
  kept.end();
  kept.drop();
  append('late');
  assert.equal(take(), null);
});

test('it is handed out while it is young', async () => {
  for (const [ageMs, expected] of [
    [keptDumpAgeMaxMs, 'dump'],
    [keptDumpAgeMaxMs + 1, null],
  ] as const) {
    const { clock, kept, append, take } = setUp();
    kept.begin();
    append('dump');
    await clock.advance(ageMs);
    kept.end();
    assert.equal(take(), expected, `after ${ageMs} ms`);
  }
});
