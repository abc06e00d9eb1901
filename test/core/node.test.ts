// The one writer: batches, faults, expiry and start, each on its own. What they do together is test/simulation.test.ts.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createMemoryDevice } from '../../adapters/device/memory-device.ts';
import { createMemoryStore, type MemoryStoreContents } from '../../adapters/store/memory-store.ts';
import { parseAddress, parseCidr } from '../../core/address.ts';
import {
  batchMax,
  deviceAnswerAtStartMs,
  faultRetryMs,
  lookAgeMaxMs,
  queueMax,
  reconcileEveryMs,
  requestDeadlineMs,
  turnMaxMs,
} from '../../core/limits.ts';
import { createNode, type PeerNode } from '../../core/node.ts';
import type { AllowedIP, Peer, PeerId, PresharedKey, PublicKey } from '../../core/peers/peer.ts';
import type { PoolSubnet } from '../../core/peers/pool.ts';
import type { Device, DeviceChange, DeviceFailure, DevicePeer } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { createFakeClock } from '../fakes/clock.ts';
import { createFlakyStore } from '../fakes/flaky-store.ts';
import { createFakeKeySource } from '../fakes/key-source.ts';
import { createFakeLog } from '../fakes/log.ts';
import { createSeeded } from '../fakes/seeded.ts';

const startMs = Date.UTC(2026, 1, 2);
const origin = { requestId: '5f0c', clientAddress: '192.0.2.7' };

test('what waits while the lane is busy shares one store write and one device call', async () => {
  const rig = await createRig();
  const calls = Array.from({ length: 3 * batchMax }, (_, index) => rig.put(idOf(index)));
  await rig.clock.settle();
  assert.ok((await Promise.all(calls)).every((answer) => answer.ok));
  assert.equal(rig.store.writes.commits, 3);
  assert.equal(rig.applies.length, 3);
  assert.equal(rig.node.table.size, 3 * batchMax);
});

test('a turn that never ends is told from one that takes long', async () => {
  const rig = await createRig();
  let release = () => {};
  rig.holdApply = () => new Promise((resolve) => (release = resolve));
  const call = rig.put(idOf(1));
  await rig.clock.advance(turnMaxMs);
  assert.equal(rig.node.alive(), true);
  await rig.clock.advance(1);
  assert.equal(rig.node.alive(), false);
  release();
  assert.ok((await rig.one(call)).ok);
  await rig.clock.advance(turnMaxMs + 1);
  assert.equal(rig.node.alive(), true);
});

test('of 64 at once for 10 addresses exactly 10 succeed, with 10 addresses', async () => {
  const rig = await createRig({ subnets: [subnet('10.0.0.0/28', '10.0.0.1')] });
  const first = await rig.all(rig.putMany(0, 3));
  assert.ok(first.every((answer) => answer.ok));
  const answers = await rig.all(rig.putMany(100, 64));
  const made = answers.flatMap((answer) => (answer.ok ? answer.value.peer.allowedIPs : []));
  assert.equal(new Set(made).size, 10);
  assert.equal(made.length, 10);
  const refused = answers.flatMap((answer) => (answer.ok ? [] : answer.failure));
  assert.deepEqual(new Set(refused), new Set(['no_available_ip']));
});

test('with half of the device calls failing no address is lost and none is shared', async () => {
  const rig = await createRig({ subnets: [subnet('10.0.0.0/28', '10.0.0.1')] });
  let calls = 0;
  rig.failApply = () => (calls++ % 2 === 0 ? 'device_refused' : null);
  const answers = await rig.all(rig.putMany(0, 64));
  const made = answers.flatMap((answer) => (answer.ok ? answer.value.peer.allowedIPs : []));
  assert.ok(made.length <= 13);
  assert.equal(new Set(made).size, made.length);
  rig.failApply = () => null;
  await rig.clock.advance(2 * faultRetryMs);
  const rest = await rig.all(rig.putMany(100, 13 - made.length));
  assert.ok(rest.every((answer) => answer.ok));
  const [full] = await rig.all([rig.put(idOf(200))]);
  assert.deepEqual(full, fail('no_available_ip'));
});

test('one bad command does not fail its neighbours, and leaves nothing behind', async () => {
  const rig = await createRig();
  const bad = idOf(5);
  rig.failApply = (changes) =>
    changes.some((change) => change.kind === 'put' && rig.idOfKey(change.peer.publicKey) === bad)
      ? 'device_refused'
      : null;
  const answers = await rig.all(rig.putMany(0, 8));
  assert.deepEqual(
    answers.map((answer) => answer.ok),
    [true, true, true, true, true, false, true, true],
  );
  assert.deepEqual(answers[5], fail('wireguard_error'));
  assert.equal(rig.contents.peers.has(bad), false);
  assert.equal(rig.node.table.get(bad), undefined);
});

test('a store that fails answers store_error, and changes nothing', async () => {
  const rig = await createRig();
  rig.store.fate = (write) => (write === 'commit' ? 'lost' : 'good');
  assert.deepEqual(await rig.one(rig.put(idOf(1))), fail('store_error'));
  assert.equal(rig.applies.length, 0);
  assert.equal(rig.node.table.size, 0);
  assert.equal(rig.node.health(), 'ok', 'it was healed at once');
});

