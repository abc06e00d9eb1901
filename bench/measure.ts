// Measures one call with mitata, in CPU time of the process: on a shared machine the time of day tells mostly of the others.
// The least of many samples is what two versions are compared by: it varies by a few percent where averages vary by a third.
import { measure } from 'mitata';
import type { Case } from './cases/case.ts';

/** What a call costs. */
export interface Timing {
  readonly minNs: number;
  readonly medianNs: number;
  /**
   * How many times a fixed piece of work it takes, measured by turns with it, the least of either. A core that shares its
   * silicon with a busy neighbour is half as fast as alone, for both.
   */
  readonly relative: number;
}

/**
 * Measures a case for `cpuMs` of work, after as much that is not measured. `slower` makes it do a share of more work, 0.15
 * for instance: that is how the comparison is shown to notice.
 */
export async function measureCase(one: Case, cpuMs: number, slower = 0): Promise<Timing> {
  const { run } = await one.create();
  await warmUp(run, cpuMs);
  const { waits, callNs } = await warmUp(run, cpuMs / 2);
  // So many that a share of 5 % more of them is a whole number; a long call is a sample by itself.
  const calls = callNs > longCallNs ? 1 : Math.ceil(sampleNs / callNs / 20) * 20;
  const sample = repeat(run, waits, Math.round(calls * (1 + slower)));
  const stats = await measure(sample, {
    now: cpuNowNs,
    min_cpu_time: cpuMs * 1e6,
    min_samples: 5,
    inner_gc: false,
  });
  const relative = await measureRelative(sample, cpuMs);
  return { minNs: stats.min / calls, medianNs: stats.p50 / calls, relative: relative / calls };
}

async function measureRelative(sample: () => unknown, cpuMs: number): Promise<number> {
  const endNs = cpuNowNs() + cpuMs * 1e6;
  let fixedNs = Number.POSITIVE_INFINITY;
  let sampleNs = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 5 || cpuNowNs() < endNs; turn++) {
    const beganNs = cpuNowNs();
    fixedWork();
    const betweenNs = cpuNowNs();
    await sample();
    fixedNs = Math.min(fixedNs, betweenNs - beganNs);
    sampleNs = Math.min(sampleNs, cpuNowNs() - betweenNs);
  }
  return sampleNs / fixedNs;
}

const fixedWorkTable = new Map(
  Array.from({ length: 1_000 }, (_, index) => [`peer ${index}`, { index, name: `${index}` }]),
);

/** Some of everything that the cases do: look-ups, texts and objects. About as long as a sample. */
function fixedWork(): number {
  let length = 0;
  for (let index = 0; index < 2_000; index++) {
    const entry = fixedWorkTable.get(`peer ${index % 1_000}`);
    length += `{"name":"${entry?.name}","index":${entry?.index}}`.length;
  }
  return length;
}

/** Long beside what asking for the CPU time costs, short beside the system's slices of time. */
const sampleNs = 300_000;
const longCallNs = 1_000_000;

function cpuNowNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1_000;
}

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

/** Makes the call until the compiler is done with it; tells what it takes then, and whether it has to be waited for. */
async function warmUp(
  run: () => unknown,
  cpuMs: number,
): Promise<{ readonly waits: boolean; readonly callNs: number }> {
  const endNs = cpuNowNs() + cpuMs * 1e6;
  let waits = false;
  let callNs = Number.POSITIVE_INFINITY;
  let batch = 1;
  while (cpuNowNs() < endNs) {
    const beganNs = cpuNowNs();
    for (let call = 0; call < batch; call++) {
      const answer = run();
      waits = answer instanceof Promise;
      if (waits) await answer;
    }
    const tookNs = cpuNowNs() - beganNs;
    callNs = Math.min(callNs, tookNs / batch);
    // Asking for the CPU time costs as much as many a call.
    if (tookNs < sampleNs) batch *= 2;
    fixedWork();
  }
  return { waits, callNs: Math.max(callNs, 1) };
}
