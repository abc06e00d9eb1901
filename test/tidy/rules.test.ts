// Each rule catches what it forbids, and lets pass what is like it.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the snippets are code
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type FileRule,
  fewStartProcesses,
  httpKnowsNoPeer,
  importsByName,
  importsDownward,
  importsNameFiles,
  namesAreKebabCase,
  namesNoRegistry,
  noCircles,
  nothingUnfinished,
  oneAsksTheTime,
  oneMakesRandomness,
  oneNativeHttp,
  oneReadsEnvironment,
  opensWithComment,
  operationsAreRouted,
  peersArePure,
} from './rules.ts';
import { readSource } from './source.ts';

/** A path and a text in it. */
type Snippet = readonly [string, string];

function holds(rule: FileRule, bad: readonly Snippet[], good: readonly Snippet[]): void {
  for (const [path, text] of bad) {
    it(`forbids ${text} in ${path}`, () => {
      const found = rule(readSource(path, text));
      assert.equal(found.length, 1, found.join('\n'));
      assert.ok(found[0]?.startsWith(path), found[0]);
    });
  }
  for (const [path, text] of good) {
    it(`allows ${text} in ${path}`, () => assert.deepEqual(rule(readSource(path, text)), []));
  }
}

describe('folders', () => {
  holds(
    importsDownward,
    [
      ['core/a.ts', "import { b } from '../adapters/b.ts';"],
      ['core/http/a.ts', "import type { B } from '../../handlers/b.ts';"],
      ['core/a.ts', "export * from '../test/b.ts';"],
      ['handlers/a.ts', "import { b } from '../adapters/b.ts';"],
      ['adapters/a.ts', "import { b } from '../test/fakes/b.ts';"],
      ['adapters/a.ts', "const b = await import('../bench/b.ts');"],
      ['adapters/a.ts', "import b from '../package.ts';"],
      ['core/a.ts', "import b from '../../outside/b.ts';"],
    ],
    [
      ['core/http/a.ts', "import { b } from '../b.ts';"],
      ['handlers/a.ts', "import { b } from '../core/b.ts';"],
      ['adapters/a.ts', "import { b } from '../handlers/b.ts';"],
      ['core/a.ts', "import * as v from 'valibot';"],
      ['test/a.ts', "import { b } from '../adapters/b.ts';"],
      ['bench/a.ts', "import { b } from '../test/fakes/b.ts';"],
      ['core/a.ts', "// see import { b } from '../adapters/b.ts';"],
    ],
  );
  holds(
    importsByName,
    [
      ['core/a.ts', 'await import(name);'],
      ['adapters/a.ts', 'await import(`.${name}.ts`);'],
      ['adapters/a.ts', "require('./b.ts');"],
      ['core/a.ts', "createRequire(import.meta.url)('b');"],
      ['core/http/router.ts', 'await import(name);'],
    ],
    [
      ['core/a.ts', "await import('./b.ts');"],
      ['core/http/router.ts', "createRequire(import.meta.url)('b');"],
      ['test/a.ts', 'await import(name);'],
    ],
  );
  holds(
    importsNameFiles,
    [
      ['core/a.ts', "import { b } from './b';"],
      ['core/a.ts', "import { b } from './b.js';"],
    ],
    [['core/a.ts', "import { b } from './b.ts';"]],
  );
});

describe('core/peers', () => {
  holds(
    peersArePure,
    [
      ['core/peers/a.ts', 'export async function a() {}'],
      ['core/peers/a.ts', 'export const a = (b: Promise<void>) => b;'],
      ['core/peers/a.ts', "import { hash } from 'node:crypto';"],
      ['core/peers/a.ts', "import * as v from 'valibot';"],
      ['core/peers/a.ts', 'const a = new Date(0);'],
      ['core/peers/a.ts', 'const a = Math.random();'],
      ['core/peers/a.ts', 'process.nextTick(a);'],
      ['core/peers/a.ts', 'setTimeout(a);'],
      ['core/peers/a.ts', 'setImmediate(a);'],
      ['core/peers/a.ts', 'queueMicrotask(a);'],
      ['core/peers/a.ts', "console.log('a');"],
    ],
    [
      ['core/peers/a.ts', "import type { KeyObject } from 'node:crypto';"],
      ['core/peers/a.ts', '// an async process in setTimeout'],
      ['core/peers/a.ts', 'const updateDates = Math.max(0, processed);'],
      ['core/node.ts', 'export async function a() {}'],
    ],
  );
});

