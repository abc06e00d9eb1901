// `npm run bench [-- NAME…]`: runs the benchmarks, prints a table with ratios against the bars, and writes JSON beside it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { fail, ok, type Result } from '../core/result.ts';
import type { Bench } from './bench.ts';
import { curvesBench } from './curves.bench.ts';
import { writeDocument } from './document.ts';
import { largeBench } from './large.bench.ts';
import { describeMachine } from './machine.ts';
import { readsBench } from './reads.bench.ts';
import { passes, type Results, type Row, renderTable } from './result.ts';
import { stampedeBench } from './stampede.bench.ts';
import { deviceWritesBench, oneCreateBench, storeWritesBench } from './writes.bench.ts';

const benches: readonly Bench[] = [
  readsBench,
  storeWritesBench,
  deviceWritesBench,
  oneCreateBench,
  stampedeBench,
  largeBench,
  curvesBench,
];

const usage = `Usage: npm run bench [-- [--rounds N] [--json FILE | --publish] [NAME…]]

${benches.map((bench) => `  ${bench.name.padEnd(10)} ${bench.what}`).join('\n')}

Without names, all. --rounds: how often each is measured at most (default 21). --json: where the numbers go
(default dist/bench/results.json). --publish: into docs/benchmarks.json, of which docs/benchmarks.md and its plots are made.
Ends with 0 whether bars are held or missed.`;

interface Wanted {
  readonly names: readonly string[];
  readonly rounds: number;
  readonly json: string;
  readonly publishes: boolean;
}

const words = process.argv.slice(2);
if (words.includes('--help') || words.includes('-h')) {
  process.stdout.write(`${usage}\n`);
  process.exit(0);
}
const wanted = parseArguments(words);
if (!wanted.ok) {
  process.stderr.write(`bench: ${wanted.failure}\n\n${usage}\n`);
  process.exit(2);
}
await main(wanted.value);
process.exit(0);

async function main({ names, rounds, json, publishes }: Wanted): Promise<void> {
  const rows: Row[] = [];
  const left: string[] = [];
  for (const bench of benches) {
    if (names.length > 0 && !names.includes(bench.name)) continue;
    const reason = bench.unable?.() ?? null;
    if (reason !== null) {
      left.push(`${bench.name}: left out: ${reason}`);
      continue;
    }
    const progress = createProgress(bench.name);
    const found = await bench.run({ rounds, progress: progress.say });
    progress.end();
    rows.push(...found);
    process.stdout.write(`\n== ${bench.name}: ${bench.what} ==\n${renderTable(found)}\n`);
  }
  for (const line of left) process.stdout.write(`${line}\n`);
  const missed = rows.filter((row) => passes(row) === false).length;
  process.stdout.write(
    `\n${rows.filter((row) => passes(row) === true).length} bars held, ${missed} missed\n`,
  );
  mkdirSync(json.slice(0, json.lastIndexOf('/') + 1) || '.', { recursive: true });
  const results: Results = { machine: describeMachine(), rounds, rows, left };
  writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`);
  process.stdout.write(`written to ${json}\n`);
  if (publishes) writeDocument(results);
}

interface Progress {
  say(text: string): void;
  end(): void;
}

/** Says every ten seconds where a benchmark is, so that nobody takes a long run for a stuck one. */
function createProgress(name: string): Progress {
  const began = performance.now();
  let latest = 'starting';
  const timer = setInterval(() => {
    process.stderr.write(`${name}: ${Math.round((performance.now() - began) / 1_000)} s: ${latest}\n`);
  }, 10_000);
  return {
    say(text) {
      latest = text;
    },
    end: () => clearInterval(timer),
  };
}

/** A failure says which word was not understood. */
function parseArguments(words: readonly string[]): Result<Wanted, string> {
  const names: string[] = [];
  let rounds = 21;
  let json = 'dist/bench/results.json';
  let publishes = false;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (word === '--rounds') rounds = Number(words[++index]);
    else if (word === '--json') json = words[++index] ?? '';
    else if (word === '--publish') {
      publishes = true;
      json = 'docs/benchmarks.json';
    } else if (benches.some((bench) => bench.name === word)) names.push(word);
    else return fail(`no such ${word.startsWith('-') ? 'option' : 'benchmark'}: ${word}`);
  }
  if (!(rounds >= 1)) return fail('--rounds takes a number from 1 on');
  if (json === '') return fail('--json takes the name of a file');
  return ok({ names, rounds, json, publishes });
}
