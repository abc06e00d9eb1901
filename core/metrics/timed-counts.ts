// How often things of some kinds were done, with which result, and how long those took that went well.
import { durationBounds, Histogram } from './histogram.ts';

/** Counts by kind and result. */
export class TimedCounts<Kind extends string, Failure extends string> {
  /** Of those that went well, in seconds. */
  readonly durations: ReadonlyMap<Kind, Histogram>;
  readonly #counts = new Map<Kind, Map<'ok' | Failure, number>>();

  /** Every kind starts with no success, rather than with nothing: a rate needs a number to start from. */
  constructor(kinds: readonly Kind[]) {
    this.durations = new Map(kinds.map((kind) => [kind, new Histogram(durationBounds)]));
    for (const kind of kinds) this.#counts.set(kind, new Map([['ok', 0]]));
  }

  /** Takes note of one, or of several that were done together. */
  note(kind: Kind, result: 'ok' | Failure, tookMs: number, times = 1): void {
    const counts = this.#counts.get(kind);
    counts?.set(result, (counts.get(result) ?? 0) + times);
    if (result === 'ok') this.durations.get(kind)?.observe(tookMs / 1_000, times);
  }

  /** All that happened at least once, and all kinds. */
  *counts(): Iterable<readonly [kind: Kind, result: 'ok' | Failure, count: number]> {
    for (const [kind, counts] of this.#counts) {
      for (const [result, count] of counts) yield [kind, result, count];
    }
  }
}