test('what the device refuses and the store keeps is not said to have changed nothing', async () => {
  const rig = await createRig();
  rig.failApply = () => 'device_refused';
  rig.store.fate = () => (rig.store.writes.commits > 1 ? 'lost' : 'good');
  assert.deepEqual(await rig.one(rig.put(idOf(1))), fail('store_error'));
  assert.ok(rig.contents.peers.has(idOf(1)), 'a crash would bring it to light');
  rig.failApply = () => null;
  rig.store.fate = () => 'good';
  await rig.clock.advance(faultRetryMs);
  assert.equal(rig.contents.peers.size, 0);
});

test('a store that goes on failing refuses changes unseen until a whole write succeeds', async () => {
  const rig = await createRig();
  rig.store.fate = () => 'written_but_failed';
  assert.deepEqual(await rig.one(rig.put(idOf(1))), fail('store_error'));
  assert.equal(rig.node.health(), 'store_unavailable');
  assert.deepEqual(await rig.one(rig.put(idOf(2))), fail('store_unavailable'));
  const commits = rig.store.writes.commits;
  await rig.clock.advance(3 * faultRetryMs);
  assert.equal(rig.store.writes.commits, commits);
  rig.store.fate = () => 'good';
  await rig.clock.advance(faultRetryMs);
  assert.equal(rig.node.health(), 'ok');
  assert.ok((await rig.one(rig.put(idOf(2)))).ok);
  assert.deepEqual([...rig.contents.peers.keys()], [idOf(2)], 'what failed is gone from the store');
});

test('a device that stays away refuses changes unseen, and gets everything when it is back', async () => {
  const rig = await createRig();
  await rig.one(rig.put(idOf(1)));
  rig.failApply = () => 'device_refused';
  rig.failLook = () => 'device_refused';
  assert.deepEqual(await rig.one(rig.put(idOf(2))), fail('wireguard_error'));
  assert.equal(rig.node.health(), 'wireguard_unavailable');
  assert.deepEqual(await rig.one(rig.put(idOf(3))), fail('device_unavailable'));
  await rig.memory.apply([...(await rig.onDevice()).keys()].map(removal));
  rig.failApply = () => null;
  rig.failLook = () => null;
  await rig.clock.advance(faultRetryMs);
  assert.equal(rig.node.health(), 'ok');
  assert.equal((await rig.onDevice()).size, 1);
});

test('an interface without a key is one that can not be used yet', async () => {
  const rig = await createRig();
  rig.withoutKey = true;
  rig.announce();
  await rig.clock.settle();
  assert.equal(rig.node.health(), 'wireguard_unavailable');
  assert.deepEqual(await rig.one(rig.put(idOf(1))), fail('device_unavailable'));
  rig.withoutKey = false;
  await rig.clock.advance(faultRetryMs);
  assert.equal(rig.node.health(), 'ok');
});

test('an interface that is down is not ready, and takes changes all the same', async () => {
  const rig = await createRig();
  rig.isDown = true;
  assert.equal(rig.node.health(), 'wireguard_unavailable');
  assert.ok((await rig.one(rig.put(idOf(1)))).ok);
  rig.isDown = false;
  assert.equal(rig.node.health(), 'ok');
});

test('an outcome that nobody knows is kept, told as such, and made true', async () => {
  const rig = await createRig();
  rig.failApply = () => 'device_timeout';
  rig.failLook = () => 'device_timeout';
  assert.deepEqual(await rig.one(rig.put(idOf(1))), fail('deadline_exceeded'));
  assert.ok(rig.node.table.get(idOf(1)), 'a GET tells');
  assert.equal((await rig.onDevice()).size, 0);
  rig.failApply = () => null;
  rig.failLook = () => null;
  await rig.clock.advance(faultRetryMs);
  assert.equal((await rig.onDevice()).size, 1);
});

/** Lets the device be busy until the answer is called, and as long as before at least. */
function holdDevice(rig: { holdApply: () => Promise<void> }): () => void {
  let release = (): void => assert.fail('the device has nothing to do');
  rig.holdApply = () => {
    rig.holdApply = () => Promise.resolve();
    return new Promise((resolve) => (release = resolve));
  };
  return () => release();
}

test('what comes while the device works is in the store when it is done, and shares one write', async () => {
  const rig = await createRig();
  let release = holdDevice(rig);
  const first = rig.put(idOf(1));
  await rig.clock.advance(1_000);
  release();
  assert.ok((await rig.one(first)).ok);
  // As far as is known the device takes a second now.
  release = holdDevice(rig);
  const second = rig.put(idOf(2));
  await rig.clock.settle();
  const early = rig.putMany(3, 2);
  await rig.clock.advance(300);
  const later = rig.putMany(5, 3);
  await rig.clock.advance(33);
  assert.equal(rig.store.writes.commits, 2, 'it gathers for a third of the time that the device takes');
  await rig.clock.advance(1);
  assert.equal(rig.store.writes.commits, 3);
  assert.equal(
    rig.contents.peers.size,
    5,
    'half of what is under way, so that the device is never done early',
  );
  assert.equal(rig.applies.length, 2);
  assert.equal(rig.node.table.size, 1, 'nobody is told of what is not on the device');
  release();
  assert.ok((await rig.all([second, ...early, ...later])).every((answer) => answer.ok));
  assert.deepEqual(
    rig.applies.map((changes) => changes.length),
    [1, 1, 3, 2],
  );
});

