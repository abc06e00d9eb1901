// Many clients that ask in the moment when the last look at the device has grown old: one look must do for all of them.
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { apiKey } from './in-process-api.ts';
import { median, quantile } from './result.ts';
import { makeScratch, removeScratch } from './scratch.ts';
import { createSite, whyNoSite } from './site.ts';

const clients = 64;

/** What `load/stampede.ts` prints. */
interface Times {
  readonly crowdsMs: readonly (readonly number[])[];
  readonly aloneMs: readonly number[];
}

export const stampedeBench: Bench = {
  name: 'stampede',
  what: `${clients} clients that ask for /stats when the last look at the device grows old`,
  unable: whyNoSite,
  async run({ rounds, progress }) {
    const folder = makeScratch('wg');
    const counted = countingWg(folder);
    const site = await createSite({ peers: 250, anyCore: true, environment: { PATH: counted.path } });
    try {
      const node = await site.start();
      const most = Math.min(rounds, 15);
      progress(`${most} rounds of 2 s, and 17 s more`);
      const before = counted.looks();
      const times = await site.measure<Times>(
        'stampede',
        String(node.port),
        String(clients),
        String(most),
        apiKey,
      );
      const looks = counted.looks() - before;
      const lookMs = median(await timeLooks(site.namespace, counted.path));
      const slowest = quantile(times.crowdsMs.flat(), 0.99);
      const base = { bench: 'stampede', unit: 'ms' };
      return [
        {
          ...base,
          what: `GET /stats, p99 of ${clients} at once`,
          value: median(times.crowdsMs.map((crowd) => quantile(crowd, 0.99))),
          against: { value: lookMs, what: 'one wg show dump after a rest' },
          bar: { most: 3 },
          note: `median of ${most} crowds; p99 of all their answers ${slowest.toFixed(1)} ms`,
        },
        {
          ...base,
          what: 'GET /stats, one asker, p50',
          value: median(times.aloneMs),
          against: null,
          bar: null,
        },
        {
          bench: 'stampede',
          what: 'looks at the device each time',
          // One for the crowd and one for the single asker in each round, of which the first is not timed.
          value: looks / (2 * (most + 1)),
          unit: 'looks',
          against: null,
          bar: { most: 1 },
        },
      ];
    } finally {
      await site.close();
      removeScratch(folder);
    }
  },
};

/** A folder for PATH in which `wg` notes each `show` before it becomes the real one. */
function countingWg(folder: string): { readonly path: string; looks(): number } {
  const log = join(folder, 'looks');
  const program = join(folder, 'wg');
  const path = process.env['PATH'] ?? '/usr/bin:/bin';
  writeFileSync(program, `#!/bin/sh\n[ "$1" = show ] && echo >>${log}\nPATH=${path}\nexec wg "$@"\n`);
  chmodSync(program, 0o755);
  return {
    path: `${folder}:${path}`,
    looks: () => (existsSync(log) ? readFileSync(log, 'utf8').length : 0),
  };
}

/**
 * Milliseconds of single looks by the same `wg`, timed by the shell that makes them; each after a rest, as the node's are:
 * back to back they take half as long.
 */
async function timeLooks(
  namespace: { run(...command: readonly string[]): Promise<string> },
  path: string,
): Promise<readonly number[]> {
  const script = `PATH=${path}
for look in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
  sleep 1.1
  began=$(date +%s%N)
  wg show wg0 dump >/dev/null
  echo $(($(date +%s%N) - began))
done`;
  const lines = (await namespace.run('sh', '-c', script)).trim().split('\n');
  return lines.map((line) => Number(line) / 1e6);
}
