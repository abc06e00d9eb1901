// The store on a file: what it does to the disk and in which order, and what it leaves when the disk fails.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { AcquireFileLock } from '../../../adapters/disk/file-lock.ts';
import { createFileStore } from '../../../adapters/store/file-store.ts';
import type { AllowedIP, Peer, PublicKey } from '../../../core/peers/peer.ts';
import type { PeerStore } from '../../../core/ports.ts';
import { fail, ok } from '../../../core/result.ts';
import { assertUnusable, put, remove, sorted, storeContract } from '../../contracts/store.ts';
import { type CrashDisk, createCrashDisk } from '../../fakes/crash-disk.ts';
import { createFakeLog } from '../../fakes/log.ts';
import { mustFail, mustSucceed } from '../../fixtures/outcome.ts';
import { peerFixture, peerFixtures, publicKeyFixture } from '../../fixtures/peers.ts';
import { storeFileFixture } from '../../fixtures/store-files.ts';

const path = '/d/peers';

/** A lock that anybody may have, and that knows whether somebody has it. */
function createOpenLock(): { readonly lock: AcquireFileLock; held: number } {
  const state = {
    held: 0,
    lock: async () => {
      state.held++;
      return ok({ release: async () => void state.held-- });
    },
  };
  return state;
}

function storeOn(disk: CrashDisk, appendedBytesMin = 1_048_576) {
  const log = createFakeLog();
  const lock = createOpenLock();
  const store = createFileStore(path, {
    log,
    lock: lock.lock,
    fileSystem: disk.fileSystem,
    appendedBytesMin,
  });
  return { store, log, lock };
}

async function loadedOn(disk: CrashDisk, appendedBytesMin?: number): Promise<PeerStore> {
  const { store } = storeOn(disk, appendedBytesMin);
  mustSucceed(await store.load());
  disk.calls.length = 0;
  return store;
}

async function foundOn(disk: CrashDisk): Promise<{ peers: readonly Peer[]; retired: readonly PublicKey[] }> {
  const { store } = storeOn(disk);
  const { peers, retired } = mustSucceed(await store.load());
  await store.close();
  return { peers: sorted(peers), retired };
}

function diskWith(bytes: Buffer): CrashDisk {
  return createCrashDisk(new Map([[path, bytes]]));
}

/** The calls with the number of each temporary file left out. */
function callsOf(disk: CrashDisk): readonly string[] {
  return disk.calls.map((call) => call.replace(/[0-9]+-[0-9]+\.tmp/, 'tmp'));
}

const wholeFileCalls = (writes: readonly number[]): readonly string[] => [
  'create /d/peers.tmp',
  ...writes.map((bytes) => `write /d/peers.tmp ${bytes}`),
  'fsync /d/peers.tmp',
  'rename /d/peers.tmp /d/peers',
  'fsync /d',
];

storeContract('file', async () => {
  const folder = await fs.mkdtemp(join(tmpdir(), 'store-'));
  const stores: PeerStore[] = [];
  return {
    open() {
      const store = createFileStore(join(folder, 'peers'), {
        log: createFakeLog(),
        lock: createOpenLock().lock,
      });
      stores.push(store);
      return store;
    },
    async dispose() {
      for (const store of stores) await store.close();
      await fs.rm(folder, { recursive: true });
    },
  };
});

storeContract('file whose batches soon outweigh its peers', async () => {
  const disk = createCrashDisk();
  return { open: () => storeOn(disk, 0).store, dispose: async () => assert.equal(disk.openFiles, 0) };
});

