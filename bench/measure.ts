// Measures one call with mitata. The least of many samples is what two versions are compared by: on a shared machine it
// varies by a few percent where averages vary by a third.
import { measure } from 'mitata';
import type { Case } from './cases/case.ts';

/** What a call costs, nanoseconds. */
export interface Timing {
  readonly minNs: number;
  readonly medianNs: number;
}

/**
 * Measures a case for `cpuMs` of work. `slower` makes it do a share of more work, 0.15 for instance: that is how the
 * comparison is shown to notice.
 */
export async function measureCase(one: Case, cpuMs: number, slower = 0): Promise<Timing> {
  const { run } = await one.create();
  const { waits, tookMs } = await tryOnce(run);
  const calls = tookMs > longCallMs ? 1 : callsPerSample;
  const stats = await measure(repeat(run, waits, Math.round(calls * (1 + slower))), {
    min_cpu_time: cpuMs * 1e6,
    min_samples: 5,
    inner_gc: false,
  });
  return { minNs: stats.min / calls, medianNs: stats.p50 / calls };
}

/** So many that a share of 5 % more of them is a whole number. */
const callsPerSample = 20;

/** A longer call is a sample by itself. */
const longCallMs = 1;

function repeat(run: () => unknown, waits: boolean, calls: number): () => unknown {
  if (!waits) {
    return () => {
      let answer: unknown;
      for (let call = 0; call < calls; call++) answer = run();
      return answer;
    };
  }
  return async () => {
    let answer: unknown;
    for (let call = 0; call < calls; call++) answer = await run();
    return answer;
  };
}

/** What a call takes once it has been made a few times, and whether it has to be waited for. */
async function tryOnce(run: () => unknown): Promise<{ readonly waits: boolean; readonly tookMs: number }> {
  let tookMs = Number.POSITIVE_INFINITY;
  let waits = false;
  for (let call = 0; call < 3; call++) {
    const began = performance.now();
    const answer = run();
    waits = answer instanceof Promise;
    await answer;
    tookMs = Math.min(tookMs, performance.now() - began);
  }
  return { waits, tookMs };
}
