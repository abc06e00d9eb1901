// Time that stands still until a test moves it. Timers run in order, each at its own moment, and never by themselves.
import type { Clock } from '../../core/ports.ts';

export interface FakeClock extends Clock {
  /**
   * Lets time pass on both clocks. Timers that come due run in order of their moments, those of one moment in the order
   * in which they were set, each with the clocks at that moment; what one starts has settled before the next runs.
   */
  advance(ms: number): Promise<void>;
  /** Moves the wall clock alone, forward or, below 0, back. Runs nothing. */
  jumpWall(ms: number): void;
  /** Lets everything run that waits for no timer: microtasks, and what was asked for with `soon`. */
  settle(): Promise<void>;
  /** Timers that are set. */
  readonly timers: number;
}

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

// Work that goes on for so long without a timer never ends: better a failure than a test that hangs.
const turnsMax = 100_000;

/** A clock whose wall shows `startMs`, milliseconds since the Unix epoch. Its monotonic side starts elsewhere, so that the two can't be taken for each other. */
export function createFakeClock(startMs = Date.UTC(2026, 1, 2, 0, 6, 6)): FakeClock {
  let monotonicMs = 1_000;
  let wallAheadMs = startMs - monotonicMs;
  let awaited = 0;
  const timers = new Set<Timer>();

  function nextDue(untilMs: number): Timer | null {
    let next: Timer | null = null;
    for (const timer of timers) {
      if (timer.dueMs <= untilMs && (next === null || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }

  async function settle(): Promise<void> {
    // One turn for the promises at hand, and one for fakes that take a turn themselves.
    let quiet = 0;
    for (let turn = 0; quiet < 2; turn++) {
      if (turn === turnsMax) throw new Error('what the test started never settles');
      await new Promise<void>((resolve) => setImmediate(resolve));
      quiet = awaited === 0 ? quiet + 1 : 0;
    }
  }

  return {
    nowMs: () => monotonicMs + wallAheadMs,
    monotonicMs: () => monotonicMs,
    after(delayMs, callback) {
      const timer = { dueMs: monotonicMs + Math.max(delayMs, 0), callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    soon(callback) {
      awaited++;
      setImmediate(() => {
        awaited--;
        callback();
      });
    },
    async advance(ms) {
      await settle();
      const untilMs = monotonicMs + ms;
      for (let timer = nextDue(untilMs); timer !== null; timer = nextDue(untilMs)) {
        timers.delete(timer);
        monotonicMs = timer.dueMs;
        timer.callback();
        await settle();
      }
      monotonicMs = untilMs;
    },
    jumpWall(ms) {
      wallAheadMs += ms;
    },
    settle,
    get timers() {
      return timers.size;
    },
  };
}
