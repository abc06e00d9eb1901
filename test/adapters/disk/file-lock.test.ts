// The lock: who gets it and who doesn't, and that no other process keeps it. That it goes with its holder is in file-lock.crash.test.ts.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createFlock } from '../../../adapters/disk/file-lock.ts';
import { createRunCommand } from '../../../adapters/run-command.ts';
import { fail } from '../../../core/result.ts';
import { mustFail, mustSucceed } from '../../fixtures/outcome.ts';
import { realStore } from '../../fixtures/store-process.ts';

const run = createRunCommand({ PATH: process.env['PATH'] ?? '' });

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await fs.mkdtemp(join(tmpdir(), 'lock-'));
  t.after(() => fs.rm(folder, { recursive: true }));
  return folder;
}

test('a second holder is refused at once, until the first gives up', async (t) => {
  const path = join(await temporaryFolder(t), 'lock');
  const acquire = createFlock(run);
  const first = mustSucceed(await acquire(path));
  const failure = mustFail(await acquire(path));
  assert.deepEqual(failure, { code: 'lock_held', detail: `${path}: another process holds it` });
  await first.release();
  await mustSucceed(await acquire(path)).release();
  assert.equal((await fs.stat(path)).mode & 0o777, 0o600);
});

test('two names of one file are one store', async (t) => {
  const folder = await temporaryFolder(t);
  await fs.symlink('peers', join(folder, 'link'));
  const store = realStore(join(folder, 'link'), 0);
  mustSucceed(await store.load());
  assert.equal(mustFail(await realStore(join(folder, 'peers'), 0).load()).code, 'store_locked');
  await store.close();
});

test('a process that the holder starts does not inherit the lock', async (t) => {
  const path = join(await temporaryFolder(t), 'lock');
  const acquire = createFlock(run);
  const lock = mustSucceed(await acquire(path));
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  await lock.release();
  await mustSucceed(await acquire(path)).release();
});

test('without flock(1), and in a folder that is none, the reason is told', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'lock');
  const missing = mustFail(await createFlock(createRunCommand({ PATH: folder }))(path));
  assert.equal(missing.code, 'lock_failed');
  assert.match(missing.detail, /lock: flock can't be started \(ENOENT\): install the package util-linux$/);
  await fs.writeFile(join(folder, 'file'), '');
  const nowhere = mustFail(await createFlock(run)(join(folder, 'file', 'lock')));
  assert.equal(nowhere.code, 'lock_failed');
  assert.match(nowhere.detail, /file\/lock: ENOTDIR/);
});

test('a flock(1) that does not end, or fails otherwise, is no lock', async (t) => {
  const path = join(await temporaryFolder(t), 'lock');
  for (const status of [null, 66]) {
    const acquire = createFlock(async () =>
      fail({
        code: status === null ? 'command_timeout' : 'command_refused',
        command: 'flock',
        status,
        detail: 'why',
      }),
    );
    assert.deepEqual(mustFail(await acquire(path)), { code: 'lock_failed', detail: `${path}: why` });
  }
});
