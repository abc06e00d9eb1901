// Metrics as plain data: a name, what it means, and the numbers it has now. Knows neither a text format nor a library.
import type { Histogram } from './histogram.ts';

export type Labels = Readonly<Record<string, string>>;

/** One number. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** What stands behind the family's name; '' but in histograms. */
  readonly suffix: '' | '_bucket' | '_sum' | '_count';
}

/** One metric with all of its labels. Names and units are as Prometheus wants them (prometheus.io/docs/practices/naming). */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Asked at each scrape. */
  readonly samples: () => readonly Sample[];
}

/** A number that goes up and down; null: it is not known now, and left out. */
export function gauge(name: string, help: string, read: () => number | null): Family {
  return { name, help, type: 'gauge', samples: () => whereKnown(read()) };
}

/** A number that only goes up; null: it is not known now, and left out. */
export function counter(name: string, help: string, read: () => number | null): Family {
  return { name, help, type: 'counter', samples: () => whereKnown(read()) };
}

/** Counters told apart by labels. */
export function counters(
  name: string,
  help: string,
  read: () => Iterable<readonly [Labels, number]>,
): Family {
  return {
    name,
    help,
    type: 'counter',
    samples: () => [...read()].map(([labels, value]) => plain(labels, value)),
  };
}

/** Histograms told apart by labels. */
export function histograms(
  name: string,
  help: string,
  read: () => Iterable<readonly [Labels, Histogram]>,
): Family {
  const samples = () =>
    [...read()].flatMap(([labels, histogram]) => [...histogramSamples(labels, histogram)]);
  return { name, help, type: 'histogram', samples };
}

function plain(labels: Labels, value: number): Sample {
  return { labels, value, suffix: '' };
}

function whereKnown(value: number | null): readonly Sample[] {
  return value === null ? [] : [plain({}, value)];
}

function* histogramSamples(labels: Labels, { bounds, counts, sum }: Histogram): Iterable<Sample> {
  let count = 0;
  for (const [at, more] of counts.entries()) {
    count += more;
    const le = at < bounds.length ? String(bounds[at]) : '+Inf';
    yield { labels: { ...labels, le }, value: count, suffix: '_bucket' };
  }
  yield { labels, value: sum, suffix: '_sum' };
  yield { labels, value: count, suffix: '_count' };
}