describe('calls to the disk', () => {
  test('the first change makes the file: temp, fsync, rename, fsync of the folder', async () => {
    const disk = createCrashDisk();
    const store = await loadedOn(disk);
    assert.deepEqual([...disk.files().keys()], []);
    mustSucceed(await store.commit([put(peerFixture(0))], () => []));
    const { ends } = storeFileFixture([peerFixture(0)]);
    const sizes = ends.map((end, index) => end - (ends[index - 1] ?? 0));
    assert.deepEqual(callsOf(disk), wholeFileCalls(sizes));
    await store.close();
  });

  test('a further one is one write and one fdatasync', async () => {
    const disk = diskWith(storeFileFixture(peerFixtures(2)).bytes);
    const store = await loadedOn(disk);
    const changes = [put(peerFixture(2)), remove(peerFixture(0))];
    mustSucceed(await store.commit(changes, () => assert.fail('nobody needs them')));
    const { bytes, ends } = storeFileFixture(peerFixtures(2), [changes]);
    assert.deepEqual(disk.calls, [`write /d/peers ${bytes.length - (ends[2] ?? 0)}`, 'fdatasync /d/peers']);
    assert.deepEqual(disk.files().get(path), bytes);
    await store.close();
  });

  test('the file is written anew once its batches outweigh its peers and the bound', async () => {
    const disk = createCrashDisk();
    const store = await loadedOn(disk, 2_000);
    const live = new Map<string, Peer>();
    let anew = 0;
    for (let turn = 0; turn < 60; turn++) {
      const peer = peerFixture(turn % 5, { publicKey: publicKeyFixture(`turn ${turn}`) });
      const retires = live.get(peer.id)?.publicKey ?? null;
      disk.calls.length = 0;
      mustSucceed(await store.commit([{ kind: 'put', peer, retires }], () => [...live.values()]));
      live.set(peer.id, peer);
      if (disk.calls.length > 2) anew++;
      assert.ok((disk.files().get(path)?.length ?? 0) < 8_000);
    }
    assert.ok(anew >= 4 && anew <= 12, `${anew} times`);
    await store.close();
    const found = await foundOn(disk);
    assert.deepEqual(found.peers, sorted([...live.values()]));
    assert.equal(found.retired.length, 55, 'what earlier files retired is still known');
  });

  test('retired keys are forgotten beyond a bound, the oldest first', async () => {
    const disk = createCrashDisk();
    const store = await loadedOn(disk, 0);
    const key = (turn: number) => publicKeyFixture(`turn ${turn}`);
    for (let turn = 1; turn <= 2_000; turn++) {
      const peer = peerFixture(0, { publicKey: key(turn) });
      mustSucceed(await store.commit([{ kind: 'put', peer, retires: key(turn - 1) }], () => []));
    }
    await store.close();
    const { retired } = await foundOn(disk);
    assert.ok(retired.length >= 1_024 && retired.length <= 1_200, `${retired.length}`);
    assert.deepEqual(
      retired,
      Array.from(retired, (_, index) => key(2_000 - retired.length + index)),
    );
  });

  const whole = storeFileFixture([peerFixture(0)]).bytes;
  const withBatch = storeFileFixture([peerFixture(0)], [[put(peerFixture(1))]]).bytes;
  const torn = withBatch.subarray(0, withBatch.length - 10);

  test('a torn batch is cut off for good before anything else, with one warning', async () => {
    const disk = diskWith(torn);
    const { store, log } = storeOn(disk);
    assert.deepEqual(mustSucceed(await store.load()).peers, [peerFixture(0)]);
    assert.deepEqual(disk.calls, [`truncate /d/peers ${whole.length}`, 'fsync /d/peers']);
    const [line, ...more] = log.lines;
    assert.equal(line?.level, 'warn');
    assert.deepEqual(line?.fields, {
      file: path,
      byte: whole.length,
      droppedBytes: torn.length - whole.length,
    });
    assert.deepEqual(more, []);
    for (const files of disk.afterPowerCut()) assert.deepEqual(files.get(path), whole);
    mustSucceed(await store.commit([put(peerFixture(2))], () => assert.fail('nobody needs them')));
    await store.close();
    assert.deepEqual((await foundOn(disk)).peers, sorted([peerFixture(0), peerFixture(2)]));
    const again = storeOn(disk);
    mustSucceed(await again.store.load());
    assert.deepEqual(again.log.lines, []);
    await again.store.close();
  });

  test('a power cut while a torn batch is cut off leaves one that is dropped at the next start', async () => {
    for (const moment of ['truncate', 'fsync']) {
      const disk = diskWith(torn);
      const pictures: Map<string, Buffer>[] = [];
      disk.onCall = (call) => {
        if (call.startsWith(moment)) for (const files of disk.afterPowerCut()) pictures.push(new Map(files));
        return null;
      };
      await (await loadedOn(disk)).close();
      assert.ok(pictures.length > 0);
      for (const files of pictures) {
        assert.deepEqual((await foundOn(createCrashDisk(files))).peers, [peerFixture(0)]);
      }
    }
  });

  for (const failing of ['truncate', 'fsync']) {
    test(`a torn batch that can not be cut off (${failing}) stays until the file is written anew`, async () => {
      const disk = diskWith(torn);
      failOnce(disk, failing, 'EIO');
      const { store, log } = storeOn(disk);
      assert.deepEqual(mustSucceed(await store.load()).peers, [peerFixture(0)]);
      assert.match(String(log.lines.at(-1)?.fields['reason']), /^EIO/);
      disk.calls.length = 0;
      mustSucceed(await store.commit([put(peerFixture(2))], () => [peerFixture(0)]));
      assert.match(disk.calls[0] ?? '', /^create/, 'nothing is appended to it');
      mustSucceed(await store.commit([put(peerFixture(3))], () => assert.fail('nobody needs them')));
      await store.close();
      assert.deepEqual((await foundOn(disk)).peers, sorted([peerFixture(0), peerFixture(2), peerFixture(3)]));
    });
  }

  test('temporary files of a crash are removed, and nothing else', async () => {
    const names = [
      'peers.12-3.tmp',
      'peers.lock',
      'peers.tmp',
      'peers.1-2.tmp.x',
      'other.1-2.tmp',
      'peers.x-1.tmp',
    ];
    const disk = createCrashDisk(new Map(names.map((name) => [`/d/${name}`, Buffer.of(1)])));
    await (await loadedOn(disk)).close();
    assert.deepEqual(
      [...disk.files().keys()],
      names.slice(1).map((name) => `/d/${name}`),
    );
  });
});

