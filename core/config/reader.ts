// Walks a decoded configuration key by key and gathers everything that is wrong with it. Knows no rule between keys.
import { type ConfigKey, type ConfigValue, configFields, parseField, secretKeys } from './fields.ts';
import { type ConfigProblem, describeKind, describeValue, formatKeyPath, nearestKey } from './problem.ts';

/** Reads one document. Each method notes what it finds wrong; none throws. */
export interface ConfigReader {
  /** The key's value, checked; undefined when it is absent, or wrong, which is noted. Read each key once. */
  read<Key extends ConfigKey>(key: Key): ConfigValue<Key> | undefined;
  /** As `read`, and notes a key that is absent. */
  readRequired<Key extends ConfigKey>(key: Key, want: string): ConfigValue<Key> | undefined;
  /** Whether the key is there, right or wrong. */
  given(key: ConfigKey): boolean;
  /** Notes the key of two that is absent while the other is there. */
  bothOrNeither(one: ConfigKey, other: ConfigKey): void;
  note(key: ConfigKey, got: string, want: string): void;
  /** Notes what keeps the file that a key names from being read. */
  noteFile(key: ConfigKey, reason: string, want: string): void;
  /** Notes a value that is right by itself and wrong beside others. */
  noteValue(key: ConfigKey, want: string): void;
  /** Everything noted so far, unknown keys first. */
  problems(): readonly ConfigProblem[];
}

/** Starts with noting every unknown key. A document that is not a mapping is read as an empty one, and noted. */
export function createConfigReader(document: unknown): ConfigReader {
  const problems: ConfigProblem[] = [];
  noteUnknownKeys(document ?? {}, [], problems);
  const reader: ConfigReader = {
    read(key) {
      const value = lookUp(document, key);
      if (value === undefined) return undefined;
      const field = parseField(key, value);
      if (field.ok) return field.value;
      for (const { at, got, want } of field.failure) {
        problems.push({ path: [...key.split('.'), ...at], found: `got ${describe(key, got)}`, want });
      }
      return undefined;
    },
    readRequired(key, want) {
      if (!reader.given(key)) reader.note(key, 'nothing', want);
      return reader.read(key);
    },
    given: (key) => lookUp(document, key) !== undefined,
    bothOrNeither(one, other) {
      if (reader.given(one) === reader.given(other)) return;
      const [here, absent] = reader.given(one) ? [one, other] : [other, one];
      reader.note(absent, 'nothing', `it beside ${here}, or neither`);
    },
    note: (key, got, want) => reader.noteFile(key, `got ${got}`, want),
    noteFile: (key, found, want) => void problems.push({ path: key.split('.'), found, want }),
    noteValue: (key, want) => reader.note(key, describe(key, lookUp(document, key)), want),
    problems: () => problems,
  };
  return reader;
}

type Mapping = Readonly<Record<string, unknown>>;

const keys = Object.keys(configFields);
const sections: ReadonlySet<string> = new Set(
  keys.flatMap((key) => key.split('.').map((_, index, parts) => parts.slice(0, index).join('.'))),
);

function describe(key: ConfigKey, value: unknown): string {
  return secretKeys.has(key) ? describeKind(value) : describeValue(value);
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Own keys only, so that `constructor` is not found where nobody wrote it. Null is a value, and a wrong one. */
function lookUp(document: unknown, key: string): unknown {
  let value = document;
  for (const part of key.split('.')) {
    if (!isMapping(value) || !Object.hasOwn(value, part)) return undefined;
    value = value[part];
  }
  return value;
}

/** A section may be empty, since that is what is left when all of its keys are commented out. */
function noteUnknownKeys(value: unknown, path: readonly string[], problems: ConfigProblem[]): void {
  if (value === null) return;
  if (!isMapping(value)) {
    // Only its kind: a secret may have been written where its section belongs.
    problems.push({ path, found: `got ${describeKind(value)}`, want: `a mapping of ${keysOf(path)}` });
    return;
  }
  for (const [part, child] of Object.entries(value)) {
    const childPath = [...path, part];
    const key = childPath.join('.');
    if (sections.has(key) && !part.includes('.')) noteUnknownKeys(child, childPath, problems);
    else if (!keys.includes(key) || part.includes('.')) problems.push(unknownKey(path, part));
  }
}

function unknownKey(path: readonly string[], part: string): ConfigProblem {
  const near = nearestKey(
    formatKeyPath([...path, part]),
    [...keys, ...sections].filter((key) => key !== ''),
  );
  return { path: [...path, part], found: 'got an unknown key', want: near ?? keysOf(path) };
}

/** The names that a section knows. */
function keysOf(path: readonly string[]): string {
  const prefix = path.map((part) => `${part}.`).join('');
  const names = keys
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length).split('.')[0]);
  return [...new Set(names)].join(', ');
}
