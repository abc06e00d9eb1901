// `npm run bench [-- NAME…]`: runs the benchmarks, prints a table with ratios against the bars, and writes JSON beside it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { Bench } from './bench.ts';
import { largeBench } from './large.bench.ts';
import { describeMachine } from './machine.ts';
import { readsBench } from './reads.bench.ts';
import { passes, type Row, renderTable } from './result.ts';
import { stampedeBench } from './stampede.bench.ts';
import { deviceWritesBench, oneCreateBench, storeWritesBench } from './writes.bench.ts';

const benches: readonly Bench[] = [
  readsBench,
  storeWritesBench,
  deviceWritesBench,
  oneCreateBench,
  stampedeBench,
  largeBench,
];

const usage = `Usage: npm run bench [-- [--rounds N] [--json FILE] [NAME…]]

${benches.map((bench) => `  ${bench.name.padEnd(10)} ${bench.what}`).join('\n')}

Without names, all. --rounds: how often each is measured (default 21). --json: where the numbers go
(default dist/bench/results.json).`;

interface Wanted {
  readonly names: readonly string[];
  readonly rounds: number;
  readonly json: string;
}

const wanted = parseArguments(process.argv.slice(2));
if (wanted === null) {
  process.stderr.write(`${usage}\n`);
  process.exit(2);
}
await main(wanted);
process.exit(0);

async function main({ names, rounds, json }: Wanted): Promise<void> {
  const rows: Row[] = [];
  const left: string[] = [];
  for (const bench of benches) {
    if (names.length > 0 && !names.includes(bench.name)) continue;
    const reason = bench.unable?.() ?? null;
    if (reason !== null) {
      left.push(`${bench.name}: left out: ${reason}`);
      continue;
    }
    const found = await bench.run({ rounds, progress: createProgress(bench.name) });
    rows.push(...found);
    process.stdout.write(`\n== ${bench.name}: ${bench.what} ==\n${renderTable(found)}\n`);
  }
  for (const line of left) process.stdout.write(`${line}\n`);
  const missed = rows.filter((row) => passes(row) === false).length;
  process.stdout.write(
    `\n${rows.filter((row) => passes(row) === true).length} bars held, ${missed} missed\n`,
  );
  mkdirSync(json.slice(0, json.lastIndexOf('/') + 1) || '.', { recursive: true });
  writeFileSync(json, `${JSON.stringify({ machine: describeMachine(), rounds, rows, left }, null, 2)}\n`);
}

/** Says something every few seconds at most, so that nobody takes a long run for a stuck one. */
function createProgress(name: string): (text: string) => void {
  const began = performance.now();
  let saidMs = began;
  return (text) => {
    const nowMs = performance.now();
    if (nowMs - saidMs < 5_000) return;
    saidMs = nowMs;
    process.stderr.write(`${name}: ${Math.round((nowMs - began) / 1_000)} s: ${text}\n`);
  };
}

/** Null: not understood, or help is wanted. */
function parseArguments(words: readonly string[]): Wanted | null {
  const names: string[] = [];
  let rounds = 21;
  let json = 'dist/bench/results.json';
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (word === '--rounds') rounds = Number(words[++index]);
    else if (word === '--json') json = words[++index] ?? json;
    else if (benches.some((bench) => bench.name === word)) names.push(word);
    else return null;
  }
  return rounds >= 1 ? { names, rounds, json } : null;
}
