// Runs the micro-benchmarks of two versions by turns, each time in a fresh process on one core.
import { once } from 'node:events';
import type { Timing } from './measure.ts';
import { loadCore, startOn } from './processes.ts';
import type { Plant } from './proof.ts';
import type { Measured, Paired } from './verdict.ts';

/** What each process found, by case; of cases that both versions have. */
export type Times = ReadonlyMap<string, Paired>;

export async function measureByTurns(options: {
  /** Compiled `micro.ts` of each version. */
  readonly base: string;
  readonly change: string;
  readonly rounds: number;
  /** CPU time of a case in each process. */
  readonly ms: number;
  readonly names?: readonly string[];
  readonly plant?: Plant;
}): Promise<Times> {
  const { rounds, ms, names = [], plant } = options;
  const times = new Map<string, { base: Measured[]; change: Measured[] }>();
  for (let round = 1; round <= rounds; round++) {
    process.stderr.write(`round ${round} of ${rounds}\n`);
    // Whoever comes second may find a warmer or a more throttled core.
    const order = round % 2 === 0 ? (['base', 'change'] as const) : (['change', 'base'] as const);
    for (const version of order) {
      const slower = version === 'change' && plant !== undefined ? `${plant.share}:${plant.name}` : null;
      const timings = await runMicro(options[version], ms, names, slower);
      for (const [name, timing] of Object.entries(timings)) {
        const paired = times.get(name) ?? { base: [], change: [] };
        paired[version].push(timing);
        times.set(name, paired);
      }
    }
  }
  return new Map([...times].filter(([, { base, change }]) => base.length > 0 && change.length > 0));
}

// The compiler and the collector work in the thread that is measured, so that how far they are does not depend on who else
// wants the core.
const settled = ['--no-concurrent-recompilation', '--single-threaded-gc'];

async function runMicro(
  program: string,
  ms: number,
  names: readonly string[],
  slower: string | null,
): Promise<Readonly<Record<string, Timing>>> {
  const child = startOn(loadCore, [process.execPath, ...settled, program, String(ms), ...names], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...(slower !== null && { BENCH_SLOWER: slower }) },
  });
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    said += piece;
  });
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`${program} ended with ${status}`);
  return JSON.parse(said) as Record<string, Timing>;
}