/** The disk heals at once: whoever tries again on the same descriptor is told that all is well. */
function failOnce(disk: CrashDisk, failing: string, error: string): void {
  let times = 0;
  disk.onCall = (call) => (`${call} `.startsWith(failing) && times++ === 0 ? error : null);
}

describe('a disk that fails', () => {
  const before = peerFixtures(3);
  const appendCalls = ['write /d/peers', 'fdatasync /d/peers'];
  const wholeCalls = ['create /d/peers.', 'write /d/peers.', 'fsync /d/peers.', 'rename', 'fsync /d '];

  for (const failing of appendCalls) {
    for (const error of failing.startsWith('write') ? ['EIO', 'ENOSPC', 'short'] : ['EIO']) {
      test(`${failing} in an append: ${error}`, async () => {
        const disk = diskWith(storeFileFixture(before).bytes);
        const store = await loadedOn(disk);
        failOnce(disk, failing, error);
        const failure = mustFail(await store.commit([put(peerFixture(7))], () => before));
        assert.equal(failure.code, 'store_failed');
        assert.match(failure.detail, /\/d\/peers/);
        assert.equal(disk.openFiles, 0, 'the poisoned descriptor is closed');
        assert.deepEqual(
          (await foundOn(disk)).peers,
          sorted(before),
          'a process that ends now has changed nothing',
        );
        disk.calls.length = 0;
        mustFail(await store.commit([put(peerFixture(8))], () => before));
        assert.deepEqual(disk.calls, [], 'nothing is tried on it again');
        await assertHeals(disk, store);
      });
    }
  }

  for (const failing of wholeCalls) {
    for (const error of failing.startsWith('write') ? ['ENOSPC', 'short'] : ['EIO']) {
      for (const write of ['commit', 'rewrite'] as const) {
        test(`${failing} of a whole file in a ${write}: ${error}`, async () => {
          const disk = diskWith(storeFileFixture(before).bytes);
          const store = await loadedOn(disk, 0);
          failOnce(disk, failing, error);
          const written =
            write === 'commit'
              ? await store.commit(peerFixtures(1_100).map(put), () => before)
              : await store.rewrite(peerFixtures(9), []);
          assert.equal(mustFail(written).code, 'store_failed');
          assert.equal(disk.openFiles, 0);
          assert.deepEqual([...disk.files().keys()], [path], 'no temporary file is left');
          const renamed = failing === 'fsync /d ';
          const { peers } = await foundOn(disk);
          assert.equal(peers.length, renamed ? (write === 'commit' ? 1_100 : 9) : 3);
          mustFail(await store.commit([put(peerFixture(8))], () => before));
          await assertHeals(disk, store);
        });
      }
    }
  }

  test('a rewrite that fails leaves a store that only a rewrite heals', async () => {
    const disk = diskWith(storeFileFixture(before).bytes);
    const store = await loadedOn(disk);
    disk.onCall = () => 'EIO';
    for (let turn = 0; turn < 3; turn++) mustFail(await store.rewrite(before, []));
    disk.onCall = () => null;
    mustFail(await store.commit([put(peerFixture(8))], () => before));
    await assertHeals(disk, store);
  });

  async function assertHeals(disk: CrashDisk, store: PeerStore): Promise<void> {
    const gone = publicKeyFixture('gone');
    mustSucceed(await store.rewrite(before, [gone]));
    mustSucceed(await store.commit([put(peerFixture(5))], () => before));
    await store.close();
    assert.equal(disk.openFiles, 0);
    for (const files of disk.afterPowerCut()) {
      const found = await foundOn(createCrashDisk(files));
      assert.deepEqual(found, { peers: sorted([...before, peerFixture(5)]), retired: [gone] });
    }
  }
});

