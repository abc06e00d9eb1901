// The device on userspace WireGuard: that it keeps the port's promises there, and the traps of wg(8) that it has to step round.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { createWgDevice, type WgDevice } from '../../../adapters/device/wg-cli.ts';
import {
  batchMax,
  deviceTimeoutMs,
  deviceTimeoutPerChangeMs,
  deviceTimeoutPerPeerMs,
  shellEndGraceMs,
} from '../../../core/limits.ts';
import type { PublicKey } from '../../../core/peers/peer.ts';
import type { DevicePeerSpec } from '../../../core/ports.ts';
import {
  addressOf,
  createSpecs,
  granted,
  peersOf,
  put,
  remove,
  testDevice,
  untouched,
} from '../../contracts/device.ts';
import { createFakeClock, type FakeClock } from '../../fakes/clock.ts';
import { createFakeLog } from '../../fakes/log.ts';
import {
  connect,
  createNamespace,
  type Namespace,
  type UserspaceWireGuard,
} from '../../fixtures/namespace.ts';
import { until } from '../../fixtures/until.ts';

const listenPort = 51_820;
const specs = createSpecs(1);

interface Rig {
  readonly device: WgDevice;
  readonly clock: FakeClock;
  readonly namespace: Namespace;
  readonly wireGuard: UserspaceWireGuard;
  readonly publicKey: PublicKey;
}

async function setUp(test: TestContext): Promise<Rig> {
  const namespace = await createNamespace(test);
  const wireGuard = await namespace.addWireGuard('wg0');
  const publicKey = await setKey(namespace, 'wg0');
  const clock = createFakeClock();
  const surroundings = {
    shell: [...namespace.enter, '/bin/sh'] as const,
    path: process.env['PATH'] ?? '',
    clock,
  };
  const device = createWgDevice({ interfaceName: 'wg0', surroundings, log: createFakeLog() });
  test.after(() => device.close());
  return { device, clock, namespace, wireGuard, publicKey };
}

async function setKey(namespace: Namespace, name: string): Promise<PublicKey> {
  const script = 'umask 077; f=$(mktemp); wg genkey >$f; wg set "$0" private-key $f listen-port "$1"; rm $f';
  await namespace.run('sh', '-c', script, name, String(listenPort));
  return (await namespace.run('wg', 'show', name, 'public-key')).trim() as PublicKey;
}

function specsOf(count: number): DevicePeerSpec[] {
  return Array.from({ length: count }, (_, index) => specs.one(addressOf(index)));
}

testDevice('wg device', async (test) => {
  const { device, namespace, publicKey } = await setUp(test);
  const setLink = (state: string) => namespace.run('ip', 'link', 'set', 'wg0', state);
  return { device, publicKey, listenPort, setLink };
});