test('the device has the next batch before the callers of the one before are answered', async () => {
  const rig = await createRig();
  const release = holdDevice(rig);
  const happened: string[] = [];
  const first = rig.put(idOf(1));
  void first.then(() => happened.push('answered'));
  await rig.clock.settle();
  const second = rig.put(idOf(2));
  await rig.clock.advance(1);
  assert.equal(rig.contents.peers.size, 2, 'persisted while the device is at work');
  rig.holdApply = () => {
    happened.push('handed over');
    return Promise.resolve();
  };
  release();
  await rig.all([first, second]);
  assert.deepEqual(happened, ['handed over', 'answered']);
});

test('callers whose peers are on the device do not wait for the disk of those who come after them', async () => {
  const rig = await createRig();
  const release = holdDevice(rig);
  const first = rig.put(idOf(1));
  await rig.clock.settle();
  let flush = () => {};
  rig.store.hold = () => new Promise((resolve) => (flush = resolve));
  const second = rig.put(idOf(2));
  await rig.clock.advance(1);
  assert.equal(rig.store.writes.commits, 2);
  release();
  assert.ok((await rig.one(first)).ok);
  assert.equal(rig.applies.length, 1);
  flush();
  assert.ok((await rig.one(second)).ok);
});

test('a command on a peer that is on its way waits for it', async () => {
  const rig = await createRig();
  const release = holdDevice(rig);
  const created = rig.put(idOf(1));
  await rig.clock.settle();
  const rotated = rig.put(idOf(1));
  const removed = rig.node.change({ kind: 'delete', id: idOf(1) }, origin);
  await rig.clock.advance(1_000);
  assert.equal(rig.store.writes.commits, 1);
  release();
  const [made, again, gone] = await rig.all([created, rotated, removed]);
  assert.ok(made?.ok && again?.ok && gone?.ok);
  assert.deepEqual(again.value.peer.allowedIPs, made.value.peer.allowedIPs);
  assert.equal(gone.value.peer.publicKey, again.value.peer.publicKey);
  assert.equal((await rig.onDevice()).size, 0);
});

test('what is in the store and finds the device gone is taken back', async () => {
  const rig = await createRig();
  const release = holdDevice(rig);
  const first = rig.put(idOf(1));
  await rig.clock.settle();
  const second = rig.put(idOf(2));
  await rig.clock.advance(1_000);
  assert.ok(rig.contents.peers.has(idOf(2)));
  rig.failApply = () => 'device_refused';
  rig.failLook = () => 'device_refused';
  release();
  assert.deepEqual(await rig.one(first), fail('wireguard_error'));
  assert.deepEqual(await rig.one(second), fail('device_unavailable'));
  assert.equal(rig.contents.peers.size, 0);
  rig.failApply = () => null;
  rig.failLook = () => null;
  await rig.clock.advance(faultRetryMs);
  const answers = await rig.all(rig.putMany(1, 2));
  const addresses = answers.flatMap((answer) => (answer.ok ? answer.value.peer.allowedIPs : []));
  assert.equal(new Set(addresses).size, 4);
});

test('what waited longer than its caller is not done', async () => {
  const rig = await createRig();
  const release = holdDevice(rig);
  const first = rig.put(idOf(1));
  await rig.clock.settle();
  const second = rig.put(idOf(2));
  await rig.clock.advance(requestDeadlineMs);
  assert.ok(rig.contents.peers.has(idOf(2)));
  const third = rig.node.change({ kind: 'delete', id: idOf(1) }, origin);
  await rig.clock.advance(requestDeadlineMs);
  release();
  assert.ok((await rig.one(first)).ok);
  assert.deepEqual(await rig.one(second), fail('deadline_exceeded'));
  assert.deepEqual(await rig.one(third), fail('deadline_exceeded'));
  assert.equal(rig.applies.length, 1);
  assert.deepEqual([...rig.contents.peers.keys()], [idOf(1)]);
});

test('a command that comes as the lane falls asleep is not forgotten', async () => {
  const rig = await createRig();
  for (let ticks = 0; ticks < 32; ticks++) {
    const next = rig.put(idOf(1)).then(async () => {
      for (let tick = 0; tick < ticks; tick++) await null;
      return rig.put(idOf(2));
    });
    let answered = false;
    void next.then(() => (answered = true));
    await rig.clock.settle();
    assert.ok(answered, `${ticks} ticks after the answer`);
  }
});

