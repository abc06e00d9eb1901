// What every Device does, be it real or not: one suite for all of them. Knows none of them.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { batchMax, keepaliveSeconds } from '../../core/limits.ts';
import type { AllowedIP, PublicKey } from '../../core/peers/peer.ts';
import type { Device, DeviceChange, DevicePeer, DevicePeerSpec } from '../../core/ports.ts';
import { createFakeKeySource } from '../fakes/key-source.ts';
import { until } from '../fixtures/until.ts';

export interface DeviceUnderTest {
  readonly device: Device;
  /** The device's own. */
  readonly publicKey: PublicKey;
  readonly listenPort: number;
  /** Sets the interface up or down; null: there is none that could be. */
  readonly setLink: ((state: 'up' | 'down') => Promise<unknown>) | null;
}

/** Registers the suite. `make` gives an empty device that no other test uses, and cleans up with the test. */
export function testDevice(name: string, make: (test: TestContext) => Promise<DeviceUnderTest>): void {
  describe(name, () => {
    it('shows itself, and no peers at first', async (test) => {
      const { device, publicKey, listenPort } = await make(test);
      const seen: DevicePeer[] = [];
      const looked = await device.look((peer) => seen.push(peer));
      assert.deepEqual(looked, { ok: true, value: { publicKey, listenPort } });
      assert.deepEqual(seen, []);
    });

    it('adds a peer with everything that it shall have', async (test) => {
      const { device } = await make(test);
      const peer = specs.one('10.7.0.2/32', 'fd07::2/128');
      await granted(device, put(peer));
      assert.deepEqual(await peersOf(device), new Map([[peer.publicKey, untouched(peer)]]));
    });

    it('makes a known peer exactly as it shall be', async (test) => {
      const { device } = await make(test);
      const before = specs.one('10.7.0.2/32', 'fd07::2/128');
      const after = { ...specs.one('10.7.0.3/32'), publicKey: before.publicKey };
      await granted(device, put(before));
      await granted(device, put(after));
      await granted(device, put(after));
      assert.deepEqual(await peersOf(device), new Map([[after.publicKey, untouched(after)]]));
    });

    it('adds one peer and touches no other', async (test) => {
      const { device } = await make(test);
      const [first, second] = [specs.one('10.7.0.2/32'), specs.one('10.7.0.3/32')];
      await granted(device, put(first));
      await granted(device, put(second));
      assert.deepEqual(
        [...(await peersOf(device)).keys()].sort(),
        [first.publicKey, second.publicKey].sort(),
      );
    });

    it('replaces one key by another, with the addresses', async (test) => {
      const { device } = await make(test);
      const before = specs.one('10.7.0.2/32', 'fd07::2/128');
      const after = specs.one('10.7.0.2/32', 'fd07::2/128');
      await granted(device, put(before));
      await granted(device, put(after, before.publicKey));
      await granted(device, put(after, before.publicKey));
      assert.deepEqual(await peersOf(device), new Map([[after.publicKey, untouched(after)]]));
    });

    it('keeps a key that replaces itself', async (test) => {
      const { device } = await make(test);
      const peer = specs.one('10.7.0.2/32');
      await granted(device, put(peer));
      await granted(device, put(peer, peer.publicKey));
      assert.deepEqual(await peersOf(device), new Map([[peer.publicKey, untouched(peer)]]));
    });

    it('removes a peer, and does not mind one that is not there', async (test) => {
      const { device } = await make(test);
      const peer = specs.one('10.7.0.2/32');
      await granted(device, put(peer));
      await granted(device, remove(peer.publicKey));
      await granted(device, remove(peer.publicKey));
      assert.deepEqual(await peersOf(device), new Map());
    });

    it('has nothing to do for no change', async (test) => {
      const { device } = await make(test);
      await granted(device);
      assert.deepEqual(await peersOf(device), new Map());
    });

    it('gives an address that becomes free to a peer that comes in the same call', async (test) => {
      const { device } = await make(test);
      const [leaving, coming] = [specs.one('10.7.0.2/32'), specs.one('10.7.0.2/32')];
      await granted(device, put(leaving));
      await granted(device, put(coming), remove(leaving.publicKey));
      assert.deepEqual(await peersOf(device), new Map([[coming.publicKey, untouched(coming)]]));
    });

    it('moves an address to the peer that claims it last', async (test) => {
      const { device } = await make(test);
      const [first, second] = [specs.one('10.7.0.2/32', 'fd07::2/128'), specs.one('fd07::2/128')];
      await granted(device, put(first));
      await granted(device, put(second));
      const peers = await peersOf(device);
      assert.deepEqual(peers.get(first.publicKey)?.allowedIPs, ['10.7.0.2/32']);
      assert.deepEqual(peers.get(second.publicKey)?.allowedIPs, ['fd07::2/128']);
    });

    it('counts the last of several wishes for one key', async (test) => {
      const { device } = await make(test);
      const [a, b, c] = [specs.one('10.7.0.2/32'), specs.one('10.7.0.2/32'), specs.one('10.7.0.2/32')];
      const passing = specs.one('10.7.0.9/32');
      await granted(
        device,
        put(a),
        put(b, a.publicKey),
        put(c, b.publicKey),
        put(passing),
        remove(passing.publicKey),
      );
      assert.deepEqual(await peersOf(device), new Map([[c.publicKey, untouched(c)]]));
      await granted(device, remove(c.publicKey), put(c));
      assert.deepEqual(await peersOf(device), new Map([[c.publicKey, untouched(c)]]));
    });

    it('does not take itself for a peer', async (test) => {
      const { device, publicKey } = await make(test);
      await granted(device, put({ ...specs.one('10.7.0.2/32'), publicKey }));
      assert.deepEqual(await peersOf(device), new Map());
    });

    it('grants more wishes than fit into one batch', async (test) => {
      const { device } = await make(test);
      const count = batchMax * 2 + 3;
      const before = Array.from({ length: count }, (_, index) => specs.one(addressOf(index)));
      const after = before.map((peer) => specs.one(...peer.allowedIPs));
      await granted(device, ...before.map((peer) => put(peer)));
      await granted(device, ...after.map((peer, index) => put(peer, before[index]?.publicKey)));
      assert.deepEqual(
        await peersOf(device),
        new Map(after.map((peer) => [peer.publicKey, untouched(peer)])),
      );
    });

    it('answers looks while a change is under way', async (test) => {
      const { device } = await make(test);
      const peers = Array.from({ length: 50 }, (_, index) => specs.one(addressOf(index)));
      const change = granted(device, ...peers.map((peer) => put(peer)));
      const looks = await Promise.all([peersOf(device), peersOf(device), peersOf(device)]);
      for (const seen of looks) assert.ok(seen.size <= peers.length);
      await change;
      assert.equal((await peersOf(device)).size, peers.length);
    });

    it('knows whether its interface is down, as soon as it is watched', async (test) => {
      const { device, setLink } = await make(test);
      assert.equal(device.isDown(), false);
      await setLink?.('down');
      let told = 0;
      device.watch(() => told++);
      if (setLink === null) return assert.equal(device.isDown(), false);
      await until('it is known to be down', () => device.isDown());
      // At first, or the event may come before anybody listens.
      let isUp = false;
      await until('the events are heard', async () => {
        isUp = !isUp;
        await setLink(isUp ? 'up' : 'down');
        return told > 2;
      });
      for (const state of ['down', 'up', 'down', 'up'] as const) {
        await setLink(state);
        await until(`it is known to be ${state}`, () => device.isDown() === (state === 'down'));
        assert.ok((await device.look(() => {})).ok, 'it can be read all the while');
      }
    });

    it('is out of reach once closed', async (test) => {
      const { device } = await make(test);
      await device.close();
      const looked = await device.look(() => assert.fail('no peer is to be seen'));
      const applied = await device.apply([put(specs.one('10.7.0.2/32'))]);
      assert.equal(looked.ok || looked.failure.code, 'device_unreachable');
      assert.equal(applied.ok || applied.failure.code, 'device_unreachable');
      await device.close();
    });
  });
}