describe('core/http', () => {
  holds(
    httpKnowsNoPeer,
    [
      ['core/http/a.ts', "import { parsePeerId } from '../peers/peer.ts';"],
      ['core/http/a.ts', "import type { Peer } from '../peers/peer.ts';"],
      ['core/http/a.ts', "import type { PeerNode } from '../node.ts';"],
    ],
    [
      ['core/http/a.ts', "import { ok } from '../result.ts';"],
      ['core/node.ts', "import { parsePeerId } from './peers/peer.ts';"],
    ],
  );
});

describe('what one place does', () => {
  holds(
    oneNativeHttp,
    [
      ['core/http/dispatch.ts', "import uws from 'uWebSockets.js';"],
      ['adapters/app.ts', "const uws = await import('uWebSockets.js');"],
      ['adapters/app.ts', "import type { App } from 'uWebSockets.js';"],
    ],
    [
      ['core/http/server.ts', "import uws from 'uWebSockets.js';"],
      ['bench/a.ts', "import uws from 'uWebSockets.js';"],
    ],
  );
  holds(
    fewStartProcesses,
    [
      ['adapters/app.ts', "import { spawn } from 'node:child_process';"],
      ['core/a.ts', "import { spawn } from 'child_process';"],
      ['adapters/run-command.ts', "import { fork } from 'node:cluster';"],
      ['adapters/app.ts', "import { Worker } from 'node:worker_threads';"],
    ],
    [
      ['adapters/run-command.ts', "import { spawn } from 'node:child_process';"],
      ['test/a.ts', "import { spawn } from 'node:child_process';"],
    ],
  );
  holds(
    oneReadsEnvironment,
    [
      ['adapters/app.ts', "const path = process.env['PATH'];"],
      ['adapters/app.ts', 'process.exit(1);'],
      ['core/a.ts', 'process.exitCode = 1;'],
      ['adapters/app.ts', 'process . env;'],
      ['adapters/app.ts', "process['env'];"],
      ['adapters/app.ts', 'const { env } = process;'],
      ['adapters/app.ts', 'start(process);'],
      ['adapters/app.ts', "import { env } from 'node:process';"],
    ],
    [
      ['adapters/main.ts', "process.exit(process.env['A']);"],
      ['adapters/a.ts', 'process.kill(-child.pid); log(process.pid);'],
      ['adapters/a.ts', '// never process.exit here'],
      ['test/a.ts', 'process.exit(1);'],
    ],
  );
  holds(
    oneAsksTheTime,
    [
      ['core/a.ts', 'const now = Date.now();'],
      ['core/a.ts', 'const now = new Date();'],
      ['core/a.ts', 'const now = new Date;'],
      ['core/a.ts', 'const now = Date();'],
      ['core/a.ts', 'const now = performance.now();'],
      ['adapters/a.ts', 'const now = process.hrtime.bigint();'],
      ['adapters/a.ts', 'const now = process.uptime();'],
      ['adapters/a.ts', "import { monitorEventLoopDelay } from 'node:perf_hooks';"],
      ['adapters/a.ts', 'setTimeout(a, 5);'],
      ['adapters/a.ts', 'setInterval(a, 5);'],
      ['adapters/a.ts', "import { scheduler } from 'node:timers/promises';"],
      ['adapters/a.ts', "import * as timers from 'node:timers';"],
      ['adapters/run-command.ts', 'const now = Date.now();'],
    ],
    [
      ['adapters/clock.ts', 'Date.now(); performance.now(); setTimeout(a, 5);'],
      ['adapters/run-command.ts', 'setTimeout(a, 5);'],
      [
        'adapters/a.ts',
        "setImmediate(a); clearTimeout(b); import { setImmediate } from 'node:timers/promises';",
      ],
      ['core/a.ts', 'new Date(clock.nowMs()).toISOString(); Date.parse(text); Date.UTC(2026);'],
      ['test/a.ts', 'Date.now();'],
    ],
  );
  holds(
    oneMakesRandomness,
    [
      ['core/a.ts', 'Math.random();'],
      ['adapters/a.ts', 'randomUUID();'],
      ['adapters/a.ts', 'crypto.getRandomValues(a);'],
      ['adapters/a.ts', 'generateKeyPairSync(a);'],
    ],
    [
      ['adapters/keys.ts', 'randomBytes(32);'],
      ['adapters/a.ts', 'generateKeyPair(); fillRandom(a);'],
      ['test/a.ts', 'randomUUID();'],
    ],
  );
});

