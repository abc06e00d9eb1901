// Loads many servers by turns, in short slices in shuffled order, and tells what a request cost each of them. On a shared
// machine whole seconds drift by a sixth; neighbouring slices do not.
import { createSeeded } from '../test/fakes/seeded.ts';
import type { Load } from './load/load.ts';
import { cpuNs } from './processes.ts';
import { median } from './result.ts';

/** A load and the server that it is put on. */
export interface Contender {
  readonly name: string;
  readonly pid: number;
  readonly load: Load;
}

/** CPU microseconds a request, which is CPU seconds per million: one number a round. */
export type Costs = ReadonlyMap<string, readonly number[]>;

/** Runs so many rounds in which each contender has one slice, after one that is not counted. */
export async function interleave(
  contenders: readonly Contender[],
  rounds: number,
  sliceMs: number,
  progress: (round: number) => void,
): Promise<Costs> {
  const seeded = createSeeded(rounds);
  const costs = new Map<string, number[]>(contenders.map((one) => [one.name, []]));
  for (let round = 0; round <= rounds; round++) {
    progress(round);
    for (const one of shuffle(contenders, seeded.below)) {
      const before = cpuNs(one.pid);
      const requests = await one.load.slice(sliceMs);
      const us = (cpuNs(one.pid) - before) / requests / 1_000;
      if (round > 0) costs.get(one.name)?.push(us);
    }
  }
  return costs;
}

/** The median, of rounds, of what one costs. */
export function costOf(costs: Costs, name: string): number {
  return median(costs.get(name) ?? []);
}

function shuffle<Item>(items: readonly Item[], below: (end: number) => number): Item[] {
  const left = [...items];
  const shuffled: Item[] = [];
  while (left.length > 0) shuffled.push(...left.splice(below(left.length), 1));
  return shuffled;
}