describe('a change of the wg device', () => {
  it('leaves key, port and mark of the interface alone', async (test) => {
    const { device, namespace } = await setUp(test);
    await namespace.run('wg', 'set', 'wg0', 'fwmark', '0x1234');
    const before = await namespace.run('wg', 'show', 'wg0', 'dump');
    const [first, second] = [specs.one('10.7.0.2/32'), specs.one('10.7.0.2/32')];
    await granted(device, put(first));
    await granted(device, put(second, first.publicKey));
    await granted(device, remove(second.publicKey));
    assert.equal(await namespace.run('wg', 'show', 'wg0', 'dump'), before);
    assert.match(before, /\t51820\t0x1234\n$/);
  });

  it('keeps what a peer has counted', async (test) => {
    const { device, namespace } = await setUp(test);
    const far = await createNamespace(test);
    await connect(
      { namespace, name: 'cable', addresses: ['10.9.0.1/24'] },
      { namespace: far, name: 'cable', addresses: ['10.9.0.2/24'] },
    );
    await far.addWireGuard('wg0');
    const client = { ...specs.one('10.7.0.2/32'), publicKey: await setKey(far, 'wg0') };
    await granted(device, put(client));
    const server = (await namespace.run('wg', 'show', 'wg0', 'public-key')).trim();
    const key = `echo ${client.presharedKey} | wg set wg0 peer ${server} preshared-key /dev/stdin`;
    await far.run('sh', '-c', `${key} allowed-ips 10.7.0.1/32 endpoint 10.9.0.1:${listenPort}`);
    for (const [end, address] of [
      [namespace, '10.7.0.1/24'],
      [far, '10.7.0.2/24'],
    ] as const) {
      await end.run('ip', 'address', 'add', address, 'dev', 'wg0');
      await end.run('ip', 'link', 'set', 'wg0', 'up');
    }
    await far.run('ping', '-c', '1', '-W', '10', '10.7.0.1');
    const met = (await peersOf(device)).get(client.publicKey);
    assert.ok(met !== undefined && met.receiveBytes > 0 && met.transmitBytes > 0);
    assert.ok(met.latestHandshakeMs !== null && Math.abs(Date.now() - met.latestHandshakeMs) < 60_000);
    await granted(device, put(client));
    assert.equal((await peersOf(device)).get(client.publicKey)?.latestHandshakeMs, met.latestHandshakeMs);
  });

  it('applies nothing of a call that wg does not understand', async (test) => {
    const { device } = await setUp(test);
    const [good, bad] = [specs.one('10.7.0.2/32'), specs.one('10.7.0.999/32')];
    const added = await device.apply([put(good), put(bad)]);
    assert.equal(added.ok || added.failure.code, 'device_refused');
    const replaced = await device.apply([put(good, specs.one().publicKey), put(bad, specs.one().publicKey)]);
    assert.equal(replaced.ok || replaced.failure.code, 'device_refused');
    assert.deepEqual(await peersOf(device), new Map());
  });

  it('shows addresses as they were given, however the C library writes them', async (test) => {
    const { device } = await setUp(test);
    const peer = specs.one('::102:304/128', '::ffff:102:304/128', 'fd07::1:0:0:2/128');
    await granted(device, put(peer));
    assert.deepEqual(await peersOf(device), new Map([[peer.publicKey, untouched(peer)]]));
  });

  it('gives an address one owner throughout, while keys rotate', async (test) => {
    const { device, namespace } = await setUp(test);
    let peers = specsOf(batchMax);
    const addresses = peers.map((peer) => peer.allowedIPs.join());
    await granted(device, ...peers.map((peer) => put(peer)));
    let rotating = true;
    let dumps = 0;
    const watching = (async () => {
      for (; rotating; dumps++) {
        const dump = await namespace.run('wg', 'show', 'wg0', 'allowed-ips');
        const owned = dump
          .split('\n')
          .map((line) => line.split('\t')[1])
          .filter((ip) => ip !== undefined && ip !== '(none)');
        assert.deepEqual(owned.sort(), [...addresses].sort());
      }
    })();
    for (let round = 0; round < 150; round++) {
      const count = round % 3 === 0 ? peers.length : 1;
      const after = peers.slice(0, count).map((peer) => specs.one(...peer.allowedIPs));
      await granted(device, ...after.map((peer, index) => put(peer, peers[index]?.publicKey)));
      peers = [...after, ...peers.slice(count)];
    }
    rotating = false;
    await watching;
    assert.ok(dumps > 20, `${dumps} dumps`);
    assert.deepEqual(await peersOf(device), new Map(peers.map((peer) => [peer.publicKey, untouched(peer)])));
  });

  it('may follow the one before at once, or after a while', async (test) => {
    const { device } = await setUp(test);
    const peers = specsOf(60);
    for (const peer of peers.slice(0, 30)) await granted(device, put(peer));
    await Promise.all(peers.slice(30).map((peer) => granted(device, put(peer))));
    for (const peer of peers.slice(0, 10)) await granted(device, remove(peer.publicKey));
    await granted(device, ...peers.slice(5, 10).map((peer) => put(peer)));
    assert.deepEqual(
      await peersOf(device),
      new Map(peers.slice(5).map((peer) => [peer.publicKey, untouched(peer)])),
    );
  });

  it('can be large', async (test) => {
    const { device } = await setUp(test);
    const peers = specsOf(5_000);
    await granted(device, ...peers.map((peer) => put(peer)));
    assert.deepEqual(await peersOf(device), new Map(peers.map((peer) => [peer.publicKey, untouched(peer)])));
    const after = peers.slice(0, 200).map((peer) => specs.one(...peer.allowedIPs));
    const rotations = after.map((peer, index) => put(peer, peers[index]?.publicKey));
    await granted(device, ...rotations, ...peers.slice(200).map((peer) => remove(peer.publicKey)));
    assert.deepEqual(await peersOf(device), new Map(after.map((peer) => [peer.publicKey, untouched(peer)])));
  });
});

