// One diagnosis for all who ask.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shareDiagnosis } from '../../../core/doctor/shared-diagnosis.ts';
import { diagnosisAgeMaxMs } from '../../../core/limits.ts';
import { createFakeClock } from '../../fakes/clock.ts';

function counted() {
  const clock = createFakeClock();
  const ends: (() => void)[] = [];
  const ask = shareDiagnosis(
    () => new Promise<number>((resolve) => ends.push(() => resolve(ends.length))),
    clock,
  );
  return { clock, ask, ends };
}

test('whoever asks while one is made waits for it, however long it takes', async () => {
  const { clock, ask, ends } = counted();
  const early = ask();
  await clock.advance(diagnosisAgeMaxMs * 3);
  const late = ask();
  assert.equal(ends.length, 1);
  ends[0]?.();
  assert.deepEqual(await Promise.all([early, late]), [1, 1]);
});

test('it is answered again until it is old', async () => {
  const { clock, ask, ends } = counted();
  const first = ask();
  ends[0]?.();
  await first;
  await clock.advance(diagnosisAgeMaxMs);
  assert.equal(await ask(), 1);
  await clock.advance(1);
  void ask();
  void ask();
  assert.equal(ends.length, 2);
});
