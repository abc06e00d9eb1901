// The laws of the house as functions from sources to complaints. Which file may do what stands here and nowhere else.
import { type Import, lineOf, resolveImport, type Source } from './source.ts';

/** Who may do what only one place does. A file that comes to this list needs a reason. */
const allowed = {
  nativeHttp: ['core/http/server.ts'],
  // One runs a command to its end, one keeps a shell that runs many.
  processes: ['adapters/run-command.ts', 'adapters/device/shell-process.ts'],
  // The two programs.
  environment: ['adapters/main.ts', 'adapters/health-check.ts'],
  // One asks; the other has the event loop measured, which no clock could be handed in for.
  time: ['adapters/clock.ts', 'adapters/metrics/loop-delay.ts'],
  // A command's time-out has to keep the process alive, which a clock's timers never do.
  timers: ['adapters/clock.ts', 'adapters/run-command.ts'],
  randomness: ['adapters/keys.ts'],
  // What Node does to the import of a large CommonJS module costs memory.
  require: ['core/http/router.ts'],
};

/** Where each folder may import from. What is not listed is beside the house. */
const floors: Readonly<Record<string, readonly string[]>> = {
  core: ['core'],
  handlers: ['handlers', 'core'],
  adapters: ['adapters', 'handlers', 'core'],
};

/** What is wrong with one file, a sentence each. */
export type FileRule = (source: Source) => string[];

/** What is wrong with all of them together. */
export type TreeRule = (sources: readonly Source[]) => string[];

function folderOf(path: string): string {
  return path.slice(0, path.indexOf('/'));
}

function inHouse(source: Source): boolean {
  return floors[folderOf(source.path)] !== undefined;
}

function complain(source: Source, line: number, what: string): string {
  return `${source.path}:${line}: ${what}`;
}

/** Every place where the code matches. */
function findCode(source: Source, pattern: RegExp, what: string): string[] {
  const matches = source.code.matchAll(new RegExp(pattern, 'g'));
  return [...matches].map((match) =>
    complain(source, lineOf(source.text, match.index), `${match[0]}: ${what}`),
  );
}

function findImports(source: Source, wanted: (one: Import) => boolean, what: string): string[] {
  return source.imports
    .filter(wanted)
    .map((one) => complain(source, one.line, `imports ${one.from}: ${what}`));
}

/** Folders import downward only; nothing in the house imports what is beside it. */
export const importsDownward: FileRule = (source) => {
  const floor = floors[folderOf(source.path)];
  if (floor === undefined) return [];
  return findImports(
    source,
    (one) => {
      const target = resolveImport(source.path, one.from);
      return target !== null && !floor.includes(folderOf(target));
    },
    `${folderOf(source.path)}/ imports from ${floor.join(', ')} only`,
  );
};

