// How late the event loop gets to what is due, measured all the time by Node.js itself. Asks for no time of day.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { loopDelayResolutionMs } from '../../core/limits.ts';

/** Delays beyond what was due, in seconds. */
export interface LoopDelay {
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Starts to measure. The answer tells of the time since it was last asked; null: that was just now. */
export function watchLoopDelay(): () => LoopDelay | null {
  const measured = monitorEventLoopDelay({ resolution: loopDelayResolutionMs });
  measured.enable();
  // What is measured is the distance between two looks, in nanoseconds.
  const late = (ns: number) => Math.max(0, ns / 1e9 - loopDelayResolutionMs / 1_000);
  return () => {
    if (measured.count === 0) return null;
    const delay = {
      mean: late(measured.mean),
      p50: late(measured.percentile(50)),
      p99: late(measured.percentile(99)),
      max: late(measured.max),
    };
    measured.reset();
    return delay;
  };
}
