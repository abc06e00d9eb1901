// Power cuts at every moment of the store's writes, in every state that they may leave. What a real disk does is in no test of this kind.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { createFileStore } from '../../../adapters/store/file-store.ts';
import type { Peer, PeerId, PublicKey } from '../../../core/peers/peer.ts';
import type { PeerStore, StoreChange } from '../../../core/ports.ts';
import { ok } from '../../../core/result.ts';
import { put, remove, sorted } from '../../contracts/store.ts';
import { type CrashDisk, createCrashDisk, type DiskFiles } from '../../fakes/crash-disk.ts';
import { createFakeLog } from '../../fakes/log.ts';
import { mustSucceed } from '../../fixtures/outcome.ts';
import { peerFixture, peerFixtures, publicKeyFixture } from '../../fixtures/peers.ts';
import { storeFileFixture } from '../../fixtures/store-files.ts';

const path = '/d/peers';

/** What a store may hold after a power cut: before the change in flight or after it. */
interface Held {
  readonly peers: readonly Peer[];
  readonly retired: readonly PublicKey[];
}

function storeOn(disk: CrashDisk, appendedBytesMin: number): PeerStore {
  const lock = async () => ok({ release: async () => {} });
  return createFileStore(path, { log: createFakeLog(), lock, fileSystem: disk.fileSystem, appendedBytesMin });
}

/** Makes changes one by one, cuts the power before and after each call to the disk, and loads every state that is left. */
async function cutAtEveryCall(
  disk: CrashDisk,
  appendedBytesMin: number,
  held: Held,
  steps: readonly (readonly StoreChange[] | 'rewrite')[],
): Promise<number> {
  const peers = new Map<PeerId, Peer>(held.peers.map((peer) => [peer.id, peer]));
  let before = held;
  let after = held;
  const pictures: { before: Held; after: Held; files: DiskFiles }[] = [];
  const picture = () => {
    for (const files of disk.afterPowerCut()) pictures.push({ before, after, files });
  };
  const store = storeOn(disk, appendedBytesMin);
  mustSucceed(await store.load());
  disk.onCall = () => {
    picture();
    return null;
  };
  for (const step of steps) {
    const peersBefore = [...peers.values()];
    const changes = step === 'rewrite' ? [] : step;
    for (const change of changes) {
      if (change.kind === 'put') peers.set(change.peer.id, change.peer);
      else peers.delete(change.id);
    }
    after = {
      peers: sorted([...peers.values()]),
      retired: changes.flatMap((change) => change.retires ?? []),
    };
    const written =
      step === 'rewrite' ? store.rewrite(peersBefore, []) : store.commit(changes, () => peersBefore);
    mustSucceed(await written);
    before = after;
    picture();
  }
  await store.close();
  const seen = new Set<string>();
  for (const { before: acknowledged, after: inFlight, files } of pictures) {
    const name = digest(files, acknowledged, inFlight);
    if (seen.has(name)) continue;
    seen.add(name);
    await assertHolds(files, acknowledged, inFlight);
  }
  return seen.size;
}

async function assertHolds(files: DiskFiles, acknowledged: Held, inFlight: Held): Promise<void> {
  const disk = createCrashDisk(files);
  const store = storeOn(disk, 1_048_576);
  const found = mustSucceed(await store.load());
  const peers = sorted(found.peers);
  const held = [inFlight, acknowledged].find((candidate) => sameIds(candidate.peers, peers));
  assert.ok(held, 'holds neither what was acknowledged nor that and the change in flight');
  assert.deepEqual(peers, held.peers);
  for (const key of held.retired) assert.ok(found.retired.includes(key), 'a retired key is forgotten');
  // Life goes on from there.
  const extra = peerFixture(999);
  mustSucceed(await store.commit([put(extra)], () => found.peers));
  await store.close();
  const again = mustSucceed(await storeOn(createCrashDisk(disk.files()), 0).load());
  assert.deepEqual(sorted(again.peers), sorted([...peers, extra]));
}

function sameIds(a: readonly Peer[], b: readonly Peer[]): boolean {
  const keys = (peers: readonly Peer[]) => peers.map((peer) => peer.publicKey).join();
  return keys(a) === keys(b);
}

function digest(files: DiskFiles, ...held: readonly Held[]): string {
  const hash = createHash('sha256').update(JSON.stringify(held));
  for (const [name, bytes] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name} ${bytes.length} `).update(bytes);
  }
  return hash.digest('hex');
}

const rotate = (index: number, turn: number): StoreChange => ({
  kind: 'put',
  peer: peerFixture(index, { publicKey: publicKeyFixture(`turn ${turn} of ${index}`) }),
  retires: turn === 1 ? peerFixture(index).publicKey : publicKeyFixture(`turn ${turn - 1} of ${index}`),
});

const everyKindOfChange: readonly (readonly StoreChange[] | 'rewrite')[] = [
  [put(peerFixture(0))],
  [put(peerFixture(1)), put(peerFixture(2)), put(peerFixture(3))],
  [rotate(1, 1)],
  [remove(peerFixture(0))],
  'rewrite',
  [rotate(1, 2), put(peerFixture(4))],
  [put(peerFixture(0))],
];

test('a store that begins with nothing, its changes appended', async () => {
  const states = await cutAtEveryCall(
    createCrashDisk(),
    1_048_576,
    { peers: [], retired: [] },
    everyKindOfChange,
  );
  assert.ok(states > 500, `only ${states} states`);
});

test('a store that is written anew again and again', async () => {
  const states = await cutAtEveryCall(createCrashDisk(), 0, { peers: [], retired: [] }, [
    ...everyKindOfChange,
    ...[3, 4, 5, 6].map((turn) => [rotate(1, turn)]),
  ]);
  assert.ok(states > 500, `only ${states} states`);
});

test('a store that a power cut hit before', async () => {
  const { bytes } = storeFileFixture(peerFixtures(2), [[put(peerFixture(2))]]);
  const disk = createCrashDisk(new Map([[path, bytes.subarray(0, bytes.length - 5)]]));
  const held = { peers: sorted(peerFixtures(2)), retired: [] };
  const states = await cutAtEveryCall(disk, 1_048_576, held, [[put(peerFixture(5))], [put(peerFixture(6))]]);
  assert.ok(states > 100, `only ${states} states`);
});
