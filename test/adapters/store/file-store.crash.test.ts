// The store's process against strace(1): killed before every call that changes the disk, and each of these calls made to
// fail. Needs strace; the last test needs root. Kill -9 keeps the page cache: what a power cut does is in power-cut.crash.test.ts.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Peer } from '../../../core/peers/peer.ts';
import { sorted } from '../../contracts/store.ts';
import { mustFail, mustSucceed } from '../../fixtures/outcome.ts';
import { peerFixtures } from '../../fixtures/peers.ts';
import { realStore, scriptedChange, scriptedPeers } from '../../fixtures/store-process.ts';

const program = fileURLToPath(
  new URL(`../../fixtures/store-process${extname(import.meta.url)}`, import.meta.url),
);

// Enough for a file that is made, appended to, and written anew twice.
const changeCount = 12;
const appendedBytesMin = 900;

// All that change the disk, save those that make a file or close it: a kill before the next call is the same.
const changingCalls = ['fchmod', 'pwrite64', 'fsync', 'rename', 'fdatasync'];

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await fs.mkdtemp(join(tmpdir(), 'crash-'));
  t.after(() => fs.rm(folder, { recursive: true }));
  return folder;
}

/** Runs the scripted changes under strace with one injection, `SYSCALL:WHAT:when=N`. */
async function runInjected(
  path: string,
  injection: string,
): Promise<{ readonly lines: readonly string[]; readonly killed: boolean }> {
  const call = injection.slice(0, injection.indexOf(':'));
  const strace = ['-f', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${injection}`];
  const node = [process.execPath, program, path, String(appendedBytesMin), String(changeCount)];
  const child = spawn('strace', [...strace, ...node], {
    // strace counts per thread: with one thread for the disk its calls have numbers.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  const [status, signal] = await once(child, 'close');
  assert.ok(signal === 'SIGKILL' || status === 0, `strace ended with ${status ?? signal}`);
  return { lines: output.split('\n').slice(0, -1), killed: signal === 'SIGKILL' };
}

/** The file holds the first `acknowledged` changes, or one more where that was in flight. */
async function assertHolds(path: string, acknowledged: number): Promise<void> {
  const store = realStore(path, appendedBytesMin);
  const { peers, retired } = mustSucceed(await store.load());
  await store.close();
  const texts = [acknowledged, acknowledged + 1].map((count) => JSON.stringify(sorted(scriptedPeers(count))));
  const held = texts.indexOf(JSON.stringify(sorted(peers)));
  assert.ok(held !== -1, `neither ${acknowledged} changes nor one more`);
  const last = acknowledged + held === 0 ? null : scriptedChange(acknowledged + held - 1).retires;
  if (last !== null) assert.ok(retired.includes(last), 'the last retired key is known');
  const names = await fs.readdir(join(path, '..'));
  assert.deepEqual(
    names.filter((name) => name.endsWith('.tmp')),
    [],
  );
}

function acknowledgedIn(lines: readonly string[]): number {
  return lines.filter((line) => line.startsWith('done ')).length;
}

describe('killed before every call', () => {
  for (const call of changingCalls) {
    test(call, async (t) => {
      const folder = await temporaryFolder(t);
      for (let number = 1; ; number++) {
        const path = join(folder, String(number), 'peers');
        const { lines, killed } = await runInjected(path, `${call}:signal=KILL:when=${number}`);
        await assertHolds(path, acknowledgedIn(lines));
        if (killed) continue;
        assert.equal(acknowledgedIn(lines), changeCount);
        assert.ok(number > 3, `${call} was met ${number - 1} times`);
        return;
      }
    });
  }
});

describe('every call fails once, and a rewrite heals', () => {
  for (const fault of [
    'fchmod:error=EPERM',
    'pwrite64:error=ENOSPC',
    'pwrite64:error=EIO',
    'fsync:error=EIO',
    'rename:error=EIO',
    'fdatasync:error=EIO',
  ]) {
    test(fault, async (t) => {
      const folder = await temporaryFolder(t);
      for (let number = 1; ; number++) {
        const path = join(folder, 'peers');
        await fs.rm(path, { force: true });
        const { lines } = await runInjected(path, `${fault}:when=${number}`);
        assert.equal(lines[0], 'loaded');
        assert.equal(acknowledgedIn(lines), changeCount);
        const failures = lines.filter((line) => line.startsWith('store_failed'));
        assert.deepEqual(sorted(await peersIn(path)), sorted(scriptedPeers(changeCount)));
        if (failures.length > 0) continue;
        assert.ok(number > 3, `met ${number - 1} times`);
        return;
      }
    });
  }
});

test('a disk that is full: the change is refused, what was stored stays, and room heals it', async (t) => {
  const run = promisify(execFile);
  const folder = await fs.mkdtemp(join(tmpdir(), 'crash-'));
  await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
  t.after(async () => {
    await run('umount', [folder]);
    await fs.rmdir(folder);
  });
  const path = join(folder, 'peers');
  await fs.writeFile(join(folder, 'ballast'), Buffer.alloc(40_000));
  const store = realStore(path, 1_048_576);
  mustSucceed(await store.load());
  const peers = peerFixtures(200);
  let stored = 0;
  for (;;) {
    const peer = peers[stored];
    assert.ok(peer !== undefined, 'the disk never filled up');
    const made = await store.commit([{ kind: 'put', peer, retires: null }], () => peers.slice(0, stored));
    if (!made.ok) break;
    stored++;
  }
  assert.match(mustFail(await store.rewrite(peers.slice(0, stored), [])).detail, /ENOSPC|short write/);
  await store.close();
  assert.deepEqual(sorted(await peersIn(path)), sorted(peers.slice(0, stored)));
  const again = realStore(path, 1_048_576);
  mustSucceed(await again.load());
  mustFail(await again.rewrite(peers.slice(0, stored), []));
  await fs.rm(join(folder, 'ballast'));
  mustSucceed(await again.rewrite(peers.slice(0, stored), []));
  await again.close();
  assert.deepEqual(sorted(await peersIn(path)), sorted(peers.slice(0, stored)));
});

async function peersIn(path: string): Promise<readonly Peer[]> {
  const store = realStore(path, appendedBytesMin);
  const { peers } = mustSucceed(await store.load());
  await store.close();
  return peers;
}