describe('a load that fails', () => {
  test('a damaged file is named, left as it is, and the lock given up', async () => {
    const { bytes } = storeFileFixture(peerFixtures(2), [[put(peerFixture(2))]]);
    bytes[bytes.length - 20] = 0;
    const disk = diskWith(bytes);
    const { store, lock } = storeOn(disk);
    const failure = mustFail(await store.load());
    assert.equal(failure.code, 'store_invalid');
    assert.match(failure.detail, /^\/d\/peers: byte [0-9]+: /);
    assert.deepEqual(disk.calls, []);
    assert.deepEqual([...disk.files()], [[path, bytes]]);
    assert.deepEqual([disk.openFiles, lock.held], [0, 0]);
    await assertUnusable(store);
  });

  test('an empty file is damage', async () => {
    assert.equal(mustFail(await storeOn(diskWith(Buffer.alloc(0))).store.load()).code, 'store_invalid');
  });

  test('a lock that another holds, and one that can not be had', async () => {
    for (const [code, expected] of [
      ['lock_held', 'store_locked'],
      ['lock_failed', 'store_failed'],
    ] as const) {
      const lock: AcquireFileLock = async (lockPath) => fail({ code, detail: `${lockPath}: no` });
      const { fileSystem } = diskWith(storeFileFixture([]).bytes);
      const store = createFileStore(path, { log: createFakeLog(), lock, fileSystem });
      assert.deepEqual(mustFail(await store.load()), { code: expected, detail: '/d/peers.lock: no' });
      await assertUnusable(store);
    }
  });

  test('the file is read after the lock is had, for its holder writes', async () => {
    const disk = createCrashDisk();
    const lock: AcquireFileLock = async () => {
      const other = await loadedOn(disk);
      mustSucceed(await other.commit([put(peerFixture(0))], () => []));
      await other.close();
      return ok({ release: async () => {} });
    };
    const store = createFileStore(path, { log: createFakeLog(), lock, fileSystem: disk.fileSystem });
    assert.deepEqual(mustSucceed(await store.load()).peers, [peerFixture(0)]);
    await store.close();
  });

  test('before a load, after a second one and after the end nothing works', async () => {
    const disk = createCrashDisk();
    const { store, lock } = storeOn(disk);
    await assertUnusable(store);
    mustSucceed(await store.load());
    mustFail(await store.load());
    await store.close();
    await assertUnusable(store);
    assert.equal(lock.held, 0);
    assert.deepEqual(disk.calls, []);
  });
});

