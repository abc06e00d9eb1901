import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createMemoryDevice } from '../../../adapters/device/memory-device.ts';
import { createSpecs, granted, peersOf, put, remove, testDevice } from '../../contracts/device.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createFakeKeySource } from '../../fakes/key-source.ts';

const { publicKey } = createFakeKeySource(99).peerKeys();
const traffic = { latestHandshakeMs: 1_700_000_000_000, receiveBytes: 12, transmitBytes: 34 };

testDevice('memory device', async () => {
  const device = createMemoryDevice({ clock: createFakeClock(), publicKey, listenPort: 51_900 });
  return { device, publicKey, listenPort: 51_900, setLink: null };
});

it('keeps what traffic did to a peer while the peer stays, and no longer', async () => {
  const device = createMemoryDevice({ clock: createFakeClock(), publicKey });
  const peer = createSpecs().one('10.7.0.2/32');
  const seen = async () => (await peersOf(device)).get(peer.publicKey);
  await granted(device, put(peer));
  device.setTraffic(peer.publicKey, traffic);
  await granted(device, put(peer));
  assert.equal((await seen())?.receiveBytes, 12);
  assert.equal((await seen())?.latestHandshakeMs, 1_700_000_000_000);
  await granted(device, remove(peer.publicKey));
  await granted(device, put(peer));
  assert.equal((await seen())?.receiveBytes, 0);
  assert.equal((await seen())?.latestHandshakeMs, null);
});
