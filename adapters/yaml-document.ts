// One YAML document as a value, with the line of every key in it. Knows nothing of what the keys mean.
import {
  constructFromEvents,
  EVENT_ID,
  type Event,
  getScalarValue,
  parseEvents,
  type ScalarEvent,
  YAMLException,
} from 'js-yaml';
import { fail, ok, type Result } from '../core/result.ts';

/** A way from the top of a document down: keys of mappings, positions in lists. */
export type YamlPath = readonly (string | number)[];

export interface YamlDocument {
  /** Undefined when the text holds nothing but comments. */
  readonly value: unknown;
  /** The line, from 1, of the key or item; of the nearest thing around it when it is not there. */
  lineOf(path: YamlPath): number;
}

/** Why a text is no YAML document. The reason quotes nothing of the text, which may hold secrets. */
export interface YamlFailure {
  /** From 1; null where the reason concerns the whole text. */
  readonly line: number | null;
  readonly reason: string;
}

/** Parses YAML 1.2 (core schema) with one document, no aliases, no key twice and at most `depthMax` levels. */
export function parseYaml(source: string, depthMax: number): Result<YamlDocument, YamlFailure> {
  try {
    const events = parseEvents(source, { maxDepth: depthMax });
    const documents = constructFromEvents(events, { source, maxAliases: 0 });
    if (documents.length > 1) return fail({ line: null, reason: 'more than one YAML document' });
    const offsets = keyOffsets(source, events);
    return ok({ value: documents[0], lineOf: (path) => lineAt(source, nearestOffset(offsets, path)) });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    return fail({ line: error.mark ? error.mark.line + 1 : null, reason: withoutQuotes(error.reason) });
  }
}

// Every reason of js-yaml that repeats a part of the text does so behind one of these.
function withoutQuotes(reason: string): string {
  return (reason.split(/!<|"|: /)[0] ?? '').trim();
}

interface Level {
  readonly kind: 'document' | 'list' | 'mapping';
  readonly path: YamlPath;
  /** In a mapping: the key whose value comes next; null: a key comes next. */
  key: string | null;
  /** In a list: the position of the item that comes next. */
  index: number;
}

const levelKinds: ReadonlyMap<Event['type'], Level['kind']> = new Map([
  [EVENT_ID.DOCUMENT, 'document'],
  [EVENT_ID.SEQUENCE, 'list'],
  [EVENT_ID.MAPPING, 'mapping'],
]);

/** Where each key and each item starts, by `pathText`. */
function keyOffsets(source: string, events: readonly Event[]): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>();
  const levels: Level[] = [];
  for (const event of events) {
    if (event.type === EVENT_ID.POP) {
      levels.pop();
      continue;
    }
    const path = event.type === EVENT_ID.DOCUMENT ? [] : enterNode(source, event, levels.at(-1), offsets);
    const kind = levelKinds.get(event.type);
    if (kind !== undefined) levels.push({ kind, path, key: null, index: 0 });
  }
  return offsets;
}

type NodeEvent = Exclude<Event, { type: typeof EVENT_ID.DOCUMENT | typeof EVENT_ID.POP }>;

/** Notes where a node starts, moves the level around it on, and answers the node's path. */
function enterNode(
  source: string,
  event: NodeEvent,
  around: Level | undefined,
  offsets: Map<string, number>,
): YamlPath {
  if (around === undefined || around.kind === 'document') return [];
  if (around.kind === 'mapping' && around.key !== null) {
    const path = [...around.path, around.key];
    around.key = null;
    return path;
  }
  const part = around.kind === 'list' ? around.index++ : keyText(source, event);
  if (typeof part === 'string') around.key = part;
  const path = [...around.path, part];
  setOffset(offsets, path, event);
  return path;
}

function keyText(source: string, event: NodeEvent): string {
  return event.type === EVENT_ID.SCALAR ? getScalarValue(source, event) : '';
}

function setOffset(offsets: Map<string, number>, path: YamlPath, event: NodeEvent): void {
  const offset = startOf(event);
  if (offset >= 0) offsets.set(pathText(path), offset);
}

/** -1 for a scalar that is not written out, as in `key:`. */
function startOf(event: NodeEvent): number {
  if (event.type === EVENT_ID.ALIAS) return event.anchorStart;
  return event.type === EVENT_ID.SCALAR ? (event as ScalarEvent).valueStart : event.start;
}

function nearestOffset(offsets: ReadonlyMap<string, number>, path: YamlPath): number {
  for (let length = path.length; length > 0; length--) {
    const offset = offsets.get(pathText(path.slice(0, length)));
    if (offset !== undefined) return offset;
  }
  return 0;
}

function pathText(path: YamlPath): string {
  return JSON.stringify(path);
}

function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split('\n').length;
}
