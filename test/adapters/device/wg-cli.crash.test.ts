// What stays of the shells when the node is killed: nothing.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { it } from 'node:test';
import { createFakeWg } from '../../fixtures/fake-wg.ts';
import { findPipeShell } from '../../fixtures/pipe-shell.ts';
import { descendants, isRunning } from '../../fixtures/processes.ts';
import { until } from '../../fixtures/until.ts';

function moduleUrl(path: string): string {
  return new URL(`${path}${extname(import.meta.url)}`, import.meta.url).href;
}

/** A node that has looked once, with its watch on, and has made a change after another, so that a `wg` waits for the third. */
function nodeScript(path: string): string {
  return `
    const { createWgDevice } = await import('${moduleUrl('../../../adapters/device/wg-cli')}');
    const { createSystemClock } = await import('${moduleUrl('../../../adapters/clock')}');
    const { createFakeLog } = await import('${moduleUrl('../../fakes/log')}');
    const { createSpecs, put } = await import('${moduleUrl('../../contracts/device')}');
    const surroundings = { shell: ${JSON.stringify(findPipeShell())}, path: '${path}', clock: createSystemClock() };
    const device = createWgDevice({ interfaceName: 'wg0', surroundings, log: createFakeLog() });
    device.watch(() => {});
    await device.look(() => {});
    for (const _ of [1, 2]) await device.apply([put(createSpecs().one('10.7.0.2/32'))]);
    console.log('ready');`;
}

async function startNode(path: string): Promise<ChildProcess> {
  const node = spawn(process.execPath, ['--input-type=module', '-e', nodeScript(path)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(node.stdout, 'data');
  return node;
}

// Two shells, and one with a subshell and `ip`; and a `wg` that waits, which is a shell with `cat` here.
const processes = 7;

it('leaves no process when the node is killed', async (test) => {
  const node = await startNode(createFakeWg(test, 'exit 1').path);
  const pid = node.pid ?? assert.fail('not started');
  await until('all its processes', () => descendants(pid).length >= processes);
  const left = descendants(pid);
  node.kill('SIGKILL');
  await until('their end', () => !left.some(isRunning));
});

it('leaves no process when the node is killed while a shell is about to tell it something', async (test) => {
  const wg = createFakeWg(test, 'exit 1');
  const answer = join(wg.folder, 'answer');
  execFileSync('mkfifo', [answer]);
  const ip = `#!/bin/sh
[ "$2" = monitor ] && exec sleep 1000
: <${answer}
exit 1
`;
  writeFileSync(join(wg.folder, 'ip'), ip, { mode: 0o755 });
  const node = await startNode(wg.path);
  const pid = node.pid ?? assert.fail('not started');
  await until('all its processes', () => descendants(pid).length > processes);
  const left = descendants(pid);
  node.kill('SIGKILL');
  await once(node, 'exit');
  await writeFile(answer, '');
  await until('their end', () => !left.some(isRunning));
});