/** An import whose name is computed, and what is required, would go past every other rule. */
export const importsByName: FileRule = (source) => {
  if (!inHouse(source)) return [];
  const what = 'imports are written out';
  const computed = findCode(source, /\bimport\s*\((?!\s*['"])|\bimport\.meta\.resolve\b/, what);
  if (allowed.require.includes(source.path)) return computed;
  return [...computed, ...findCode(source, /\brequire\b|\bcreateRequire\b/, what)];
};

/** core/peers: no waiting, no outside, no clock, no chance. */
export const peersArePure: FileRule = (source) => {
  if (!source.path.startsWith('core/peers/')) return [];
  const outside = findImports(
    source,
    (one) => !one.typeOnly && resolveImport(source.path, one.from) === null,
    'core/peers needs nobody',
  );
  const words =
    /\b(async|await|Promise|Date|process|performance|console|fetch|queueMicrotask|globalThis|Math\.random|(set|clear)(Timeout|Interval|Immediate))\b/;
  return [...outside, ...findCode(source, words, 'core/peers is pure')];
};

/** core/http is about HTTP: another API could be built on it. */
export const httpKnowsNoPeer: FileRule = (source) => {
  if (!source.path.startsWith('core/http/')) return [];
  return findImports(
    source,
    (one) => /^core\/(peers\/|node\.ts|observe\.ts)/.test(resolveImport(source.path, one.from) ?? ''),
    'core/http knows no peer',
  );
};

export const oneNativeHttp: FileRule = (source) => {
  if (!inHouse(source) || allowed.nativeHttp.includes(source.path)) return [];
  const native = (one: Import) => one.from === 'uWebSockets.js' || one.from === '@based/uws';
  return findImports(source, native, `only ${allowed.nativeHttp} does`);
};

export const fewStartProcesses: FileRule = (source) => {
  if (!inHouse(source)) return [];
  const forks = (one: Import) => /^(node:)?(cluster|worker_threads)$/.test(one.from);
  const cluster = findImports(source, forks, 'the node is one process with one thread');
  if (allowed.processes.includes(source.path)) return cluster;
  const starts = (one: Import) => /^(node:)?child_process$/.test(one.from);
  return [...cluster, ...findImports(source, starts, `only ${allowed.processes.join(' and ')} do`)];
};

export const oneReadsEnvironment: FileRule = (source) => {
  if (!inHouse(source) || allowed.environment.includes(source.path)) return [];
  const what = `only ${allowed.environment.join(' and ')} do`;
  const module = (one: Import) => /^(node:)?process$/.test(one.from);
  return [
    ...findCode(
      source,
      /\bprocess\s*(\?\.|\.)\s*(env|argv|exit|exitCode|abort|loadEnvFile)\b|\bprocess\s*\[|[=(,]\s*process\s*[;,)]/,
      what,
    ),
    ...findImports(source, module, what),
  ];
};

export const oneAsksTheTime: FileRule = (source) => {
  if (!inHouse(source)) return [];
  const asker = `only ${allowed.time.join(' and ')} do`;
  const asks = allowed.time.includes(source.path)
    ? []
    : [
        ...findCode(
          source,
          /\bDate\.now\b|\bnew Date(?!\s*\(\s*[^\s)])|(?<!new )\bDate\s*\(|\bperformance\b|\bhrtime\b|\buptime\b/,
          asker,
        ),
        ...findImports(source, (one) => /^(node:)?perf_hooks$/.test(one.from), asker),
      ];
  if (allowed.timers.includes(source.path)) return asks;
  const what = `only ${allowed.timers.join(' and ')} do`;
  // Waiting for the next turn of the event loop is no waiting for a time.
  const timers = (one: Import) =>
    /^(node:)?timers(\/promises)?$/.test(one.from) &&
    (one.names.length === 0 || one.names.some((name) => name !== 'setImmediate'));
  return [
    ...asks,
    ...findCode(source, /\bset(Timeout|Interval)\b/, what),
    ...findImports(source, timers, what),
  ];
};

export const oneMakesRandomness: FileRule = (source) => {
  if (!inHouse(source) || allowed.randomness.includes(source.path)) return [];
  const words =
    /\bMath\.random\b|\b(randomBytes|randomUUID|randomInt|randomFill|randomFillSync|getRandomValues|generateKey\w*Sync|generateKeySync|webcrypto)\b/;
  return findCode(source, words, `only ${allowed.randomness} does`);
};

/** A marker of unfinished work, or a test that keeps the others from running. Split, so that this file passes. */
export const nothingUnfinished: FileRule = (source) => {
  const marks = new RegExp(`\\b(${['FIX' + 'ME', 'TO' + 'DO', 'X' + 'XX'].join('|')})\\b`, 'g');
  const found = [...source.text.matchAll(marks)].map((match) =>
    complain(source, lineOf(source.text, match.index), `${match[0]}: finish it or leave it out`),
  );
  const only = /\b(it|test|describe|suite)\s*\.\s*only\b|\bonly\s*:\s*true\b/;
  return [...found, ...findCode(source, only, 'the other tests would not run')];
};

export const namesAreKebabCase: FileRule = (source) => {
  const name = /^([a-z0-9-]+\/)+[a-z0-9]+(-[a-z0-9]+)*(\.(device|socket|crash))?(\.(test|bench))?\.ts$/;
  return name.test(source.path) ? [] : [`${source.path}: files and folders are named in kebab-case`];
};

/** Every file of the house opens by saying what it is. */
export const opensWithComment: FileRule = (source) => {
  if (!inHouse(source) || /^(#!.*\n)?\/\/ \S/.test(source.text)) return [];
  return [complain(source, 1, 'opens without saying what it is and what it is not')];
};

/** A relative import has the file's own name, as Node.js finds it without a build. */
export const importsNameFiles: FileRule = (source) =>
  findImports(source, (one) => one.from.startsWith('.') && !one.from.endsWith('.ts'), 'ends in .ts');

/** Every operation stands in routes.ts, and every other file of handlers/ is used there somewhere. */
export const operationsAreRouted: TreeRule = (sources) => {
  const handlers = sources.filter((source) => folderOf(source.path) === 'handlers');
  const routes = handlers.find((source) => source.path === 'handlers/routes.ts');
  if (routes === undefined) return ['handlers/routes.ts: is missing'];
  return handlers.flatMap((source) => {
    if (source === routes) return [];
    const operations = [...source.code.matchAll(/\bexport const (\w+) = defineRoute\b/g)].map(
      (match) => match[1] ?? '',
    );
    const unrouted = operations.filter((name) => !isRouted(routes, source, name));
    if (unrouted.length > 0) return [`${source.path}: ${unrouted} does not stand in handlers/routes.ts`];
    const used = operations.length > 0 || handlers.some((other) => importsFile(other, source));
    return used || importedOutside(sources, source) ? [] : [`${source.path}: no operation uses it`];
  });
};

function isRouted(routes: Source, source: Source, name: string): boolean {
  const imported = routes.imports.some(
    (one) => resolveImport(routes.path, one.from) === source.path && one.names.includes(name),
  );
  const list = /\broutes\b[^=]*=\s*\[([^\]]*)\]/.exec(routes.code)?.[1] ?? '';
  return imported && list.split(',').some((entry) => entry.trim() === name);
}

function importsFile(source: Source, target: Source): boolean {
  return source.imports.some((one) => resolveImport(source.path, one.from) === target.path);
}

function importedOutside(sources: readonly Source[], target: Source): boolean {
  return sources.some((source) => folderOf(source.path) === 'adapters' && importsFile(source, target));
}

/** No file imports itself by way of others; types count, since a circle of ideas is one too. */
export const noCircles: TreeRule = (sources) => {
  const targets = new Map(
    sources.map(
      (source) => [source.path, source.imports.map((one) => resolveImport(source.path, one.from))] as const,
    ),
  );
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    const start = way.indexOf(path);
    if (start >= 0) circles.push([...way.slice(start), path].join(' imports '));
    if (start >= 0 || done.has(path)) return;
    for (const target of targets.get(path) ?? []) if (target !== null) visit(target, [...way, path]);
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return circles;
};

/** No text of the project names the host of a package registry: whoever installs chooses it. */
export function namesNoRegistry(path: string, text: string): string[] {
  const hosts = /\b(?:[\w-]+\.)*(?:npmjs\.(?:org|com)|yarnpkg\.com|npmmirror\.com|registry\.[\w-]+\.\w+)\b/g;
  return [...text.matchAll(hosts)].map(
    (match) => `${path}:${lineOf(text, match.index)}: names a package registry`,
  );
}

export const fileRules: Readonly<Record<string, FileRule>> = {
  'folders import downward only': importsDownward,
  'imports are written out': importsByName,
  'relative imports name files': importsNameFiles,
  'core/peers is pure': peersArePure,
  'core/http knows no peer': httpKnowsNoPeer,
  'one file imports the native HTTP module': oneNativeHttp,
  'few files start processes': fewStartProcesses,
  'one file reads the environment and exits': oneReadsEnvironment,
  'one file asks the time': oneAsksTheTime,
  'one file makes randomness': oneMakesRandomness,
  'nothing is left unfinished': nothingUnfinished,
  'files are named in kebab-case': namesAreKebabCase,
  'files say what they are': opensWithComment,
};

export const treeRules: Readonly<Record<string, TreeRule>> = {
  'every operation stands in routes.ts': operationsAreRouted,
  'no import circles': noCircles,
};
