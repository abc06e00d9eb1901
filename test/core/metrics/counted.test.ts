// Store and device with counters around them: what they do stays the same, and is counted.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createMemoryDevice } from '../../../adapters/device/memory-device.ts';
import { createMemoryStore } from '../../../adapters/store/memory-store.ts';
import { countLooks } from '../../../core/metrics/counted-device.ts';
import { countStoreWrites } from '../../../core/metrics/counted-store.ts';
import { fail } from '../../../core/result.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { mustSucceed } from '../../fixtures/outcome.ts';
import { peerFixtures, publicKeyFixture } from '../../fixtures/peers.ts';

test('writes of a store are counted by kind and result, and it stores as before', async () => {
  const contents = { peers: new Map(), retired: [] };
  const memory = createMemoryStore(contents);
  let full = false;
  const { store, writes } = countStoreWrites(
    {
      ...memory,
      rewrite: async (...peers) =>
        full ? fail({ code: 'store_failed', detail: '' }) : memory.rewrite(...peers),
    },
    createFakeClock(),
  );
  mustSucceed(await store.load());
  const [peer] = peerFixtures(1);
  assert.ok(peer);
  mustSucceed(await store.commit([{ kind: 'put', peer, retires: null }], () => []));
  assert.deepEqual([...contents.peers.keys()], [peer.id]);
  mustSucceed(await store.rewrite([peer], []));
  full = true;
  assert.equal((await store.rewrite([peer], [])).ok, false);
  assert.deepEqual(
    [...writes.counts()],
    [
      ['batch', 'ok', 1],
      ['whole', 'ok', 1],
      ['whole', 'failed', 1],
    ],
  );
});

test('looks at a device are counted and timed, and the age of the last good one is known', async () => {
  const clock = createFakeClock();
  const memory = createMemoryDevice({ clock, publicKey: publicKeyFixture('server') });
  let gone = false;
  const { device, looks } = countLooks(
    {
      ...memory,
      async look(visit) {
        await clock.advance(40);
        return gone ? fail({ code: 'device_refused', detail: '' }) : memory.look(visit);
      },
    },
    clock,
  );
  assert.equal(looks.ageMs(), null);
  mustSucceed(await device.look(() => {}));
  await clock.advance(100);
  gone = true;
  assert.equal((await device.look(() => {})).ok, false);
  assert.equal(looks.ageMs(), 180);
  assert.deepEqual(
    [...looks.counts.counts()],
    [
      ['look', 'ok', 1],
      ['look', 'device_refused', 1],
    ],
  );
  assert.equal(looks.counts.durations.get('look')?.sum, 0.04);
});
