// The published benchmarks: docs/benchmarks.md and its plots, made of the numbers of one run and of nothing else.
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { renderBars, renderLines, type Series } from './plot.ts';
import { formatBar, formatNumber, judged, passes, type Results, type Row } from './result.ts';

/** Name of each file in docs/ and its text. */
export function renderDocument(results: Results): Readonly<Record<string, string>> {
  const plots = renderPlots(results.rows);
  return { 'benchmarks.md': renderText(results, Object.keys(plots)), ...plots };
}

export function writeDocument(results: Results): void {
  for (const [name, text] of Object.entries(renderDocument(results))) writeFileSync(`docs/${name}`, text);
}

function renderText({ machine, rounds, rows, left }: Results, plots: readonly string[]): string {
  const names = [...new Set(rows.map((row) => row.bench))].filter((name) => name !== 'curves');
  const sections = names.map((name) =>
    renderSection(
      name,
      rows.filter((row) => row.bench === name),
    ),
  );
  const judgedRows = rows.filter((row) => passes(row) !== null);
  const held = judgedRows.filter((row) => passes(row) === true).length;
  return `# Benchmarks

Made by \`npm run bench -- --publish\`: every figure in its tables and plots comes from \`benchmarks.json\` beside it. How to run and read
the benchmarks is in \`bench/README.md\`, beside the sources.

${held} of ${judgedRows.length} bars are held, ${judgedRows.length - held} are missed.${left.length > 0 ? ` Not measured: ${left.join('; ')}.` : ''}

## Method

- Cost is CPU time: seconds per million requests of the server's process and all its children, from the scheduler's counters.
  Requests a second depend on the client and on whoever else uses the machine; CPU time does so far less.
- The server has one core, the load the other. Every server has a load of its own, which is woken for slices of a tenth of a
  second in shuffled order, so that a drift of the machine meets all of them. The cost of a read is the median of ${rounds} rounds;
  at 65,000 peers, where looks at the device count, it is the whole of all rounds, and what it is held against is measured
  among them. What takes a second or more each time, rates of creates and starts, is the median of up to 5.
- A bare route is a uWebSockets.js route that answers the bytes of the node's answer, headers included, as a constant: no
  node can be cheaper. The other servers make the checks that the node makes (key, allowlist, request id, path, page) and
  answer bodies that were rendered beforehand.
- Devices are userspace WireGuard in network namespaces. "Device alone" is \`wg addconf\` of 64 new peers, back to back, on a
  second interface in the same run. The node is warm by then: creates of 5 s went before. What a round has made is deleted
  after it, and all rounds are over before the device calls its peers, of whom none answers, anew. At 65,000 peers the
  interface is kept down: one that is up calls each of them every 5 s, which takes all of two cores, and none of it is the
  node's work.
- The plotted rates of creates are of nodes that were just started, half a second each time: a warm one makes more.
- Times of creates, and what starts and memory come to, vary by a fifth from run to run on a machine like this. A figure close
  to its bar may fall on the other side the next time.

## Machine

${machine.processor}, ${machine.cores} cores, ${machine.memoryGb} GB; Linux ${machine.kernel}; Node.js ${machine.node}; load by ${machine.load}; sources ${machine.commit}; ${machine.date}.

${sections.join('\n\n')}

## Plots

${plots.map((name) => `![${name.slice('benchmarks-'.length, -'.svg'.length).replaceAll('-', ' ')}](${name})`).join('\n\n')}

## What this can't say

- What another machine does: ratios carry over, times do not. A flush of this disk is faster than most.
- What kernel WireGuard takes: it is several times faster than the userspace one here.
- What a network adds: everything is loopback.
- Anything about peers that send traffic, and about hours of running: each number is of seconds.
- With two cores, a real device and the load share one: rates of creates are lower bounds.
- How quickly a node starts on a device that is busy: a start waits for one dump, and one of 65,000 peers takes 0.3 s here on
  a device that rests, and 4 s on one that calls them all.
`;
}

function renderSection(name: string, rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const verdict = { true: 'held', false: '**missed**', null: '' }[String(passes(row))] ?? '';
    const against = row.against === null ? '' : `${formatNumber(row.against.value)} (${row.against.what})`;
    const ratio = row.against === null ? '' : formatNumber(judged(row));
    const note = row.note === undefined || row.note === '' ? '' : `; ${row.note}`;
    return `| ${row.what}${note} | ${formatNumber(row.value)} ${row.unit} | ${against} | ${ratio} | ${formatBar(row.bar)} | ${verdict} |`;
  });
  return `## ${titles[name] ?? name}

| what | cost | against | ratio | bar | |
| --- | ---: | ---: | ---: | ---: | --- |
${lines.join('\n')}`;
}

const titles: Readonly<Record<string, string>> = {
  reads: 'Reads',
  store: 'Creates without a device',
  creates: 'Creates on a real device',
  one: 'One create',
  stampede: 'Many clients when the last look grows old',
  large: '65,000 peers',
};

function renderPlots(rows: readonly Row[]): Readonly<Record<string, string>> {
  const plots: Record<string, string> = {};
  const seriesOf = (plot: string): Series[] => {
    const points = rows.filter((row) => row.point?.plot === plot);
    const names = [...new Set(points.map((row) => row.point?.series ?? ''))];
    return names.map((name) => ({
      name,
      points: points
        .filter((row) => row.point?.series === name)
        .map((row) => ({ x: row.point?.x ?? 0, y: row.value })),
    }));
  };
  const cost = seriesOf('cost against peers');
  if (cost.length > 0) {
    plots['benchmarks-cost-against-peers.svg'] = renderLines(
      'Cost of a read against peers',
      'peers (logarithmic)',
      'CPU-s per million',
      cost,
    );
  }
  const rate = seriesOf('rate against clients');
  if (rate.length > 0) {
    plots['benchmarks-rate-against-clients.svg'] = renderLines(
      'Rate of durable creates against clients, no device',
      'clients (logarithmic)',
      'creates/s',
      rate,
    );
  }
  const beside = rows.filter((row) => row.point?.plot === 'beside others');
  if (beside.length > 0) {
    const groups = [...new Set(beside.map((row) => row.what.slice(0, row.what.lastIndexOf(','))))];
    const servers = [...new Set(beside.map((row) => row.point?.series ?? ''))];
    const values = (server: string) =>
      groups.map((group) => beside.find((row) => row.what === `${group}, ${server}`)?.value ?? 0);
    plots['benchmarks-beside-others.svg'] = renderBars(
      'The same reads on other servers',
      'CPU-s per million',
      groups.map((group) => group.replace('GET ', '')),
      servers.map((name) => ({ name, values: values(name) })),
    );
  }
  return plots;
}

/** Run by itself it makes the page anew from the numbers that are there. */
if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) {
  writeDocument(JSON.parse(readFileSync('docs/benchmarks.json', 'utf8')) as Results);
}