/** Specs of peers with keys that never repeat. */
export function createSpecs(series = 0): { one(...allowedIPs: readonly string[]): DevicePeerSpec } {
  const keys = createFakeKeySource(series);
  return {
    one(...allowedIPs) {
      const { publicKey, presharedKey } = keys.peerKeys();
      return { publicKey, presharedKey, allowedIPs: allowedIPs as AllowedIP[] };
    },
  };
}

export function put(peer: DevicePeerSpec, replaces: PublicKey | null = null): DeviceChange {
  return { kind: 'put', peer, replaces };
}

export function remove(publicKey: PublicKey): DeviceChange {
  return { kind: 'remove', publicKey };
}

/** What a look shows of a peer that was just put and had no traffic. */
export function untouched({ publicKey, presharedKey, allowedIPs }: DevicePeerSpec): DevicePeer {
  const traffic = { latestHandshakeMs: null, receiveBytes: 0, transmitBytes: 0 };
  return { publicKey, presharedKey, allowedIPs: [...allowedIPs].sort(), keepaliveSeconds, ...traffic };
}

/** Every peer by its key, addresses in order. */
export async function peersOf(device: Device): Promise<Map<PublicKey, DevicePeer>> {
  const peers = new Map<PublicKey, DevicePeer>();
  const looked = await device.look((peer) => {
    peers.set(peer.publicKey, { ...peer, allowedIPs: [...peer.allowedIPs].sort() });
  });
  assert.ok(looked.ok, looked.ok ? '' : looked.failure.detail);
  return peers;
}

export async function granted(device: Device, ...changes: readonly DeviceChange[]): Promise<void> {
  assert.deepEqual(await device.apply(changes), { ok: true, value: undefined });
}

/** The index-th address of 10.7.0.0/16, counted from 10.7.0.2. */
export function addressOf(index: number): string {
  const host = index + 2;
  return `10.7.${host >> 8}.${host & 255}/32`;
}

const specs = createSpecs();