describe('every file', () => {
  const unfinished = ['FIX' + 'ME', 'TO' + 'DO'];
  holds(
    nothingUnfinished,
    [
      ...unfinished.map((mark) => ['core/a.ts', `// ${mark}: later`] as const),
      ['test/a.test.ts', "it.only('a', () => {});"],
      ['test/a.test.ts', "describe . only('a', () => {});"],
      ['test/a.test.ts', "test('a', { only: true }, () => {});"],
    ],
    [
      ['core/a.ts', "// only this; today's methods"],
      ['core/a.ts', 'const a = { only: false }; a.only = b.only;'],
    ],
  );
  holds(
    namesAreKebabCase,
    [
      ['core/aB.ts', ''],
      ['core/a_b.ts', ''],
      ['core/a.b.ts', ''],
      ['core/-a.ts', ''],
      ['core/Http/a.ts', ''],
    ],
    [
      ['core/a-b2.ts', ''],
      ['core/http/a.ts', ''],
      ['test/a-b.test.ts', ''],
      ['test/a.socket.test.ts', ''],
      ['bench/a.bench.ts', ''],
    ],
  );
  holds(
    opensWithComment,
    [
      ['core/a.ts', "import { b } from './b.ts';"],
      ['adapters/a.ts', '//\nimport;'],
    ],
    [
      ['core/a.ts', '// What it is.'],
      ['adapters/main.ts', '#!/usr/bin/env node\n// What it is.'],
      ['test/a.ts', 'const a = 1;'],
    ],
  );

  it('names no registry', () => {
    for (const host of ['registry.npm' + 'js.org', 'www.npm' + 'js.com', 'registry' + '.example.com']) {
      assert.equal(namesNoRegistry('a.md', `one\nhttps://${host}/x`).length, 1, host);
    }
    assert.deepEqual(namesNoRegistry('a.md', 'npm ci; a registry. Then npmjs; metrics.registry'), []);
  });
});

describe('all files together', () => {
  const tree = (files: Record<string, string>) =>
    Object.entries(files).map(([path, text]) => readSource(path, text));

  it('have no circles', () => {
    const circle = {
      'core/a.ts': "import { b } from './b.ts';",
      'core/b.ts': "import type { C } from './c.ts';",
      'core/c.ts': "import { a } from './a.ts';",
      'core/d.ts': "import { a } from './a.ts';",
    };
    assert.deepEqual(noCircles(tree(circle)), [
      'core/a.ts imports core/b.ts imports core/c.ts imports core/a.ts',
    ]);
    assert.deepEqual(noCircles(tree({ 'core/a.ts': "import { a } from './a.ts';" })).length, 1);
    assert.deepEqual(noCircles(tree({ ...circle, 'core/c.ts': '' })), []);
  });

  const routes = "import { get } from './get.ts';\nexport const routes: readonly Route[] = [get];";
  const get = "import { shape } from './shapes.ts';\nexport const get = defineRoute<A, B>({});";

  it('have every operation in routes.ts', () => {
    const good = {
      'handlers/routes.ts': routes,
      'handlers/get.ts': get,
      'handlers/shapes.ts': 'export const shape = 1;',
    };
    assert.deepEqual(operationsAreRouted(tree(good)), []);
    const bad: [Record<string, string>, string][] = [
      [
        { 'handlers/put.ts': 'export const put = defineRoute({});' },
        'handlers/put.ts: put does not stand in handlers/routes.ts',
      ],
      [
        { 'handlers/routes.ts': routes.replace('[get]', '[]') },
        'handlers/get.ts: get does not stand in handlers/routes.ts',
      ],
      [{ 'handlers/old.ts': 'export const old = 1;' }, 'handlers/old.ts: no operation uses it'],
    ];
    for (const [change, want] of bad)
      assert.deepEqual(operationsAreRouted(tree({ ...good, ...change })), [want]);
    assert.deepEqual(operationsAreRouted([]), ['handlers/routes.ts: is missing']);
  });
});
