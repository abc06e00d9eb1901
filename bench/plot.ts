// Plots as SVG text: lines over a logarithmic axis, and bars side by side. Pure.

/** A line of a plot. */
export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

const width = 720;
const height = 360;
const left = 70;
const right = 30;
const top = 40;
const bottom = 90;
const colours = ['#1b6ca8', '#c8553d', '#3c7d3c', '#8a5ba6', '#b8860b'];

/** Lines over x on a logarithmic axis; y from 0 on. */
export function renderLines(title: string, xName: string, yName: string, series: readonly Series[]): string {
  const xs = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  const yMax = roundUp(Math.max(...series.flatMap(({ points }) => points.map(({ y }) => y))));
  const first = Math.log(xs[0] ?? 1);
  const span = Math.log(xs.at(-1) ?? 1) - first || 1;
  const place = (x: number, y: number) =>
    [left + ((Math.log(x) - first) / span) * (width - left - right), yOf(y, yMax)]
      .map((at) => at.toFixed(1))
      .join(',');
  const lines = series.map(({ points }, index) => {
    const colour = colours[index % colours.length];
    const dots = points.map(
      ({ x, y }) => `<circle cx="${place(x, y).replace(',', '" cy="')}" r="3" fill="${colour}"/>`,
    );
    const path = points.map(({ x, y }) => place(x, y)).join(' ');
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}`;
  });
  const ticks = xs.map((x) => {
    const at = place(x, 0).split(',')[0] ?? '0';
    return text(Number(at), height - bottom + 18, x.toLocaleString('en'), 'middle');
  });
  const body = [
    ...axis(yMax, yName),
    ...ticks,
    text(width / 2, height - bottom + 38, xName, 'middle'),
    ...lines,
  ];
  return frame(title, [...body, ...legend(series.map(({ name }) => name))]);
}

/** Groups of bars: one group a name of `groups`, in it one bar a series. */
export function renderBars(
  title: string,
  yName: string,
  groups: readonly string[],
  series: readonly { readonly name: string; readonly values: readonly number[] }[],
): string {
  const yMax = roundUp(Math.max(...series.flatMap(({ values }) => values)));
  const groupWidth = (width - left - right) / groups.length;
  const barWidth = (groupWidth * 0.8) / series.length;
  const bars = series.flatMap(({ values }, index) =>
    values.map((value, group) => {
      const x = left + group * groupWidth + groupWidth * 0.1 + index * barWidth;
      const y = yOf(value, yMax);
      const size = `width="${(barWidth - 2).toFixed(1)}" height="${(height - bottom - y).toFixed(1)}"`;
      return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${size} fill="${colours[index % colours.length]}"/>`;
    }),
  );
  // A name with a comma in it takes two lines, so that neighbours do not meet.
  const names = groups.flatMap((group, index) =>
    group
      .split(', ')
      .map((line, row) =>
        text(left + (index + 0.5) * groupWidth, height - bottom + 18 + row * 15, line, 'middle'),
      ),
  );
  return frame(title, [...axis(yMax, yName), ...bars, ...names, ...legend(series.map(({ name }) => name))]);
}

function frame(title: string, body: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<title>${escapeText(title)}</title>
<rect width="${width}" height="${height}" fill="#ffffff"/>
<text x="${left}" y="22" font-size="15">${escapeText(title)}</text>
${body.join('\n')}
</svg>
`;
}

function axis(yMax: number, yName: string): string[] {
  const lines = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const y = yOf(yMax * share, yMax).toFixed(1);
    const line = `<line x1="${left}" x2="${width - right}" y1="${y}" y2="${y}" stroke="#dddddd"/>`;
    return line + text(left - 8, Number(y) + 4, (yMax * share).toLocaleString('en'), 'end');
  });
  return [
    ...lines,
    `<text transform="translate(14 ${(height - bottom + top) / 2}) rotate(-90)" text-anchor="middle">${escapeText(yName)}</text>`,
  ];
}

function legend(names: readonly string[]): string[] {
  const step = (width - left - right) / names.length;
  return names.map((name, index) => {
    const x = left + index * step;
    const mark = `<rect x="${x.toFixed(1)}" y="${height - 32}" width="10" height="10" fill="${colours[index % colours.length]}"/>`;
    return mark + text(x + 15, height - 23, name, 'start');
  });
}

function yOf(value: number, yMax: number): number {
  return height - bottom - (value / yMax) * (height - bottom - top);
}

/** The next of 1, 2, 4, 6, 8 and 10 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 6, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}

function text(x: number, y: number, what: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escapeText(what)}</text>`;
}

function escapeText(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
