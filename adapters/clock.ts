// The only place that asks the time. Everything else gets a Clock.
import type { Clock } from '../core/ports.ts';

/** The longest delay that setTimeout takes; a longer one it turns into 1 ms (Node.js documentation, timers). */
const delayMaxMs = 2 ** 31 - 1;

/** The machine's clock and timers. Delays may be of any length; one below 0 counts as 0. */
export function createSystemClock(): Clock {
  return { nowMs: () => Date.now(), monotonicMs: () => performance.now(), after, soon };
}

/** CLOCK_MONOTONIC (clock_gettime(2)) in microseconds, which other processes of this machine see the same. */
export function kernelMonotonicUs(): bigint {
  return process.hrtime.bigint() / 1_000n;
}

function after(delayMs: number, callback: () => void): () => void {
  const dueMs = performance.now() + delayMs;
  let timer = arm();
  function arm(): NodeJS.Timeout {
    const restMs = Math.ceil(dueMs - performance.now());
    return setTimeout(fire, Math.min(Math.max(restMs, 0), delayMaxMs)).unref();
  }
  // A timer may fire a fraction of a millisecond early, and the ones for long delays fire on the way.
  function fire(): void {
    if (performance.now() < dueMs) timer = arm();
    else callback();
  }
  return () => clearTimeout(timer);
}

function soon(callback: () => void): void {
  setImmediate(callback);
}
