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
  const stats = await measure(repeat(run, await isAsync(run), slower), {
    min_cpu_time: cpuMs * 1e6,
    inner_gc: false,
  });
  return { minNs: stats.min / callsPerSample, medianNs: stats.p50 / callsPerSample };
}

/** So many that a share of 5 % more of them is a whole number. */
const callsPerSample = 20;

function repeat(run: () => unknown, waits: boolean, slower: number): () => unknown {
  const calls = Math.round(callsPerSample * (1 + slower));
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

async function isAsync(run: () => unknown): Promise<boolean> {
  const answer = run();
  await answer;
  return answer instanceof Promise;
}