test('the lane is bounded', async () => {
  const rig = await createRig();
  const calls = rig.putMany(0, queueMax + 1);
  assert.deepEqual(await calls[queueMax], fail('overloaded'));
  assert.ok((await rig.all(calls.slice(0, queueMax))).every((answer) => answer.ok));
});

test('stopping lets what is in the lane end and refuses what comes', async () => {
  const rig = await createRig();
  const before = rig.put(idOf(1));
  const stopped = rig.node.stop();
  assert.deepEqual(await rig.one(rig.put(idOf(2))), fail('shutting_down'));
  assert.ok((await rig.one(before)).ok);
  await stopped;
  assert.equal(rig.node.health(), 'shutting_down');
});

test('a rotation keeps addresses, creation time and expiry, and takes the old key along', async () => {
  const rig = await createRig();
  const made = await rig.one(rig.put(idOf(1), startMs + 60_000));
  await rig.clock.advance(5_000);
  const rotated = await rig.one(rig.put(idOf(1)));
  assert.ok(made.ok && rotated.ok);
  const { publicKey, presharedKey, ...rest } = made.value.peer;
  const { publicKey: newKey, presharedKey: newPsk, ...newRest } = rotated.value.peer;
  assert.deepEqual(newRest, rest);
  assert.notEqual(newKey, publicKey);
  assert.notEqual(newPsk, presharedKey);
  assert.deepEqual([...(await rig.onDevice()).keys()], [newKey]);
});

test('peers expire within a second of their time, in store and on the device', async () => {
  const rig = await createRig();
  await rig.all([rig.put(idOf(1), startMs + 10_000), rig.put(idOf(2), startMs + 20_000), rig.put(idOf(3))]);
  await rig.clock.advance(9_900);
  assert.equal(rig.node.table.size, 3);
  await rig.clock.advance(1_000);
  assert.equal(rig.node.table.size, 2);
  assert.equal(rig.contents.peers.size, 2);
  assert.equal((await rig.onDevice()).size, 2);
  assert.ok(
    rig.log.lines.some((line) => line.fields['event'] === 'expired' && line.fields['peerId'] === idOf(1)),
  );
});

test('a clock that jumps forward expires peers within a second, one that jumps back revives none and loses none', async () => {
  const rig = await createRig();
  await rig.all([rig.put(idOf(1), startMs + 3_600_000), rig.put(idOf(2), startMs + 7_200_000)]);
  rig.clock.jumpWall(3_600_000);
  await rig.clock.advance(1_000);
  assert.deepEqual([...rig.contents.peers.keys()], [idOf(2)]);
  rig.clock.jumpWall(-3_600_000);
  await rig.clock.advance(3_600_000);
  assert.deepEqual([...rig.contents.peers.keys()], [idOf(2)]);
  await rig.clock.advance(3_601_000);
  assert.equal(rig.contents.peers.size, 0);
});

test('an expiry does not wait for a store or a device that fails', async () => {
  const rig = await createRig();
  await rig.one(rig.put(idOf(1), startMs + 2_000));
  rig.store.fate = () => 'lost';
  await rig.clock.advance(3_000);
  assert.equal((await rig.onDevice()).size, 0);
  assert.equal(rig.node.table.size, 0);
  rig.store.fate = () => 'good';
  await rig.clock.advance(2 * faultRetryMs);
  assert.equal(rig.contents.peers.size, 0);
});

test('a minute of nothing writes nothing', async () => {
  const rig = await createRig();
  await rig.one(rig.put(idOf(1)));
  const applies = rig.applies.length;
  await rig.clock.advance(10 * reconcileEveryMs);
  assert.equal(rig.applies.length, applies);
  assert.equal(rig.store.writes.commits, 1);
  assert.equal(rig.store.writes.rewrites, 0);
});

test('a start puts stored peers on the device, corrects wrong ones and removes the rest', async () => {
  const contents = storeOf([peerOf(1), peerOf(2)]);
  const rig = await createRig({
    contents,
    onDevice: [{ ...peerOf(2), presharedKey: peerOf(9).presharedKey }, peerOf(7)],
  });
  const found = await rig.onDevice();
  assert.deepEqual(new Set(found.keys()), new Set([peerOf(1).publicKey, peerOf(2).publicKey]));
  assert.equal(found.get(peerOf(2).publicKey)?.presharedKey, peerOf(2).presharedKey);
  assert.equal(rig.store.writes.commits + rig.store.writes.rewrites, 0);
});

test('a start that finds all well changes nothing', async () => {
  const rig = await createRig({ contents: storeOf([peerOf(1)]), onDevice: [peerOf(1)] });
  assert.equal(rig.applies.length, 0);
});

test("unknown peers are only reported where that is asked for, save for the node's own old keys", async () => {
  const contents = { ...storeOf([peerOf(1)]), retired: [peerOf(8).publicKey] };
  const thief = { ...peerOf(6), allowedIPs: peerOf(1).allowedIPs };
  const rig = await createRig({ contents, onDevice: [peerOf(7), peerOf(8), thief], unknownPeers: 'report' });
  assert.deepEqual(
    new Set((await rig.onDevice()).keys()),
    new Set([peerOf(1).publicKey, peerOf(7).publicKey]),
  );
  assert.ok(rig.log.lines.some((line) => line.fields['event'] === 'reported'));
});

