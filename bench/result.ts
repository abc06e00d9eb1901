// What a benchmark found, held against its bar; and how that looks on a terminal. Measures nothing.
import type { Machine } from './machine.ts';

/** One line of the table. */
export interface Row {
  /** The benchmark's name; rows of several belong together by it. */
  readonly bench: string;
  readonly what: string;
  /** In `unit`. */
  readonly value: number;
  readonly unit: string;
  /** What it is held against, in the same unit, and what that is; null: nothing. */
  readonly against: { readonly value: number; readonly what: string } | null;
  /** What the ratio to `against`, or without one the value, may be at most or must be at least; null: no bar. */
  readonly bar: { readonly most: number } | { readonly least: number } | null;
  /** Whatever helps to judge it. */
  readonly note?: string;
  /** Where it stands in a plot. */
  readonly point?: { readonly plot: string; readonly series: string; readonly x: number };
}

/** What is held against the bar: the ratio, or the value where there is nothing to divide by. */
export function judged(row: Row): number {
  return row.against === null ? row.value : row.value / row.against.value;
}

/** Null: there is no bar. */
export function passes(row: Row): boolean | null {
  if (row.bar === null) return null;
  return 'most' in row.bar ? judged(row) <= row.bar.most : judged(row) >= row.bar.least;
}

/** All that a run leaves. */
export interface Results {
  readonly machine: Machine;
  readonly rounds: number;
  readonly rows: readonly Row[];
  /** Benchmarks that could not run, and why. */
  readonly left: readonly string[];
}

/** Rows as text, a line each. */
export function renderTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.what,
    `${formatNumber(row.value)} ${row.unit}`,
    row.against === null ? '' : `${formatNumber(row.against.value)} (${row.against.what})`,
    row.against === null ? '' : `× ${formatNumber(judged(row))}`,
    formatBar(row.bar),
    { true: 'ok', false: 'MISSED', null: '' }[String(passes(row))] ?? '',
    row.note ?? '',
  ]);
  const head = ['what', 'cost', 'against', 'ratio', 'bar', '', 'note'];
  const all = [head, ...cells];
  const widths = head.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  return all
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `≤ 1.35`, `≥ 0.7`, or nothing. */
export function formatBar(bar: Row['bar']): string {
  if (bar === null) return '';
  return 'most' in bar ? `≤ ${bar.most}` : `≥ ${bar.least}`;
}

/** Three digits that count. */
export function formatNumber(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

/** The middle one. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which this share of the values lies; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? below;
  return below + (above - below) * (place - Math.floor(place));
}
