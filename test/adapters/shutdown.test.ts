// What the first and the second signal do, before, during and after the start.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createShutdown } from '../../adapters/shutdown.ts';
import { createFakeClock } from '../fakes/clock.ts';

function shutdown() {
  const clock = createFakeClock();
  const exits: number[] = [];
  let stops = 0;
  let finish = () => {};
  const stopped = new Promise<void>((resolve) => {
    finish = resolve;
  });
  return {
    clock,
    exits,
    finish,
    stops: () => stops,
    stop: () => {
      stops++;
      return stopped;
    },
    ...createShutdown({ clock, exit: (status) => exits.push(status) }),
  };
}

describe('the first signal', () => {
  it('stops the server, and the process once that is done', async () => {
    const process = shutdown();
    process.started(process.stop);
    await process.clock.settle();
    assert.equal(process.stops(), 0);
    process.signal('SIGTERM');
    await process.clock.settle();
    assert.equal(process.stops(), 1);
    assert.deepEqual(process.exits, []);
    process.finish();
    await process.clock.settle();
    assert.deepEqual(process.exits, [0]);
  });

  it('ends the process in time though the server does not stop', async () => {
    const process = shutdown();
    process.started(process.stop);
    process.signal('SIGINT');
    await process.clock.advance(4_499);
    assert.deepEqual(process.exits, []);
    await process.clock.advance(500);
    assert.deepEqual(process.exits, [0]);
  });

  it('is kept for a server that is still starting', async () => {
    const process = shutdown();
    process.signal('SIGTERM');
    await process.clock.settle();
    assert.deepEqual(process.exits, []);
    process.started(process.stop);
    process.finish();
    await process.clock.settle();
    assert.equal(process.stops(), 1);
    assert.deepEqual(process.exits, [0]);
  });

  it('ends a start that takes too long', async () => {
    const process = shutdown();
    process.signal('SIGTERM');
    await process.clock.advance(5_000);
    assert.deepEqual(process.exits, [0]);
  });
});

describe('the second signal', () => {
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`ends the process at once with ${status} for ${signal}`, async () => {
      const process = shutdown();
      process.started(process.stop);
      process.signal('SIGTERM');
      process.signal(signal);
      assert.deepEqual(process.exits, [status]);
      process.finish();
      await process.clock.advance(10_000);
      assert.deepEqual(process.exits, [status], 'and it ends once');
      assert.equal(process.stops(), 1);
    });
  }
});