test('stored peers that today can not have leave store and device', async () => {
  const server = { ...peerOf(2), allowedIPs: ['10.0.0.1/32' as AllowedIP] };
  const outside = { ...peerOf(3), allowedIPs: ['10.9.0.3/32' as AllowedIP] };
  const otherFamily = { ...peerOf(4), allowedIPs: ['fd00::4/128' as AllowedIP] };
  const expired = { ...peerOf(5), expiresAtMs: startMs - 1 };
  const stored = [peerOf(1), server, outside, otherFamily, expired];
  const rig = await createRig({
    contents: storeOf(stored),
    onDevice: stored,
    subnets: [subnet('10.0.0.0/24', '10.0.0.1')],
  });
  assert.deepEqual([...rig.contents.peers.keys()], [peerOf(1).id]);
  assert.deepEqual([...(await rig.onDevice()).keys()], [peerOf(1).publicKey]);
  const dropped = rig.log.lines.filter((line) => line.message === 'stored peer dropped');
  assert.deepEqual(
    new Set(dropped.map((line) => line.fields['peerId'])),
    new Set([server.id, outside.id, otherFamily.id]),
  );
  const removed = rig.log.lines.filter((line) => line.fields['event'] === 'removed');
  assert.deepEqual(new Set(removed.map((line) => line.fields['reason'])), new Set(['retired']));
});

test('a start on a full disk puts peers on the device although one of them has expired', async () => {
  const expired = { ...peerOf(2), expiresAtMs: startMs - 1 };
  const rig = createNodeRig({ contents: storeOf([peerOf(1), expired]) });
  await rig.memory.apply([{ kind: 'put', peer: expired, replaces: null }]);
  rig.store.fate = () => 'lost';
  assert.deepEqual(await rig.node.start(), ok(undefined));
  assert.deepEqual([...(await rig.onDevice()).keys()], [peerOf(1).publicKey]);
  assert.equal(rig.node.health(), 'store_unavailable');
  rig.store.fate = () => 'good';
  await rig.clock.advance(faultRetryMs);
  assert.equal(rig.node.health(), 'ok');
  assert.deepEqual([...rig.contents.peers.keys()], [peerOf(1).id]);
});

test('the interface made anew gets all peers back when its coming is announced', async () => {
  const rig = await createRig({ contents: storeOf([peerOf(1), peerOf(2)]) });
  await rig.memory.apply([...(await rig.onDevice()).keys()].map(removal));
  rig.announce();
  await rig.clock.settle();
  assert.equal((await rig.onDevice()).size, 2);
});

test('what was changed by hand is put right when readers come by', async () => {
  const rig = await createRig({ contents: storeOf([peerOf(1), peerOf(2), peerOf(3)]) });
  const hands: readonly DeviceChange[][] = [
    [removal(peerOf(1).publicKey)],
    [{ kind: 'put', peer: peerOf(7), replaces: null }],
    [{ kind: 'put', peer: { ...peerOf(2), presharedKey: peerOf(9).presharedKey }, replaces: null }],
    [{ kind: 'put', peer: { ...peerOf(2), allowedIPs: peerOf(3).allowedIPs }, replaces: null }],
  ];
  for (const change of hands) {
    await rig.memory.apply(change);
    await rig.pollLater();
    await rig.clock.settle();
    assert.deepEqual(
      new Set(await rig.specsOnDevice()),
      new Set([1, 2, 3].map((index) => JSON.stringify(specOf(peerOf(index))))),
    );
  }
  const looks = rig.looks;
  for (let poll = 0; poll < 10; poll++) await rig.pollLater();
  assert.equal(rig.looks, looks + 10, 'where all is well the lane looks no more than before');
});

test('readers see no drift in what the lane is doing, however looks and changes overlap', async () => {
  const rig = await createRig();
  const gates: (() => void)[] = [];
  const seeded = createSeeded(5);
  const gate = async () => {
    if (seeded.chance(0.5)) await new Promise<void>((resolve) => gates.push(resolve));
  };
  rig.holdApply = gate;
  rig.holdLook = gate;
  let [polls, looksBegun, answered] = [0, 0, 0];
  rig.onLook = () => looksBegun++;
  for (let step = 0; step < 600; step++) {
    const id = idOf(seeded.below(12));
    const call = seeded.chance(0.3) ? rig.node.change({ kind: 'delete', id }, origin) : rig.put(id);
    void call.then(() => answered++);
    await rig.clock.advance(lookAgeMaxMs / 4);
    const waits = looksBegun;
    void rig.node.observer.settle();
    await rig.clock.settle();
    polls += looksBegun - waits;
    if (seeded.chance(0.7)) gates.splice(seeded.below(gates.length), 1)[0]?.();
    await rig.clock.settle();
  }
  assert.ok(polls > 50 && answered > 100, `${polls} looks, ${answered} changes`);
  assert.equal(rig.log.lines.filter((line) => line.fields['event'] === 'repaired').length, 0);
  // The others are those of the tick each minute.
  assert.ok(looksBegun - polls <= 2, `${looksBegun - polls} looks of the lane`);
});

