// Loads many servers by turns, in short slices in shuffled order, and tells what a request cost each of them. On a shared
// machine whole seconds drift by a sixth; neighbouring slices do not.
import { createSeeded } from '../test/fakes/seeded.ts';
import type { Load } from './load/plan.ts';
import { cpuNs } from './processes.ts';
import { median } from './result.ts';

/** A load and the server that it is put on. */
export interface Contender {
  readonly name: string;
  readonly pid: number;
  readonly load: Load;
}

/** What one slice took. */
interface Slice {
  readonly cpuNs: number;
  readonly requests: number;
}

/** By contender, one slice a round. */
export type Costs = ReadonlyMap<string, readonly Slice[]>;

/** Runs so many rounds in which each contender has one slice, after one that is not counted. */
export async function interleave(
  contenders: readonly Contender[],
  rounds: number,
  sliceMs: number,
  progress: (round: number) => void,
): Promise<Costs> {
  const seeded = createSeeded(rounds);
  const costs = new Map<string, Slice[]>(contenders.map((one) => [one.name, []]));
  for (let round = 0; round <= rounds; round++) {
    progress(round);
    for (const one of shuffle(contenders, seeded.below)) {
      const slice = await measureSlice(one, sliceMs);
      if (round > 0) costs.get(one.name)?.push(slice);
    }
  }
  return costs;
}

/** A slice in which somebody else had the machine is made again. */
async function measureSlice(one: Contender, sliceMs: number): Promise<Slice> {
  for (let attempt = 1; ; attempt++) {
    const before = cpuNs(one.pid);
    const requests = await one.load.slice(sliceMs);
    if (requests >= requestsMin) return { cpuNs: cpuNs(one.pid) - before, requests };
    if (attempt === 20)
      throw new Error(`${one.name}: ${requests} requests in ${sliceMs} ms: the machine is too busy`);
  }
}

/** Fewer in a slice tell more of its beginning than of requests. */
const requestsMin = 300;

/** CPU microseconds a request, which is CPU seconds per million requests: the median of the rounds. */
export function costOf(costs: Costs, name: string): number {
  return median((costs.get(name) ?? []).map((slice) => slice.cpuNs / slice.requests / 1_000));
}

/** The same over all rounds together: what happens once in a second falls into few of them, and counts here. */
export function wholeCostOf(costs: Costs, name: string): number {
  const slices = costs.get(name) ?? [];
  const cpuNs = slices.reduce((total, slice) => total + slice.cpuNs, 0);
  return cpuNs / slices.reduce((total, slice) => total + slice.requests, 0) / 1_000;
}

function shuffle<Item>(items: readonly Item[], below: (end: number) => number): Item[] {
  const left = [...items];
  const shuffled: Item[] = [];
  while (left.length > 0) shuffled.push(...left.splice(below(left.length), 1));
  return shuffled;
}
