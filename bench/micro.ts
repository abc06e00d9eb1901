// Measures the micro-benchmarks of this version in this process and prints them as JSON: what the comparison runs, in
// either version. Arguments: milliseconds a case, then names of cases, else all.
import { cases } from './cases/all.ts';
import { measureCase, type Timing } from './measure.ts';

const [cpuMs = '100', ...names] = process.argv.slice(2);
const slower = process.env['BENCH_SLOWER'] === undefined ? null : parseSlower(process.env['BENCH_SLOWER']);
const timings: Record<string, Timing> = {};
for (const one of cases) {
  if (names.length > 0 && !names.includes(one.name)) continue;
  timings[one.name] = await measureCase(one, Number(cpuMs), slower?.name === one.name ? slower.share : 0);
}
process.stdout.write(`${JSON.stringify(timings)}\n`);

/** `SHARE:NAME`, such as `0.15:pool/take one of a fresh /24`. */
function parseSlower(text: string): { readonly name: string; readonly share: number } {
  const colon = text.indexOf(':');
  return { share: Number(text.slice(0, colon)), name: text.slice(colon + 1) };
}
