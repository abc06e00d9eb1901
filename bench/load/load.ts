// What puts load on a server, in slices: wrk where it is installed, autocannon otherwise. Pinned to the core that no server has.
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { startAutocannon } from './autocannon.ts';
import type { Load, LoadPlan } from './plan.ts';
import { startWrk } from './wrk.ts';

/** The program that makes the load. */
export const loader: 'wrk' | 'autocannon' =
  spawnSync('wrk', ['-v']).error === undefined ? 'wrk' : 'autocannon';

/** Milliseconds that a slice should have at least: autocannon starts anew each time. */
export const sliceMinMs = loader === 'wrk' ? 100 : 1_000;

/** Starts a load in its waiting state. */
export function startLoad(plan: LoadPlan): Promise<Load> {
  return loader === 'wrk' ? startWrk(plan) : startAutocannon(plan);
}

/** Requests a second over a slice of this length. */
export async function rateOf(load: Load, sliceMs: number): Promise<number> {
  const began = performance.now();
  const made = await load.slice(sliceMs);
  const tookMs = performance.now() - began;
  // What was under way at the end is done before anything else begins.
  await setTimeout(300);
  return made / (tookMs / 1_000);
}
