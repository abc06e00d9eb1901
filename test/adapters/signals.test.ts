// What signals do, before, during and after the start.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSignals } from '../../adapters/signals.ts';
import { createFakeClock } from '../fakes/clock.ts';

function signals() {
  const clock = createFakeClock();
  const exits: number[] = [];
  let stops = 0;
  let reloads = 0;
  let lates = 0;
  let finish = () => {};
  const stopped = new Promise<void>((resolve) => {
    finish = resolve;
  });
  return {
    clock,
    exits,
    finish,
    stops: () => stops,
    reloads: () => reloads,
    lates: () => lates,
    server: {
      stop: () => {
        stops++;
        return stopped;
      },
      reload: () => void reloads++,
    },
    ...createSignals({ clock, exit: (status) => exits.push(status), late: () => lates++ }),
  };
}

describe('the first signal', () => {
  it('stops the server, and the process once that is done', async () => {
    const process = signals();
    process.started(process.server);
    await process.clock.settle();
    assert.equal(process.stops(), 0);
    process.stop('SIGTERM');
    await process.clock.settle();
    assert.equal(process.stops(), 1);
    assert.deepEqual(process.exits, []);
    process.finish();
    await process.clock.settle();
    assert.deepEqual(process.exits, [0]);
    await process.clock.advance(5_000);
    assert.equal(process.lates(), 0);
  });

  it('ends the process in time though the server does not stop', async () => {
    const process = signals();
    process.started(process.server);
    process.stop('SIGINT');
    await process.clock.advance(4_499);
    assert.deepEqual(process.exits, []);
    assert.equal(process.lates(), 0);
    await process.clock.advance(500);
    assert.deepEqual(process.exits, [0]);
    assert.equal(process.lates(), 1);
  });

  it('is kept for a server that is still starting', async () => {
    const process = signals();
    process.stop('SIGTERM');
    await process.clock.settle();
    assert.deepEqual(process.exits, []);
    process.started(process.server);
    process.finish();
    await process.clock.settle();
    assert.equal(process.stops(), 1);
    assert.deepEqual(process.exits, [0]);
  });

  it('ends a start that takes too long', async () => {
    const process = signals();
    process.stop('SIGTERM');
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
      const process = signals();
      process.started(process.server);
      process.stop('SIGTERM');
      process.stop(signal);
      assert.deepEqual(process.exits, [status]);
      process.finish();
      await process.clock.advance(10_000);
      assert.deepEqual(process.exits, [status], 'and it ends once');
      assert.equal(process.stops(), 1);
    });
  }
});

describe('SIGHUP', () => {
  it('has the server reload, once for each', () => {
    const process = signals();
    process.started(process.server);
    assert.equal(process.reloads(), 0);
    for (let count = 0; count < 3; count++) process.reload();
    assert.equal(process.reloads(), 3);
    assert.deepEqual(process.exits, []);
  });

  it('is kept for a server that is still starting', () => {
    const process = signals();
    process.reload();
    process.reload();
    process.started(process.server);
    assert.equal(process.reloads(), 1);
  });

  it('means nothing to a server that is to stop', async () => {
    const early = signals();
    early.reload();
    early.stop('SIGTERM');
    early.started(early.server);
    const late = signals();
    late.started(late.server);
    late.stop('SIGTERM');
    late.reload();
    for (const process of [early, late]) {
      process.finish();
      await process.clock.settle();
      assert.deepEqual([process.reloads(), process.stops(), process.exits], [0, 1, [0]]);
    }
  });
});
