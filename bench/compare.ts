// `npm run bench:compare -- REF`: measures the pure functions of REF and of HEAD by turns, in fresh processes, prints a
// Markdown table, and exits with 1 when a call became slower beyond chance, twice.
import { writeFileSync } from 'node:fs';
import { type Plant, prove } from './proof.ts';
import { measureByTurns, type Times } from './turns.ts';
import {
  guiltyChanceMax,
  judge,
  type Measured,
  type Paired,
  suspectChanceMax,
  threshold,
} from './verdict.ts';
import { createWorktree, isCommit } from './worktree.ts';

const usage = `Usage: npm run bench:compare -- REF [--rounds N] [--ms N] [--markdown FILE]
       npm run bench:compare -- --prove [--runs N]

Compares HEAD with REF; what is not committed is not compared. --rounds: processes of each version (default and least 7).
--ms: CPU time of a case in each process (default 60). --prove: shows that a planted regression of 15 % is found, and
that nothing is found where nothing changed, ten times each. Ends with 1 when a call became slower, and with 2 when it
can't compare.`;

interface Wanted {
  readonly ref: string;
  readonly rounds: number;
  readonly ms: number;
  readonly markdown: string | null;
  readonly runs: number;
}

const words = process.argv.slice(2);
if (words.includes('--help') || words.includes('-h')) {
  process.stdout.write(`${usage}\n`);
  process.exit(0);
}
const wanted = parseArguments(words);
if (wanted === null) {
  process.stderr.write(`bench:compare: not understood: ${words.join(' ')}\n\n${usage}\n`);
  process.exit(2);
}
process.exitCode = wanted.ref === '' ? await showProof(wanted) : await compare(wanted);

async function compare({ ref, rounds, ms, markdown }: Wanted): Promise<number> {
  if (!isCommit(ref)) {
    process.stderr.write(`bench:compare: git knows no commit ${JSON.stringify(ref)} here\n`);
    return 2;
  }
  const base = createWorktree(ref);
  const change = createWorktree('HEAD');
  try {
    if (base.micro === null || change.micro === null) {
      publish(`${ref} has no benchmarks to compare with.`, markdown);
      return 0;
    }
    const { times, slower } = await findRegressions({ base: base.micro, change: change.micro, rounds, ms });
    publish(renderComparison(times, slower, ref, rounds), markdown);
    return slower.length > 0 ? 1 : 0;
  } finally {
    base.remove();
    change.remove();
  }
}

interface Comparison {
  readonly base: string;
  readonly change: string;
  readonly rounds: number;
  readonly ms: number;
  /** Cases; none: all. */
  readonly names?: readonly string[];
  readonly plant?: Plant;
}

/** Times of a first run over all cases, and the cases that were found slower in it and again in a second one. */
async function findRegressions(comparison: Comparison): Promise<{ times: Times; slower: readonly string[] }> {
  const times = await measureByTurns(comparison);
  const suspects = slowerOnes(times, suspectChanceMax);
  if (suspects.length === 0) return { times, slower: [] };
  process.stderr.write(`once more: ${suspects.join(', ')}\n`);
  const again = await measureByTurns({ ...comparison, names: suspects, rounds: comparison.rounds * 2 });
  return { times, slower: slowerOnes(again, guiltyChanceMax) };
}

async function showProof({ rounds, ms, runs }: Wanted): Promise<number> {
  const here = createWorktree('HEAD');
  try {
    const micro = here.micro;
    if (micro === null) return 1;
    return await prove(runs, async (names, plant) => {
      const comparison = { base: micro, change: micro, rounds, ms, names, ...(plant !== null && { plant }) };
      return (await findRegressions(comparison)).slower;
    });
  } finally {
    here.remove();
  }
}

function slowerOnes(times: Times, chanceMax: number): readonly string[] {
  return [...times].filter(([, paired]) => judge(paired, chanceMax).slower).map(([name]) => name);
}

function renderComparison(times: Times, slower: readonly string[], ref: string, rounds: number): string {
  const lines = [...times].map(([name, paired]) => renderLine(name, paired, slower.includes(name)));
  const outcome =
    slower.length === 0
      ? 'No call became slower.'
      : `**Slower, in two runs: ${slower.map((name) => `\`${name}\``).join(', ')}.**`;
  return `### Benchmarks against \`${ref}\`

${outcome}

| call | base, µs | change, µs | ratio | chance | |
| --- | ---: | ---: | ---: | ---: | --- |
${lines.join('\n')}

Least time of ${rounds} alternating fresh processes each; chance by rank test. Counted as slower: beyond ${threshold * 100} %, unlikely to be
chance, and found again in a second run of twice as many.`;
}

function renderLine(name: string, paired: Paired, isSlower: boolean): string {
  const { ratio, chance, slower, faster } = judge(paired, suspectChanceMax);
  const us = (values: readonly Measured[]) =>
    (Math.min(...values.map(({ minNs }) => minNs)) / 1_000).toPrecision(3);
  const word = isSlower ? '**slower**' : slower ? 'not found again' : faster ? 'faster' : '';
  return `| ${name} | ${us(paired.base)} | ${us(paired.change)} | ${ratio.toFixed(2)} | ${chance.toFixed(3)} | ${word} |`;
}

function publish(text: string, markdown: string | null): void {
  process.stdout.write(`${text}\n`);
  if (markdown !== null) writeFileSync(markdown, `${text}\n`);
}

/** Null: not understood. */
function parseArguments(words: readonly string[]): Wanted | null {
  const wanted = { ref: '', rounds: 7, ms: 60, markdown: null as string | null, runs: 10 };
  let proves = false;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (word === '--prove') proves = true;
    else if (word === '--rounds') wanted.rounds = Number(words[++index]);
    else if (word === '--ms') wanted.ms = Number(words[++index]);
    else if (word === '--runs') wanted.runs = Number(words[++index]);
    else if (word === '--markdown') wanted.markdown = words[++index] ?? null;
    else if (word.startsWith('-') || wanted.ref !== '') return null;
    else wanted.ref = word;
  }
  const numbersFit = wanted.rounds >= 7 && wanted.ms > 0 && wanted.runs > 0;
  return numbersFit && proves === (wanted.ref === '') ? wanted : null;
}
