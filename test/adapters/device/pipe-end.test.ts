// A pipe between this process and a shell's child, written to and closed. What `wg` makes of it is in wg-shell.test.ts.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { openPipeEnd, type PipeEnd } from '../../../adapters/device/pipe-end.ts';
import { findPipeShell } from '../../fixtures/pipe-shell.ts';

/** A shell that has a pipe open for reading as 6, reads nothing before it is told to, and then prints all of it. */
async function startReader(test: TestContext): Promise<{ reader: ChildProcess; pipe: PipeEnd }> {
  const [shell, ...options] = findPipeShell();
  const script = 'exec 6<<END\n#\nEND\necho ready; read -r go; exec cat <&6';
  const reader = spawn(shell, [...options, '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  test.after(() => reader.kill('SIGKILL'));
  await once(reader.stdout ?? assert.fail(), 'data');
  const pipe = openPipeEnd(`/proc/${reader.pid}/fd/6`);
  assert.ok(pipe !== null);
  return { reader, pipe };
}

/** What the reader reads from now on, until the end. */
async function readAll({ stdin, stdout }: ChildProcess): Promise<string> {
  stdin?.write('go\n');
  let text = '';
  stdout?.setEncoding('latin1').on('data', (piece: string) => {
    text += piece;
  });
  await once(stdout ?? assert.fail(), 'end');
  return text;
}

const descriptors = () => readdirSync('/proc/self/fd').length;

it('hands a text over whole, and with it the end, though nobody reads yet', async (test) => {
  const before = descriptors();
  const { reader, pipe } = await startReader(test);
  const text = 'x'.repeat(60_000);
  assert.equal(pipe.send(text), 'sent');
  assert.equal(await readAll(reader), `#\n${text}`);
  await once(reader, 'close');
  assert.equal(descriptors(), before);
});

it('does not end a text that was cut', async (test) => {
  const { reader, pipe } = await startReader(test);
  assert.equal(pipe.send('x'.repeat(70_000)), 'cut');
  reader.stdin?.write('go\n');
  await once(reader.stdout ?? assert.fail(), 'data');
  assert.equal(reader.exitCode, null);
  reader.kill('SIGKILL');
  await once(reader, 'close');
  assert.equal(pipe.send('more'), 'gone');
  pipe.close();
});

it('opens pipes alone', (test) => {
  const folder = mkdtempSync(join(tmpdir(), 'pipe-end-'));
  test.after(() => rmSync(folder, { recursive: true }));
  const before = descriptors();
  writeFileSync(join(folder, 'file'), 'as it was');
  for (const path of [join(folder, 'file'), '/dev/null', join(folder, 'missing'), '/proc/self/fd/999'])
    assert.equal(openPipeEnd(path), null, path);
  assert.equal(descriptors(), before);
});
