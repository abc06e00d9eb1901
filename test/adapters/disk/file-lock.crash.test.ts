// The lock between processes of their own: it goes with its holder, however that ends.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { mustFail, mustSucceed } from '../../fixtures/outcome.ts';
import { realStore } from '../../fixtures/store-process.ts';

const program = fileURLToPath(
  new URL(`../../fixtures/store-process${extname(import.meta.url)}`, import.meta.url),
);

/** Starts a process that holds the store at this path, or says why not in its first line. */
async function startHolder(
  t: TestContext,
  path: string,
): Promise<{ child: ChildProcess; firstLine: string }> {
  const child = spawn(process.execPath, [program, path, '0', '0'], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [firstLine] = await once(createInterface(child.stdout), 'line');
  return { child, firstLine };
}

test('the second node is refused, and kill -9 frees the store', async (t) => {
  const folder = await fs.mkdtemp(join(tmpdir(), 'lock-'));
  t.after(() => fs.rm(folder, { recursive: true }));
  const path = join(folder, 'peers');
  const holder = await startHolder(t, path);
  assert.equal(holder.firstLine, 'loaded');
  assert.equal((await startHolder(t, path)).firstLine, `store_locked ${path}.lock: another process holds it`);
  assert.equal(mustFail(await realStore(path, 0).load()).code, 'store_locked');
  holder.child.kill('SIGKILL');
  await once(holder.child, 'exit');
  const store = realStore(path, 0);
  mustSucceed(await store.load());
  await store.close();
});
