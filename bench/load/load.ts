// What puts load on a server, in slices: wrk where it is installed, autocannon otherwise. Pinned to the core that no server has.
import { spawnSync } from 'node:child_process';
import { startAutocannon } from './autocannon.ts';
import { startWrk } from './wrk.ts';

/** What is asked, over and over. */
export interface LoadPlan {
  readonly port: number;
  /** Connections; each has one request under way at a time. */
  readonly connections: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Request targets, drawn at random; or one. */
  readonly targets: readonly string[];
  /** Instead of GET of the targets: POST of bodies that each make a new peer. */
  readonly creates?: true;
  /** Command line that runs the load elsewhere, in a namespace. */
  readonly prefix?: readonly string[];
}

/** A load that was started and waits. */
export interface Load {
  /** Loads for this long and answers how many requests that were. */
  slice(ms: number): Promise<number>;
  /** Ends it; answers how many answers were no good ones, since the start. */
  stop(): Promise<number>;
}

/** The program that makes the load. */
export const loader: 'wrk' | 'autocannon' =
  spawnSync('wrk', ['-v']).error === undefined ? 'wrk' : 'autocannon';

/** Milliseconds that a slice should have at least: autocannon starts anew each time. */
export const sliceMinMs = loader === 'wrk' ? 100 : 1_000;

/** Starts a load in its waiting state. */
export function startLoad(plan: LoadPlan): Promise<Load> {
  return loader === 'wrk' ? startWrk(plan) : startAutocannon(plan);
}
