import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createMemoryDevice } from '../../adapters/device/memory-device.ts';
import { createSpecs, granted, peersOf, put, testDevice } from '../contracts/device.ts';
import { createFakeClock } from './clock.ts';
import { createFlakyDevice } from './flaky-device.ts';
import { createFakeKeySource } from './key-source.ts';

const { publicKey } = createFakeKeySource(99).peerKeys();
const create = () => createFlakyDevice(createMemoryDevice({ clock: createFakeClock(), publicKey }));
const peer = createSpecs().one('10.7.0.2/32');

testDevice('flaky device without a fault', async () => ({
  device: create(),
  publicKey,
  listenPort: 51_820,
  setLink: null,
}));

it('fails as it is told to, with the effect that goes with it', async () => {
  for (const [fate, size] of [
    ['device_timeout', 0],
    ['device_refused', 0],
    ['applied_but_late', 1],
  ] as const) {
    const device = create();
    device.fate = (call) => (call === 'apply' ? fate : 'good');
    const applied = await device.apply([put(peer)]);
    assert.equal(applied.ok || applied.failure.code, fate === 'applied_but_late' ? 'device_timeout' : fate);
    assert.equal((await peersOf(device)).size, size);
    assert.deepEqual(device.calls, { looks: 1, applies: 1 });
  }
});

it('holds a call until it is released', async () => {
  const device = create();
  device.fate = (call) => (call === 'apply' ? 'held' : 'good');
  const applied = granted(device, put(peer));
  assert.equal((await peersOf(device)).size, 0);
  device.release();
  await applied;
  assert.equal((await peersOf(device)).size, 1);
});

it('is empty and says so when it is made anew', async () => {
  const device = create();
  let told = 0;
  device.watch(() => {
    told++;
  });
  await granted(device, put(peer));
  await device.remake();
  assert.equal((await peersOf(device)).size, 0);
  assert.equal(told, 1);
});