test('a peer that could not be read back is refused, and the store goes on', async () => {
  const disk = diskWith(storeFileFixture([peerFixture(0)]).bytes);
  const store = await loadedOn(disk);
  const bad: Partial<Peer>[] = [
    { createdAtMs: Number.NaN },
    { expiresAtMs: 0.5 },
    { allowedIPs: [] },
    { allowedIPs: ['10.0.0.0/8' as AllowedIP] },
  ];
  for (const fields of bad) {
    const changes = [put(peerFixture(1)), put(peerFixture(2, fields))];
    assert.equal(mustFail(await store.commit(changes, () => [peerFixture(0)])).code, 'store_failed');
  }
  assert.deepEqual(disk.calls, []);
  mustSucceed(await store.commit([put(peerFixture(1))], () => [peerFixture(0)]));
  await store.close();
  assert.deepEqual((await foundOn(disk)).peers, sorted(peerFixtures(2)));
});

describe('the copy that is kept', () => {
  const nowMs = Date.UTC(2026, 1, 2, 0, 6, 6, 123);
  const copyPath = '/d/peers.2026-02-02T00-06-06.123Z.bak';
  const { bytes } = storeFileFixture(peerFixtures(2), [[put(peerFixture(2))]]);

  test('is the file as it was loaded, without a torn end, and durable', async () => {
    const further = storeFileFixture(peerFixtures(2), [[put(peerFixture(2))], [put(peerFixture(3))]]).bytes;
    for (const loaded of [bytes, further.subarray(0, further.length - 3)]) {
      const disk = diskWith(loaded);
      const store = await loadedOn(disk);
      assert.equal(mustSucceed(await store.keepCopy(nowMs)), copyPath);
      assert.deepEqual(disk.calls, [
        `create ${copyPath}`,
        `write ${copyPath} ${bytes.length}`,
        `fsync ${copyPath}`,
        'fsync /d',
      ]);
      await store.close();
      for (const files of disk.afterPowerCut()) assert.deepEqual(files.get(copyPath), bytes);
    }
  });

  test('leaves out what was committed since', async () => {
    const disk = diskWith(bytes);
    const store = await loadedOn(disk);
    mustSucceed(await store.commit([put(peerFixture(3))], () => []));
    mustSucceed(await store.keepCopy(nowMs));
    assert.deepEqual(disk.files().get(copyPath), bytes);
    await store.close();
  });

  test('is not to be had any more once the file was written anew', async () => {
    const store = await loadedOn(diskWith(bytes));
    mustSucceed(await store.rewrite([], []));
    assert.match(mustFail(await store.keepCopy(nowMs)).detail, /written anew/);
    await store.close();
  });

  test('never overwrites one that is there', async () => {
    const disk = createCrashDisk(
      new Map([
        [path, bytes],
        [copyPath, Buffer.of(7)],
      ]),
    );
    const store = await loadedOn(disk);
    assert.equal(mustFail(await store.keepCopy(nowMs)).code, 'store_failed');
    assert.deepEqual(disk.files().get(copyPath), Buffer.of(7));
    mustSucceed(await store.commit([put(peerFixture(3))], () => []));
    await store.close();
  });

  test('a copy that fails leaves no half of one, and the store works', async () => {
    const disk = diskWith(bytes);
    const store = await loadedOn(disk);
    disk.onCall = (call) => (call.startsWith('fsync') ? 'EIO' : null);
    mustFail(await store.keepCopy(nowMs));
    disk.onCall = () => null;
    assert.deepEqual([...disk.files().keys()], [path]);
    mustSucceed(await store.commit([put(peerFixture(3))], () => []));
    await store.close();
  });
});

