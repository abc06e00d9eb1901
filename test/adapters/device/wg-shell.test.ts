// The `wg` that is started ahead and waits for its input: that it is used, what it never does, and what comes of one that fails.
// All else about the shell is tested through the device, in wg-cli.test.ts.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { openPipeEnd } from '../../../adapters/device/pipe-end.ts';
import { wgInputPath } from '../../../adapters/device/wg-session.ts';
import { createWgShell } from '../../../adapters/device/wg-shell.ts';
import { shellEndGraceMs, wgPipeBytesMax } from '../../../core/limits.ts';
import { ok } from '../../../core/result.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createFakeWg } from '../../fixtures/fake-wg.ts';
import { filesShell, findPipeShell } from '../../fixtures/pipe-shell.ts';
import { childrenOf, isRunning } from '../../fixtures/processes.ts';
import { until } from '../../fixtures/until.ts';

/** Notes what it read in a file that has the number of its process. */
const notes = '[ $1 != addconf ] || echo "$input" >$folder/input.$$';

/** Begins a `wg` that does something else where it was started ahead, before it reads. */
const ifAhead = (script: string) => `if [ "$1" = addconf ] && [ -p "$3" ]; then ${script}; fi`;

/** A shell that has answered once: before that it may have made no pipe yet. */
async function setUp(test: TestContext, shell = findPipeShell()) {
  const wg = createFakeWg(test, notes);
  const clock = createFakeClock();
  const wgShell = createWgShell({ shell, path: wg.path, clock }, 0);
  test.after(async () => {
    const closed = wgShell.close();
    await clock.advance(2 * shellEndGraceMs);
    await closed;
  });
  const run = async (args: readonly string[], input: string) => {
    const call = { args, input, presharedKeys: [], timeoutMs: 60_000 };
    const result = await wgShell.run(call, async () => ok('done'));
    return result.ok ? result.value : result.failure.code;
  };
  const show = () => run(['show'], '');
  assert.equal(await show(), 'done');
  const inputs = () => {
    const files = readdirSync(wg.folder).filter((name) => name.startsWith('input.'));
    return new Map(
      files.map((name) => {
        const input = readFileSync(join(wg.folder, name), 'utf8').trimEnd();
        return [Number(name.slice('input.'.length)), input.replace(/^#\n/, '')];
      }),
    );
  };
  return {
    wg,
    wgShell,
    /** What each `wg` read that was run, by process id. */
    inputs,
    show,
    addconf: (input: string, interfaceName = 'wg0') => run(['addconf', interfaceName, wgInputPath], input),
    /** Resolves with the process id of the `wg` that was started ahead. */
    ahead: async () => {
      const waiting = () => grandchildren().filter(hasPipe);
      await until('a wg that waits', () => waiting().length === 1);
      return waiting()[0] ?? assert.fail();
    },
    /** Has every `wg` begin with this, in front of what it is anyway. */
    prepend: (script: string) => {
      const program = join(wg.folder, 'wg');
      const [first, ...rest] = readFileSync(program, 'utf8').split('\n');
      writeFileSync(program, [first, `folder=${wg.folder}`, script, ...rest].join('\n'));
    },
  };
}

/** What the shell has started that is still there. */
function grandchildren(): readonly number[] {
  return childrenOf(process.pid).flatMap(childrenOf);
}

/** Whether its input is a pipe. At first a process has the shell's own file there, until it has redirected. */
function hasPipe(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/fd/5`).startsWith('pipe:');
  } catch {
    return false;
  }
}

it('runs each call but the first by a wg that was started ahead', async (test) => {
  const { wgShell, wg, addconf, ahead, inputs } = await setUp(test);
  const expected: [number, string][] = [];
  assert.equal(await addconf('first'), 'done');
  const [first] = inputs().keys();
  expected.push([first ?? 0, 'first']);
  for (const input of ['second', 'x'.repeat(60_000), 'fourth']) {
    const pid = await ahead();
    assert.equal(await addconf(input), 'done');
    expected.push([pid, input]);
  }
  assert.deepEqual(inputs(), new Map(expected));
  assert.equal(wgShell.runs(), 5);
  assert.equal(wg.calls().length, 5);
});

it('runs calls back to back, faster than a wg starts', async (test) => {
  const { addconf, inputs } = await setUp(test);
  const texts = Array.from({ length: 40 }, (_, index) => `text ${index}`);
  const results = await Promise.all(texts.map((text) => addconf(text)));
  assert.deepEqual(new Set(results), new Set(['done']));
  assert.deepEqual([...inputs().values()].sort(), [...texts].sort());
});

it('keeps the wg that waits for calls of its kind', async (test) => {
  const { wg, addconf, ahead, inputs, show } = await setUp(test);
  await addconf('first');
  const pid = await ahead();
  const large = 'x'.repeat(wgPipeBytesMax + 1);
  assert.equal(await addconf(large), 'done');
  assert.equal(await addconf('elsewhere', 'wg1'), 'done');
  assert.equal(await show(), 'done');
  assert.equal(await addconf('second'), 'done');
  assert.equal(inputs().get(pid), 'second');
  assert.deepEqual(wg.calls(), [
    'show',
    `addconf wg0 ${wgInputPath}`,
    `addconf wg0 ${wgInputPath}`,
    `addconf wg1 ${wgInputPath}`,
    'show',
    `addconf wg0 ${wgInputPath}`,
  ]);
});

it('makes the call by another wg when the one that waited is gone', async (test) => {
  const { addconf, inputs, prepend } = await setUp(test);
  prepend(ifAhead('exit 7'));
  for (const input of ['first', 'second', 'third']) {
    assert.equal(await addconf(input), 'done');
    await until('the end of the other', () => !grandchildren().some(isRunning));
  }
  assert.deepEqual([...inputs().values()].sort(), ['first', 'second', 'third']);
});

it('leaves nothing of a call that was refused to the next', async (test) => {
  const { addconf, ahead, prepend, wg } = await setUp(test);
  const readsOneLine = '{ read -r comment; read -r line; } <"$3"; echo "$line" >>$folder/lines; exit 1';
  prepend(ifAhead(readsOneLine));
  await addconf('first');
  for (const input of ['second', 'third']) {
    await ahead();
    assert.equal(await addconf(`${input}\n`.repeat(5_000)), 'device_refused');
  }
  assert.equal(readFileSync(join(wg.folder, 'lines'), 'utf8'), 'second\nthird\n');
});

it('has no wg take a part of its input for the whole, and tries no further where pipes are small', async (test) => {
  const { addconf, ahead, inputs, prepend, wg } = await setUp(test);
  prepend(ifAhead('until [ -e $folder/go ]; do sleep 0.01; done'));
  await addconf('first');
  const pid = await ahead();
  // What lies in a pipe already leaves as little room as a small one.
  assert.equal(openPipeEnd(`/proc/${pid}/fd/5`)?.send(`#${' '.repeat(60_000)}`), 'sent');
  assert.equal(await addconf('x'.repeat(30_000)), 'done');
  assert.equal(isRunning(pid), false);
  writeFileSync(join(wg.folder, 'go'), '');
  assert.equal(await addconf('third'), 'done');
  assert.deepEqual(grandchildren(), []);
  assert.deepEqual([...inputs().values()].sort(), ['first', 'third', 'x'.repeat(30_000)]);
});

it('ends the wg that waits with the shell, and does not run it', async (test) => {
  const { addconf, ahead, wg, wgShell } = await setUp(test);
  await addconf('first');
  const pid = await ahead();
  await wgShell.close();
  assert.equal(isRunning(pid), false);
  assert.deepEqual(wg.calls(), ['show', `addconf wg0 ${wgInputPath}`]);
});

it('starts each call by itself where the shell makes no pipes', async (test) => {
  const { addconf, inputs } = await setUp(test, filesShell);
  for (const input of ['first', 'second', 'third']) {
    assert.equal(await addconf(input), 'done');
    assert.deepEqual(grandchildren(), []);
  }
  assert.deepEqual([...inputs().values()].sort(), ['first', 'second', 'third']);
});