test('a key that a late call puts back leaves again, even where unknown peers stay', async () => {
  const rig = await createRig({ unknownPeers: 'report' });
  const made = await rig.one(rig.put(idOf(1)));
  const rotated = await rig.one(rig.put(idOf(1)));
  assert.ok(made.ok && rotated.ok);
  assert.ok((await rig.one(rig.node.change({ kind: 'delete', id: idOf(1) }, origin))).ok);
  for (const { peer } of [made.value, rotated.value]) {
    await rig.memory.apply([{ kind: 'put', peer, replaces: null }]);
    await rig.pollLater();
    assert.equal((await rig.onDevice()).size, 0);
  }
});

test('an unknown peer that is only reported is reported once, and causes no further look', async () => {
  const rig = await createRig({ contents: storeOf([peerOf(1)]), unknownPeers: 'report' });
  await rig.memory.apply([{ kind: 'put', peer: peerOf(7), replaces: null }]);
  await rig.pollLater();
  const looks = rig.looks;
  for (let poll = 0; poll < 10; poll++) await rig.pollLater();
  assert.equal(rig.looks, looks + 10);
  await rig.clock.advance(2 * reconcileEveryMs);
  assert.equal(rig.log.lines.filter((line) => line.fields['event'] === 'reported').length, 1);
  assert.equal((await rig.onDevice()).size, 2);
});

test('an address that a reported peer holds goes to nobody else, until that peer is gone', async () => {
  const rig = await createRig({
    subnets: [subnet('10.0.0.0/29', '10.0.0.1')],
    onDevice: [{ ...peerOf(7), allowedIPs: ['10.0.0.2/32', '0.0.0.0/0'] as AllowedIP[] }],
    unknownPeers: 'report',
  });
  const other = { ...peerOf(8), allowedIPs: ['10.0.0.4/32' as AllowedIP] };
  await rig.memory.apply([{ kind: 'put', peer: other, replaces: null }]);
  await rig.pollLater();
  assert.equal(rig.node.pools.possible, 3);
  async function addresses(from: number): Promise<readonly string[]> {
    const answers = await rig.all(rig.putMany(from, 5));
    return answers.map((answer) => (answer.ok ? answer.value.peer.allowedIPs.join() : answer.failure));
  }
  assert.deepEqual(await addresses(10), [
    '10.0.0.3/32',
    '10.0.0.5/32',
    '10.0.0.6/32',
    'no_available_ip',
    'no_available_ip',
  ]);
  assert.deepEqual((await rig.onDevice()).get(peerOf(7).publicKey)?.allowedIPs, ['10.0.0.2/32', '0.0.0.0/0']);
  await rig.memory.apply([removal(other.publicKey)]);
  await rig.pollLater();
  assert.equal(rig.node.pools.possible, 4);
  assert.deepEqual((await addresses(20)).slice(0, 2), ['10.0.0.4/32', 'no_available_ip']);
});

test('drift while the device fails is left to the attempts that go on anyway', async () => {
  const rig = await createRig({ contents: storeOf([peerOf(1)]) });
  await rig.memory.apply([removal(peerOf(1).publicKey)]);
  rig.failApply = () => 'device_refused';
  await rig.pollLater();
  assert.equal(rig.node.health(), 'wireguard_unavailable');
  const attempts = rig.applies.length;
  for (let poll = 0; poll < 5; poll++) await rig.pollLater();
  assert.ok(rig.applies.length - attempts <= 6, `${rig.applies.length - attempts} attempts in 5 s`);
});

test('an interface made anew while the last one is being put right gets all peers, too', async () => {
  const rig = await createRig({ contents: storeOf([peerOf(1), peerOf(2)]) });
  await rig.memory.apply([removal(peerOf(1).publicKey)]);
  let release = (): void => assert.fail('nothing waits');
  rig.holdApply = () => new Promise((resolve) => (release = resolve));
  rig.announce();
  await rig.clock.settle();
  await rig.memory.apply([removal(peerOf(2).publicKey)]);
  rig.announce();
  rig.holdApply = () => Promise.resolve();
  release();
  await rig.clock.settle();
  assert.equal((await rig.onDevice()).size, 2);
});

test('a device that hangs at start keeps nobody from being served, and is put right when it answers', async () => {
  let answer = () => {};
  const hanging = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const rig = createNodeRig({ contents: storeOf([peerOf(1)]) });
  rig.holdLook = () => hanging;
  let started = false;
  void rig.node.start().then(() => {
    started = true;
  });
  await rig.clock.advance(deviceAnswerAtStartMs - 1);
  assert.equal(started, false);
  await rig.clock.advance(1);
  assert.equal(started, true);
  assert.equal(rig.node.health(), 'wireguard_unavailable');
  assert.equal(rig.node.observer.settle(), null, 'no asker waits for it');
  assert.equal(rig.node.observer.readable(), false);
  const made = rig.put(idOf(2));
  let go = () => {};
  rig.holdApply = () => new Promise((resolve) => (go = resolve));
  answer();
  await rig.clock.settle();
  assert.equal(rig.node.observer.readable(), true);
  assert.equal(rig.node.health(), 'wireguard_unavailable', 'the stored peer is not there yet');
  rig.holdApply = () => Promise.resolve();
  go();
  assert.ok((await rig.one(made)).ok);
  assert.equal(rig.node.health(), 'ok');
  assert.equal((await rig.onDevice()).size, 2);
});

