// What is wrong with a configuration, said to the person who wrote it. Holds no rule of its own and never a secret.

/** One thing that is wrong. All parts are text for a person; none of them holds a secret. */
export interface ConfigProblem {
  /** Keys and list positions from the top of the file down, so that a reader of the file can name the line. */
  readonly path: readonly (string | number)[];
  /** `got "10.0.0.0/31"`; of a file that a key names, what keeps it from being read: `there is no such file`. */
  readonly found: string;
  readonly want: string;
}

/** `wireguard.subnet: got "10.0.0.0/31", want an IPv4 network with a prefix of at most 30`. */
export function formatConfigProblem(problem: ConfigProblem): string {
  return `${formatKeyPath(problem.path)}: ${problem.found}, want ${problem.want}`;
}

/** `server.allowed_ips[2]`; a key that is no plain word stands in quotes, shortened; the top is `(top level)`. */
export function formatKeyPath(path: readonly (string | number)[]): string {
  if (path.length === 0) return '(top level)';
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += (text === '' ? '' : '.') + (plainKey.test(part) ? part : JSON.stringify(part.slice(0, 64)));
  }
  return text;
}

const plainKey = /^[A-Za-z0-9_-]{1,64}$/;

/** The value as its owner would recognise it; one that is long or not printable only by kind and length. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string' && shownText.test(value)) return `"${value}"`;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return describeKind(value);
}

// Long or many-lined values are usually pasted keys and certificates, which belong in no terminal or log.
const shownText = /^[\x20-\x7e]{0,64}$/;

/** The value by kind and length alone: all that is said of a secret. */
export function describeKind(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'string') return `a text of ${value.length} characters`;
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a mapping' : `a ${typeof value}`;
}

/**
 * The known key that a mistyped one most likely means, or null when none is near. Both are dotted. Case, `-` and `_`
 * count for nothing; a known key that ends alike wins wherever it stands, since keys are often put in the wrong section.
 */
export function nearestKey(unknown: string, known: readonly string[]): string | null {
  const wanted = lastPart(unknown);
  const twin = known.find((key) => lastPart(key) === wanted);
  if (twin !== undefined) return twin;
  let best: string | null = null;
  let bestDistance = 3;
  for (const key of known) {
    const distance = editDistance(wanted, lastPart(key));
    if (distance < bestDistance && distance < wanted.length) [best, bestDistance] = [key, distance];
  }
  return best;
}

function lastPart(key: string): string {
  const part = key.slice(key.lastIndexOf('.') + 1, key.lastIndexOf('.') + 65);
  return part.toLowerCase().replaceAll(/[-_]/g, '');
}

/** How many insertions, deletions and replacements turn one text into the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
