// Files that are replaced whole: the order of the calls, what failures leave, links and modes.
import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { makeFolder, writeFileAtomically } from '../../../adapters/disk/atomic-file.ts';
import { type FileSystem, nodeFileSystem } from '../../../adapters/disk/file-system.ts';
import { createCrashDisk } from '../../fakes/crash-disk.ts';
import { mustFail, mustSucceed } from '../../fixtures/outcome.ts';

const path = '/d/file';
const [before, after] = [Buffer.from('before'), Buffer.from('after, and longer')];

function createDisk() {
  return createCrashDisk(new Map([[path, before]]));
}

test('temp, fsync, rename, fsync of the folder, in this order', async () => {
  const disk = createDisk();
  mustSucceed(await writeFileAtomically(path, after, { mode: 0o600, fileSystem: disk.fileSystem }));
  const calls = disk.calls.map((call) => call.replace(/[0-9]+-[0-9]+\.tmp/, 'tmp'));
  assert.deepEqual(calls, [
    'create /d/file.tmp',
    `write /d/file.tmp ${after.length}`,
    'fsync /d/file.tmp',
    'rename /d/file.tmp /d/file',
    'fsync /d',
  ]);
  assert.equal(disk.openFiles, 0);
});

test('a power cut leaves the old content or the new, and after it resolved the new', async () => {
  const disk = createDisk();
  const left = new Set<string>();
  disk.onCall = () => {
    for (const files of disk.afterPowerCut()) left.add(String(files.get(path)));
    return null;
  };
  mustSucceed(await writeFileAtomically(path, after, { mode: 0o600, fileSystem: disk.fileSystem }));
  assert.deepEqual(left, new Set([String(before), String(after)]));
  for (const files of disk.afterPowerCut()) assert.deepEqual(files.get(path), after);
});

describe('a call that fails', () => {
  for (const [failing, error] of [
    ['create', 'EACCES'],
    ['write', 'ENOSPC'],
    ['write', 'short'],
    ['fsync /d/file', 'EIO'],
    ['rename', 'EIO'],
  ] as const) {
    test(`${failing}: ${error}`, async () => {
      const disk = createDisk();
      disk.onCall = (call) => (call.startsWith(failing) ? error : null);
      const written = await writeFileAtomically(path, after, { mode: 0o600, fileSystem: disk.fileSystem });
      const failure = mustFail(written);
      assert.equal(failure.code, 'file_not_written');
      assert.match(failure.detail, /\/d\/file/);
      assert.deepEqual([...disk.files()], [[path, before]]);
      assert.equal(disk.openFiles, 0);
    });
  }

  test('the last: the new content is there, and may be lost', async () => {
    const disk = createDisk();
    disk.onCall = (call) => (call === 'fsync /d' ? 'EIO' : null);
    const written = await writeFileAtomically(path, after, { mode: 0o600, fileSystem: disk.fileSystem });
    assert.equal(mustFail(written).code, 'file_not_durable');
    assert.deepEqual([...disk.files()], [[path, after]]);
    assert.equal(disk.openFiles, 0);
  });
});

describe('on a real file system', () => {
  async function temporaryFolder(t: TestContext): Promise<string> {
    const folder = await fs.mkdtemp(join(tmpdir(), 'atomic-'));
    t.after(() => fs.rm(folder, { recursive: true }));
    return folder;
  }

  test('the mode is exactly the one asked for, also over a file of another', async (t) => {
    const file = join(await temporaryFolder(t), 'file');
    const umask = process.umask(0o077);
    t.after(() => process.umask(umask));
    for (const mode of [0o644, 0o600, 0o640]) {
      mustSucceed(await writeFileAtomically(file, after, { mode }));
      assert.equal((await fs.stat(file)).mode & 0o7777, mode);
    }
  });

  test('a link stays one, and its target is replaced', async (t) => {
    const folder = await temporaryFolder(t);
    await fs.mkdir(join(folder, 'elsewhere'));
    await fs.symlink('elsewhere/file', join(folder, 'link'));
    for (const content of [before, after]) {
      mustSucceed(await writeFileAtomically(join(folder, 'link'), content, { mode: 0o600 }));
      assert.deepEqual(await fs.readFile(join(folder, 'elsewhere/file')), content);
    }
    assert.deepEqual(await fs.readdir(join(folder, 'elsewhere')), ['file']);
    assert.ok((await fs.lstat(join(folder, 'link'))).isSymbolicLink());
  });

  test('two writes at once: one of them wins, whole', async (t) => {
    const folder = await temporaryFolder(t);
    const file = join(folder, 'file');
    const contents = Array.from({ length: 8 }, (_, index) => Buffer.alloc(100_000, index));
    const all = await Promise.all(
      contents.map((content) => writeFileAtomically(file, content, { mode: 0o600 })),
    );
    for (const written of all) mustSucceed(written);
    const content = await fs.readFile(file);
    assert.ok(contents.some((candidate) => candidate.equals(content)));
    assert.deepEqual(await fs.readdir(folder), ['file']);
  });

  test('a temporary file that a crash left under the same name is no obstacle', async (t) => {
    const folder = await temporaryFolder(t);
    const file = join(folder, 'file');
    const opened: string[] = [];
    const leftover: FileSystem = {
      ...nodeFileSystem,
      async open(name, flags, mode) {
        opened.push(name);
        if (name.endsWith('.tmp'))
          await fs.writeFile(name, 'left over from a crash, and longer than the new one');
        return nodeFileSystem.open(name, flags, mode);
      },
    };
    mustSucceed(await writeFileAtomically(file, after, { mode: 0o600, fileSystem: leftover }));
    assert.deepEqual(opened.length, 2);
    assert.deepEqual(await fs.readFile(file), after);
  });

  test('folders are made with those above them, and each name is flushed where it stands', async (t) => {
    const folder = await temporaryFolder(t);
    const synced: string[] = [];
    const recording: FileSystem = {
      ...nodeFileSystem,
      async open(name, flags, mode) {
        const handle = await nodeFileSystem.open(name, flags, mode);
        return {
          ...handle,
          sync: () => {
            synced.push(name);
            return handle.sync();
          },
        };
      },
    };
    const made = join(folder, 'a', 'b');
    for (let turn = 0; turn < 2; turn++) {
      mustSucceed(await makeFolder(made, { mode: 0o700, fileSystem: recording }));
      assert.deepEqual(synced, [join(folder, 'a'), folder]);
    }
    assert.equal((await fs.stat(made)).mode & 0o777, 0o700);
    await fs.writeFile(join(folder, 'file'), '');
    assert.match(mustFail(await makeFolder(join(folder, 'file', 'b'), { mode: 0o700 })), /file/);
  });

  test('where the system lets no folder be made it says so at once', async () => {
    const failure = mustFail(await makeFolder('/proc/wgkeeper/data', { mode: 0o700 }));
    assert.match(failure, /^\/proc\/wgkeeper\/data: ENOENT: .*mkdir '\/proc\/wgkeeper'$/);
  });

  test('two who make the same folders at once both find them made', async (t) => {
    const folder = await temporaryFolder(t);
    const made = join(folder, 'a', 'b', 'c');
    const both = await Promise.all([1, 2].map(() => makeFolder(made, { mode: 0o700 })));
    for (const outcome of both) mustSucceed(outcome);
    assert.ok((await fs.stat(made)).isDirectory());
  });
});