test('a device that answers at start and takes its time is waited for', async () => {
  let go = () => {};
  const slow = new Promise<void>((resolve) => {
    go = resolve;
  });
  const rig = createNodeRig({ contents: storeOf([peerOf(1)]) });
  rig.holdApply = () => slow;
  let started = false;
  const start = rig.node.start().then(() => {
    started = true;
  });
  await rig.clock.advance(2 * deviceAnswerAtStartMs);
  assert.equal(started, false);
  go();
  await start;
  assert.equal((await rig.onDevice()).size, 1);
});

test('no secret reaches the log', async () => {
  const rig = await createRig();
  const made = await rig.one(rig.put(idOf(1)));
  const rotated = await rig.one(rig.put(idOf(1)));
  await rig.one(rig.node.change({ kind: 'delete', id: idOf(1) }, origin));
  assert.ok(made.ok && rotated.ok);
  const text = JSON.stringify(rig.log.lines);
  for (const { peer, privateKey } of [made.value, rotated.value]) {
    assert.ok(privateKey !== null && !text.includes(privateKey));
    assert.ok(!text.includes(peer.presharedKey));
    assert.ok(text.includes(peer.publicKey));
  }
  assert.deepEqual(
    rig.log.lines.filter((line) => line.fields['audit'] === true).map((line) => line.fields['event']),
    ['created', 'rotated', 'deleted'],
  );
});

test('what is done to peers is counted by operation and result, and so are batches and repairs', async () => {
  const rig = await createRig({ subnets: [subnet('10.0.0.0/29', '10.0.0.1')] });
  await rig.all(rig.putMany(0, 6));
  await rig.one(rig.put(idOf(0)));
  await rig.one(rig.node.change({ kind: 'delete', id: idOf(0) }, origin));
  await rig.one(rig.node.change({ kind: 'delete', id: idOf(0) }, origin));
  await rig.one(rig.put(idOf(1), startMs + 400));
  await rig.clock.advance(1_000);
  await rig.memory.apply([...(await rig.onDevice()).keys()].slice(0, 2).map(removal));
  await rig.memory.apply([{ kind: 'put', peer: peerOf(9), replaces: null }]);
  rig.announce();
  await rig.clock.settle();

  const { operations, batches, peersPutBack, keysRemoved, unknownKeys } = rig.node.counts;
  assert.deepEqual(
    [...operations.counts()].map((count) => count.join(' ')),
    [
      'create ok 5',
      'create no_available_ip 1',
      'rotate ok 2',
      'delete ok 1',
      'delete peer_not_found 1',
      'expire ok 1',
      'repair ok 1',
    ],
  );
  assert.deepEqual([...batches.counts], [4, 0, 0, 1, 0, 0, 0, 0]);
  assert.deepEqual([peersPutBack, keysRemoved, unknownKeys], [2, 1, 0]);
  assert.equal(rig.node.queueLength(), 0);
});

test('what is refused unseen is counted, and tells which side is ill', async () => {
  const rig = await createRig();
  rig.store.fate = () => 'written_but_failed';
  await rig.one(rig.put(idOf(1)));
  await rig.one(rig.put(idOf(2)));
  assert.deepEqual([rig.node.storeHealthy(), rig.node.deviceHealthy()], [false, true]);
  rig.store.fate = () => 'good';
  rig.failLook = () => 'device_refused';
  rig.announce();
  await rig.clock.advance(faultRetryMs);
  assert.deepEqual([rig.node.storeHealthy(), rig.node.deviceHealthy()], [true, false]);
  await rig.one(rig.put(idOf(3)));
  const results = [...rig.node.counts.operations.counts()].filter(([operation]) => operation === 'create');
  assert.deepEqual(
    results.map(([, result, count]) => `${result} ${count}`),
    ['ok 0', 'store_error 1', 'store_unavailable 1', 'device_unavailable 1'],
  );
});

test('reported unknown peers are a number that goes down again', async () => {
  const rig = await createRig({ unknownPeers: 'report', onDevice: [peerOf(7), peerOf(8)] });
  assert.equal(rig.node.counts.unknownKeys, 2);
  await rig.memory.apply([removal(peerOf(7).publicKey)]);
  rig.announce();
  await rig.clock.settle();
  assert.equal(rig.node.counts.unknownKeys, 1);
});

interface RigOptions {
  readonly contents?: MemoryStoreContents;
  readonly onDevice?: readonly Peer[];
  readonly subnets?: readonly PoolSubnet[];
  readonly unknownPeers?: 'remove' | 'report';
}

