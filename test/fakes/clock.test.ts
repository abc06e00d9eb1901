// The fake clock itself: a clock that lies makes every test that uses it worthless.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from './clock.ts';

test('timers run in order of their moments, at their moments', async () => {
  const clock = createFakeClock(5_000);
  const seen: (readonly [string, number])[] = [];
  const note = (name: string) => () => void seen.push([name, clock.nowMs()]);
  clock.after(300, note('late'));
  clock.after(100, () => {
    note('early')();
    clock.after(100, note('set by early'));
  });
  clock.after(100, note('early too'));
  clock.after(301, note('beyond'));
  await clock.advance(300);
  assert.deepEqual(seen, [
    ['early', 5_100],
    ['early too', 5_100],
    ['set by early', 5_200],
    ['late', 5_300],
  ]);
  assert.equal(clock.timers, 1);
});

test('a cancelled timer does not run', async () => {
  const clock = createFakeClock();
  const cancel = clock.after(10, () => assert.fail('it ran'));
  cancel();
  await clock.advance(10);
  assert.equal(clock.timers, 0);
});

test('what a timer starts has settled before the next one runs', async () => {
  const clock = createFakeClock();
  const seen: string[] = [];
  clock.after(1, () => {
    clock.soon(() => {
      clock.soon(() => void Promise.resolve().then(() => seen.push('followed up')));
    });
  });
  clock.after(2, () => void seen.push('next timer'));
  await clock.advance(2);
  assert.deepEqual(seen, ['followed up', 'next timer']);
});

test('a jump of the wall clock moves neither the monotonic one nor timers', async () => {
  const clock = createFakeClock(5_000);
  const beforeMs = clock.monotonicMs();
  let ran = false;
  clock.after(100, () => {
    ran = true;
  });
  clock.jumpWall(1_000_000);
  await clock.settle();
  assert.equal(clock.nowMs(), 1_005_000);
  assert.equal(clock.monotonicMs(), beforeMs);
  assert.equal(ran, false);
  clock.jumpWall(-1_000_500);
  assert.equal(clock.nowMs(), 4_500);
});