describe('on a real file system', () => {
  const realStore = (file: string) =>
    createFileStore(file, { log: createFakeLog(), lock: createOpenLock().lock });

  async function temporaryFolder(t: TestContext): Promise<string> {
    const folder = await fs.mkdtemp(join(tmpdir(), 'store-'));
    t.after(() => fs.rm(folder, { recursive: true }));
    return folder;
  }

  async function commitOne(file: string): Promise<void> {
    const store = realStore(file);
    mustSucceed(await store.load());
    mustSucceed(await store.commit([put(peerFixture(0))], () => []));
    await store.close();
  }

  test('file 0600, in a folder 0700 that load makes', async (t) => {
    const folder = join(await temporaryFolder(t), 'a', 'b');
    await commitOne(join(folder, 'peers'));
    for (const made of [folder, join(folder, '..')]) assert.equal((await fs.stat(made)).mode & 0o777, 0o700);
    assert.equal((await fs.stat(join(folder, 'peers'))).mode & 0o777, 0o600);
  });

  test('a file that others could read is closed to them', async (t) => {
    const file = join(await temporaryFolder(t), 'peers');
    await fs.writeFile(file, storeFileFixture([peerFixture(0)]).bytes);
    // Apart from the file's making, whose mode the umask has a say in.
    await fs.chmod(file, 0o644);
    const log = createFakeLog();
    const store = createFileStore(file, { log, lock: createOpenLock().lock });
    mustSucceed(await store.load());
    await store.close();
    assert.equal((await fs.stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(
      log.lines.map((line) => line.level),
      ['warn'],
    );
  });

  test('symbolic links stay: to a file, to one that is missing yet, in a chain, and to a folder', async (t) => {
    const folder = await temporaryFolder(t);
    await fs.mkdir(join(folder, 'real'));
    await fs.symlink('real', join(folder, 'folder'));
    await fs.symlink('folder/peers', join(folder, 'link'));
    await fs.symlink('link', join(folder, 'chain'));
    for (let turn = 0; turn < 2; turn++) {
      for (const name of ['chain', 'link', 'folder/peers']) {
        const store = realStore(join(folder, name));
        mustSucceed(await store.load());
        mustSucceed(await store.rewrite([peerFixture(turn)], []));
        await store.close();
      }
      assert.ok((await fs.lstat(join(folder, 'link'))).isSymbolicLink());
      assert.ok((await fs.lstat(join(folder, 'chain'))).isSymbolicLink());
      assert.ok((await fs.lstat(join(folder, 'real/peers'))).isFile());
    }
  });

  test('links in a circle, a folder and a pipe are refused', async (t) => {
    const folder = await temporaryFolder(t);
    await fs.symlink('circle', join(folder, 'circle'));
    await fs.mkdir(join(folder, 'folder'));
    for (const name of ['circle', 'folder', 'folder/x/../../folder']) {
      assert.equal(mustFail(await realStore(join(folder, name)).load()).code, 'store_failed', name);
    }
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    assert.equal(mustFail(await realStore(pipe).load()).code, 'store_invalid');
  });

  test('a folder that is a file is named', async (t) => {
    const file = join(await temporaryFolder(t), 'file');
    await fs.writeFile(file, '');
    const failure = mustFail(await realStore(join(file, 'peers')).load());
    assert.equal(failure.code, 'store_failed');
    assert.ok(failure.detail.includes(file));
  });
});