/** A node that was started. */
async function createRig(options: RigOptions = {}) {
  const rig = createNodeRig(options);
  await rig.memory.apply(
    (options.onDevice ?? []).map((peer): DeviceChange => ({ kind: 'put', peer, replaces: null })),
  );
  assert.deepEqual(await rig.node.start(), ok(undefined));
  return rig;
}

function createNodeRig(options: RigOptions = {}) {
  const clock = createFakeClock(startMs);
  const log = createFakeLog();
  const contents = options.contents ?? storeOf([]);
  const store = createFlakyStore(createMemoryStore(contents));
  const memory = createMemoryDevice({ clock, publicKey: createFakeKeySource(99).peerKeys().publicKey });
  const applies: (readonly DeviceChange[])[] = [];
  const rig = {
    failApply: (_: readonly DeviceChange[]): DeviceFailure['code'] | null => null,
    failLook: (): DeviceFailure['code'] | null => null,
    holdApply: (): Promise<void> => Promise.resolve(),
    holdLook: (): Promise<void> => Promise.resolve(),
    onLook: () => {},
    looks: 0,
    announce: () => {},
    withoutKey: false,
    isDown: false,
  };
  const device: Device = {
    async look(visit): ReturnType<Device['look']> {
      const code = rig.failLook();
      if (code !== null) return fail({ code, detail: 'as planned' });
      rig.looks++;
      rig.onLook();
      // The real device reads first and shows later, and others may have changed it meanwhile.
      const seen: DevicePeer[] = [];
      const looked = await memory.look((peer) => seen.push(peer));
      await rig.holdLook();
      for (const peer of seen) visit(peer);
      return looked.ok && rig.withoutKey ? ok({ ...looked.value, publicKey: null }) : looked;
    },
    async apply(changes): Promise<Result<void, DeviceFailure>> {
      applies.push(changes);
      await rig.holdApply();
      const code = rig.failApply(changes);
      return code === null ? memory.apply(changes) : fail({ code, detail: 'as planned' });
    },
    watch(changed) {
      rig.announce = changed;
    },
    isDown: () => rig.isDown,
    close: async () => {},
  };
  const node: PeerNode = createNode({
    device,
    store,
    keys: createFakeKeySource(),
    clock,
    log,
    subnets: options.subnets ?? [subnet('10.0.0.0/16', '10.0.0.1'), subnet('fd00::/112', 'fd00::1')],
    unknownPeers: options.unknownPeers ?? 'remove',
  });

  const put = (id: PeerId, expiresAtMs: number | null = null) =>
    node.change({ kind: 'put', id, expiresAtMs, families: null }, origin);
  async function all<Answer>(calls: readonly Promise<Answer>[]): Promise<readonly Answer[]> {
    await clock.settle();
    return Promise.all(calls);
  }

  return Object.assign(rig, {
    /** Lets the last look grow old, then reads. */
    async pollLater() {
      await clock.advance(lookAgeMaxMs + 1);
      const look = node.observer.settle();
      await clock.settle();
      await look;
    },
    node,
    clock,
    log,
    contents,
    store,
    memory,
    applies,
    put,
    putMany: (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => put(idOf(from + index))),
    all,
    async one<Answer>(call: Promise<Answer>): Promise<Answer> {
      await clock.settle();
      return call;
    },
    idOfKey: (key: PublicKey) => [...contents.peers.values()].find((peer) => peer.publicKey === key)?.id,
    async onDevice(): Promise<ReadonlyMap<PublicKey, DevicePeer>> {
      const found = new Map<PublicKey, DevicePeer>();
      await memory.look((peer) => void found.set(peer.publicKey, peer));
      return found;
    },
    async specsOnDevice(): Promise<readonly string[]> {
      return [...(await this.onDevice()).values()].map((peer) => JSON.stringify(specOf(peer)));
    },
  });
}

function specOf({ publicKey, presharedKey, allowedIPs }: Peer | DevicePeer) {
  return { publicKey, presharedKey, allowedIPs };
}

function removal(publicKey: PublicKey): DeviceChange {
  return { kind: 'remove', publicKey };
}

function storeOf(peers: readonly Peer[]): MemoryStoreContents {
  return { peers: new Map(peers.map((peer) => [peer.id, peer])), retired: [] };
}

function peerOf(index: number): Peer {
  const keys = createFakeKeySource(1_000 + index).peerKeys();
  return {
    id: idOf(index),
    publicKey: keys.publicKey as PublicKey,
    presharedKey: keys.presharedKey as PresharedKey,
    allowedIPs: [`10.0.0.${10 + index}/32` as AllowedIP],
    createdAtMs: startMs - 1_000,
    expiresAtMs: null,
  };
}

function idOf(index: number): PeerId {
  return `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}` as PeerId;
}

function subnet(cidr: string, serverIp: string): PoolSubnet {
  const network = parseCidr(cidr);
  const address = parseAddress(serverIp);
  assert.ok(network.ok && address !== null);
  return { cidr: network.value, serverIp: address };
}
