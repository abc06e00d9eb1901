// Warnings about refused requests.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createRefusalLog } from '../../../core/http/refusal-log.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createFakeLog } from '../../fakes/log.ts';

test('a flood leaves ten lines a second, and one a code that tells how many more there were', async () => {
  const clock = createFakeClock();
  const log = createFakeLog();
  const note = createRefusalLog(log, clock, 'request');
  let made = 0;
  const fields = () => ({ number: made++ });
  for (let count = 0; count < 500; count++) note(count % 5 === 0 ? 'forbidden' : 'unauthorized', fields);
  assert.equal(log.takeLines().length, 10);
  assert.equal(made, 10, 'fields are made for lines that are written');
  await clock.advance(1_000);
  assert.deepEqual(
    log.takeLines().map(({ fields }) => fields),
    [
      { code: 'forbidden', count: 98 },
      { code: 'unauthorized', count: 392 },
    ],
  );
  note('forbidden', fields);
  assert.deepEqual(log.takeLines()[0]?.fields, { code: 'forbidden', number: 10 });
  await clock.advance(1_000);
  assert.deepEqual(log.takeLines(), []);
  assert.equal(clock.timers, 0);
});
