// The real clock, as far as it can be held to anything without asserting times.
import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { createSystemClock } from '../../adapters/clock.ts';

const longestTimerMs = 2 ** 31 - 1;

/** Runs with timers and the monotonic clock under our hand; `jump` moves both. */
function withMockedTime(run: (jump: (ms: number) => void) => void): void {
  let nowMs = 1_000;
  mock.timers.enable({ apis: ['setTimeout'] });
  const monotonic = mock.method(performance, 'now', () => nowMs);
  try {
    run((ms) => {
      nowMs += ms;
      mock.timers.tick(ms);
    });
  } finally {
    monotonic.mock.restore();
    mock.timers.reset();
  }
}

describe('the system clock', () => {
  it('calls back after the delay, once', () => {
    withMockedTime((jump) => {
      let calls = 0;
      createSystemClock().after(50, () => calls++);
      jump(49);
      assert.equal(calls, 0);
      jump(1);
      assert.equal(calls, 1);
      jump(1_000);
      assert.equal(calls, 1);
    });
  });

  it('waits again when the timer came early', () => {
    withMockedTime((jump) => {
      let calls = 0;
      createSystemClock().after(50.5, () => calls++);
      jump(50);
      assert.equal(calls, 0);
      jump(1);
      assert.equal(calls, 1);
    });
  });

  it('waits longer than a timer can', () => {
    withMockedTime((jump) => {
      let calls = 0;
      createSystemClock().after(2 * longestTimerMs + 10, () => calls++);
      jump(longestTimerMs);
      jump(longestTimerMs);
      assert.equal(calls, 0);
      jump(10);
      assert.equal(calls, 1);
    });
  });

  it('asks no timer for more than it can, and none to keep the process alive', () => {
    const timers = mock.method(globalThis, 'setTimeout');
    const cancel = createSystemClock().after(2 * longestTimerMs, () => assert.fail('was called'));
    cancel();
    timers.mock.restore();
    assert.deepEqual(
      timers.mock.calls.map((call) => [call.arguments[1], call.result?.hasRef()]),
      [[longestTimerMs, false]],
    );
  });

  it('can be called off, between two timers too', () => {
    withMockedTime((jump) => {
      const cancel = createSystemClock().after(longestTimerMs + 10, () => assert.fail('was called'));
      jump(longestTimerMs);
      cancel();
      jump(longestTimerMs);
    });
  });

  it('takes a delay that has passed as none', () => {
    withMockedTime((jump) => {
      let calls = 0;
      createSystemClock().after(-5, () => calls++);
      jump(1);
      assert.equal(calls, 1);
    });
  });

  it('really calls back', async () => {
    const clock = createSystemClock();
    const startMs = clock.monotonicMs();
    // The timer itself does not keep the process alive, so something else has to.
    const alive = setInterval(() => {}, 1_000);
    await new Promise<void>((resolve) => clock.after(5, resolve));
    clearInterval(alive);
    assert.ok(clock.monotonicMs() - startMs >= 5);
  });

  it('calls back soon, behind what is at hand', async () => {
    const order: string[] = [];
    const done = new Promise<void>((resolve) => {
      createSystemClock().soon(() => {
        order.push('soon');
        resolve();
      });
    });
    void Promise.resolve().then(() => order.push('at hand'));
    await done;
    assert.deepEqual(order, ['at hand', 'soon']);
  });

  it('tells the wall clock', () => {
    const before = Date.now();
    const told = createSystemClock().nowMs();
    assert.ok(told >= before && told <= Date.now());
  });
});