// The signal is sent before it has arrived, and one thread may stop later than another.
async function stopped({ process }: UserspaceWireGuard): Promise<void> {
  const tasks = `/proc/${process.pid}/task`;
  process.kill('SIGSTOP');
  await until('every thread has stopped', () =>
    readdirSync(tasks).every((task) => /^State:\tT/m.test(readFileSync(`${tasks}/${task}/status`, 'utf8'))),
  );
}

describe('a wg device that hangs', () => {
  it('is given up, and is as good as before when it goes on', async (test) => {
    const { device, clock, wireGuard } = await setUp(test);
    const peer = specs.one('10.7.0.2/32');
    await stopped(wireGuard);
    const applied = device.apply([put(peer)]);
    const looked = device.look(() => {});
    let done = false;
    void Promise.all([applied, looked]).then(() => {
      done = true;
    });
    await until('the outcome', async () => {
      if (!done) await clock.advance(shellEndGraceMs);
      return done;
    });
    for (const result of await Promise.all([applied, looked])) {
      assert.equal(result.ok || result.failure.code, 'device_timeout');
    }
    wireGuard.process.kill('SIGCONT');
    const other = specs.one('10.7.0.3/32');
    await granted(device, put(other));
    // What was given up may be applied yet: here it was in the socket, and wireguard-go reads on.
    await until('the first peer', async () => (await peersOf(device)).has(peer.publicKey));
    assert.deepEqual([...(await peersOf(device)).keys()].sort(), [other.publicKey, peer.publicKey].sort());
  });

  it('has made the change in the end, when it only was slow', async (test) => {
    const { device, clock, wireGuard } = await setUp(test);
    const peer = specs.one('10.7.0.2/32');
    await peersOf(device);
    await stopped(wireGuard);
    const applied = device.apply([put(peer)]);
    await clock.advance(deviceTimeoutMs + deviceTimeoutPerChangeMs + deviceTimeoutPerPeerMs);
    wireGuard.process.kill('SIGCONT');
    assert.deepEqual(await applied, { ok: true, value: undefined });
    assert.ok(device.runs() >= 3, 'it looked what came of it');
    assert.deepEqual(await peersOf(device), new Map([[peer.publicKey, untouched(peer)]]));
  });
});

describe('an interface', () => {
  it('refuses while it is not there, and is found when it is made anew', async (test) => {
    const { device, namespace, wireGuard } = await setUp(test);
    await granted(device, put(specs.one('10.7.0.2/32')));
    await wireGuard.remove();
    const looked = await device.look(() => {});
    const applied = await device.apply([put(specs.one('10.7.0.2/32'))]);
    assert.equal(looked.ok || looked.failure.code, 'device_refused');
    assert.equal(applied.ok || applied.failure.code, 'device_refused');
    await namespace.addWireGuard('wg0');
    assert.deepEqual(await peersOf(device), new Map());
  });

  it('is announced when it goes and when it comes', async (test) => {
    const { device, namespace, wireGuard } = await setUp(test);
    let announced = 0;
    device.watch(() => {
      announced++;
    });
    // The first announcement says how things are. Not before the second can it be known that events are heard.
    await until('the watch', async () => {
      await namespace.run('ip', 'link', 'set', 'wg0', 'up');
      await namespace.run('ip', 'link', 'set', 'wg0', 'down');
      return announced > 1;
    });
    const heard = async (what: string, happen: () => Promise<unknown>) => {
      const before = announced;
      await happen();
      await until(what, () => announced > before);
    };
    await heard('its going', () => wireGuard.remove());
    await heard('its coming', () => namespace.addWireGuard('wg0'));
  });
});
