// The shared look: who waits, who looks, how old an answer may be, and what happens while the device can't be read.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  activeWithinMs,
  lookAgeMaxMs,
  lookStaleMaxMs,
  lookWaitFactor,
  lookWaitMs,
} from '../../core/limits.ts';
import { createObserver } from '../../core/observe.ts';
import { createDriftCheck } from '../../core/peers/drift-check.ts';
import type { Peer } from '../../core/peers/peer.ts';
import { createPeerTable } from '../../core/peers/table.ts';
import type { Device, DeviceFailure, DevicePeer, DeviceState } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { createFakeClock } from '../fakes/clock.ts';
import { peerFixture, peerFixtures, publicKeyFixture } from '../fixtures/peers.ts';

const serverKey = publicKeyFixture('server');
const state: DeviceState = { publicKey: serverKey, listenPort: 51_820 };
const refused: DeviceFailure = { code: 'device_refused', detail: 'no such device' };

interface PendingLook {
  readonly visit: (seen: DevicePeer) => void;
  readonly end: (result: Result<DeviceState, DeviceFailure>) => void;
}

/** An observer of a device whose looks end when the test says so. */
function createWorld() {
  const clock = createFakeClock();
  const table = createPeerTable();
  for (const peer of peerFixtures(3)) table.put(peer);
  const pending: PendingLook[] = [];
  const failures: DeviceFailure[] = [];
  let looks = 0;
  const device: Device = {
    look(visit) {
      looks++;
      return new Promise((end) => pending.push({ visit, end }));
    },
    apply: () => assert.fail('an observer changes nothing'),
    watch: () => assert.fail('an observer does not watch'),
    isDown: () => assert.fail('an observer asks no watch'),
    close: () => assert.fail('an observer closes nothing'),
  };
  const check = createDriftCheck(() => new Map());
  let drifts = 0;
  const observer = createObserver({
    device,
    table,
    clock,
    check,
    onFailure: (failure) => failures.push(failure),
    onDrift: () => drifts++,
  });

  async function end(result: Result<DeviceState, DeviceFailure>): Promise<void> {
    const look = pending.shift();
    assert.ok(look !== undefined, 'there is a look');
    look.end(result);
    await clock.settle();
  }

  return {
    clock,
    table,
    pending,
    failures,
    observer,
    looks: () => looks,
    drifts: () => drifts,
    succeed: () => end(ok(state)),
    failLook: () => end(fail(refused)),
    /** Asks and lets the look take so long. */
    async lookTaking(ms: number) {
      const waiting = observer.settle();
      assert.ok(waiting !== null);
      await clock.advance(ms);
      await end(ok(state));
      await waiting;
    },
  };
}

/** A world in which the device was read once and then failed, just now. */
async function createFailedWorld() {
  const world = createWorld();
  await world.lookTaking(0);
  await world.clock.advance(lookAgeMaxMs + 1);
  const waiting = world.observer.settle();
  await world.failLook();
  await waiting;
  return world;
}

function seen(peer: Peer, latestHandshakeMs: number | null): DevicePeer {
  const { publicKey, presharedKey, allowedIPs } = peer;
  const counters = { receiveBytes: 1, transmitBytes: 2, keepaliveSeconds: 25 };
  return { publicKey, presharedKey, allowedIPs, latestHandshakeMs, ...counters };
}

describe('askers', () => {
  it('share one look, however many they are', async () => {
    const { observer, looks, succeed } = createWorld();
    const waits = Array.from({ length: 1_000 }, () => observer.settle());
    assert.ok(waits.every((wait) => wait !== null));
    assert.equal(looks(), 1);
    await succeed();
    await Promise.all(waits);
    assert.equal(observer.settle(), null);
    assert.equal(looks(), 1);
  });

  it('that come while a look goes on share it, too', async () => {
    const { observer, looks, succeed, clock } = createWorld();
    const first = observer.settle();
    await clock.advance(lookWaitMs - 1);
    const second = observer.settle();
    assert.ok(first !== null && second !== null);
    assert.equal(looks(), 1);
    await succeed();
    await Promise.all([first, second]);
  });

  it('are answered from a look that began at most a second ago', async () => {
    const { observer, looks, lookTaking, clock } = createWorld();
    await lookTaking(40);
    await clock.advance(lookAgeMaxMs - 40);
    assert.equal(observer.settle(), null);
    await clock.advance(1);
    assert.notEqual(observer.settle(), null);
    assert.equal(looks(), 2);
  });

  it('are not put off for long by one slow look among quick ones', async () => {
    const world = createWorld();
    await world.lookTaking(10);
    await world.clock.advance(lookAgeMaxMs);
    await world.lookTaking(3_000);
    await world.clock.advance(lookAgeMaxMs);
    assert.ok(world.observer.settle() !== null);
  });

  it('wait for a look that hangs for a while only, and no longer than its end is unknown', async () => {
    const { observer, looks, lookTaking, clock, succeed } = createWorld();
    await lookTaking(10);
    await clock.advance(lookAgeMaxMs);
    let answered = false;
    void observer.settle()?.then(() => (answered = true));
    await clock.advance(lookWaitMs - 1);
    assert.equal(answered, false);
    await clock.advance(1);
    assert.equal(answered, true);
    assert.equal(observer.settle(), null, 'the next one does not wait');
    assert.equal(observer.healthy(), false);
    assert.equal(observer.readable(), true);
    await clock.advance(lookStaleMaxMs);
    assert.equal(observer.settle(), null);
    assert.equal(observer.readable(), false);
    assert.equal(looks(), 2, 'nobody looks again while it hangs');
    await succeed();
    assert.ok(observer.healthy() && observer.readable());
  });

  it('wait longer for a device whose looks take long', async () => {
    const { observer, lookTaking, clock } = createWorld();
    await lookTaking(lookWaitMs);
    await clock.advance(20 * lookWaitMs);
    let answered = false;
    void observer.settle()?.then(() => (answered = true));
    await clock.advance(lookWaitFactor * lookWaitMs - 1);
    assert.equal(answered, false);
    await clock.advance(1);
    assert.equal(answered, true);
  });

  it('are answered from a look for twenty times as long as it took', async () => {
    const { observer, looks, lookTaking, clock } = createWorld();
    await lookTaking(300);
    await clock.advance(19 * 300);
    assert.equal(observer.settle(), null);
    await clock.advance(1);
    assert.notEqual(observer.settle(), null);
    assert.equal(looks(), 2);
  });

  it('cause no look as long as they do not ask', async () => {
    const { lookTaking, clock, looks } = createWorld();
    await lookTaking(0);
    await clock.advance(3_600_000);
    assert.equal(looks(), 1);
    assert.equal(clock.timers, 0);
  });

  it('are not misled by a wall clock that jumps', async () => {
    const { observer, lookTaking, clock, looks } = createWorld();
    await lookTaking(0);
    for (const ms of [86_400_000, -172_800_000]) {
      clock.jumpWall(ms);
      assert.equal(observer.settle(), null);
      assert.equal(observer.readable(), true);
    }
    assert.equal(looks(), 1);
  });
});

describe('a look', () => {
  it('tells the table, and who is active by the wall clock', async () => {
    const { observer, table, pending, succeed, clock } = createWorld();
    const nowMs = clock.nowMs();
    const waiting = observer.settle();
    const handshakes = [nowMs - activeWithinMs, nowMs - activeWithinMs - 1];
    for (const [number, ms] of handshakes.entries()) pending[0]?.visit(seen(peerFixture(number), ms));
    await succeed();
    await waiting;
    assert.equal(table.get(peerFixture(0).id)?.active, true);
    assert.equal(table.get(peerFixture(1).id)?.active, false);
    assert.equal(table.get(peerFixture(1).id)?.latestHandshakeMs, nowMs - activeWithinMs - 1);
    assert.equal(table.get(peerFixture(2).id)?.latestHandshakeMs, null);
  });

  it('tells key and port of the interface', async () => {
    const { observer, lookTaking } = createWorld();
    assert.equal(observer.serverPublicKey(), null);
    assert.equal(observer.listenPort(), null);
    assert.equal(observer.healthy(), false);
    await lookTaking(0);
    assert.equal(observer.serverPublicKey(), serverKey);
    assert.equal(observer.listenPort(), 51_820);
    assert.equal(observer.healthy(), true);
  });

  it('tells no port of an interface that is bound to none', async () => {
    const { observer, pending, clock } = createWorld();
    void observer.settle();
    pending[0]?.end(ok({ ...state, listenPort: 0 }));
    await clock.settle();
    assert.equal(observer.listenPort(), null);
  });

  it('apart from all askers shows its visitor every peer, known or not, and serves askers, too', async () => {
    const { observer, table, pending, succeed, looks } = createWorld();
    const visited: DevicePeer[] = [];
    const looking = observer.lookNow((peer) => visited.push(peer));
    const peers = [seen(peerFixture(0), 7_000), seen(peerFixture(99), null)];
    for (const peer of peers) pending[0]?.visit(peer);
    await succeed();
    assert.deepEqual(await looking, ok(state));
    assert.deepEqual(visited, peers);
    assert.equal(table.get(peerFixture(0).id)?.latestHandshakeMs, 7_000);
    assert.equal(observer.settle(), null);
    assert.equal(looks(), 1);
  });

  it('that overlaps another takes nothing away that the other saw', async () => {
    const { observer, table, pending, succeed } = createWorld();
    void observer.settle();
    void observer.lookNow(() => {});
    pending[1]?.visit(seen(peerFixture(0), 7_000));
    await succeed();
    await succeed();
    assert.equal(table.get(peerFixture(0).id)?.latestHandshakeMs, 7_000);
  });
});

describe('a device that is otherwise than it shall be', () => {
  const peers = peerFixtures(3).map((peer) => seen(peer, null));

  it('is told of, once for each look that an asker caused', async () => {
    const { observer, clock, pending, succeed, drifts } = createWorld();
    for (const shown of [peers.slice(1), peers, [...peers, seen(peerFixture(9), null)]]) {
      void observer.settle();
      for (const peer of shown) pending[0]?.visit(peer);
      await succeed();
      await clock.advance(lookAgeMaxMs + 1);
    }
    assert.equal(drifts(), 2);
  });

  it('is not told of where the look failed, or was for somebody else', async () => {
    const { observer, succeed, failLook, drifts } = createWorld();
    void observer.settle();
    await failLook();
    void observer.lookNow(() => {});
    await succeed();
    assert.equal(drifts(), 0);
  });

  it('is told of where the interface has lost its key', async () => {
    const { observer, clock, pending, drifts } = createWorld();
    void observer.settle();
    for (const peer of peers) pending[0]?.visit(peer);
    pending[0]?.end(ok({ ...state, publicKey: null }));
    await clock.settle();
    assert.equal(drifts(), 1);
  });
});

describe('while the device fails', () => {
  it('only those wait who asked before it was known', async () => {
    const { observer, clock, failures } = await createFailedWorld();
    assert.deepEqual(failures, [refused]);
    assert.equal(observer.healthy(), false);
    for (let ms = 0; ms < 5_000; ms += 100) {
      assert.equal(observer.settle(), null);
      await clock.advance(100);
    }
  });

  it('somebody looks once a second, behind the askers, and never twice at a time', async () => {
    const { observer, clock, looks, failLook } = await createFailedWorld();
    for (let second = 0; second < 5; second++) {
      const before = looks();
      await clock.advance(lookAgeMaxMs - 1);
      assert.equal(observer.settle(), null);
      assert.equal(looks(), before, 'too early');
      await clock.advance(1);
      for (let asker = 0; asker < 100; asker++) assert.equal(observer.settle(), null);
      assert.equal(looks(), before + 1);
      // However long it takes.
      await clock.advance(5_000);
      assert.equal(observer.settle(), null);
      assert.equal(looks(), before + 1);
      await failLook();
    }
  });

  it('each look that askers caused is told, and those of others are not', async () => {
    const { observer, clock, failures, failLook } = await createFailedWorld();
    const looking = observer.lookNow(() => {});
    await failLook();
    assert.deepEqual(await looking, fail(refused));
    assert.equal(failures.length, 1);
    await clock.advance(lookAgeMaxMs);
    observer.settle();
    await failLook();
    assert.equal(failures.length, 2);
  });

  it('the last good look is answered until 10 s after it began', async () => {
    const { observer, clock } = await createFailedWorld();
    await clock.advance(lookStaleMaxMs - lookAgeMaxMs - 1);
    assert.equal(observer.readable(), true);
    await clock.advance(1);
    assert.equal(observer.readable(), false);
    assert.equal(observer.serverPublicKey(), serverKey);
  });

  it('a look that took long is answered for as long as it would be if all were well', async () => {
    const { observer, clock, lookTaking, failLook } = createWorld();
    await lookTaking(1_000);
    void observer.lookNow(() => {});
    await failLook();
    await clock.advance(19_000);
    assert.equal(observer.readable(), true);
    await clock.advance(1);
    assert.equal(observer.readable(), false);
  });

  it('nothing is told where nothing was ever seen', async () => {
    const { observer, failLook } = createWorld();
    const waiting = observer.settle();
    assert.equal(observer.readable(), false);
    await failLook();
    await waiting;
    assert.equal(observer.readable(), false);
    assert.equal(observer.settle(), null);
  });

  it('a look that breaks off takes nothing away that was seen before', async () => {
    const { observer, table, pending, clock, lookTaking, failLook } = createWorld();
    const looking = lookTaking(0);
    pending[0]?.visit(seen(peerFixture(0), 7_000));
    pending[0]?.visit(seen(peerFixture(1), 7_000));
    await looking;
    await clock.advance(lookAgeMaxMs + 1);
    void observer.settle();
    pending[0]?.visit(seen(peerFixture(0), 8_000));
    await failLook();
    assert.equal(table.get(peerFixture(0).id)?.latestHandshakeMs, 8_000);
    assert.equal(table.get(peerFixture(1).id)?.latestHandshakeMs, 7_000);
  });
});

describe('once the device can be read again', () => {
  it('all is as before', async () => {
    const { observer, clock, looks, succeed, lookTaking } = await createFailedWorld();
    await clock.advance(60_000);
    assert.equal(observer.settle(), null);
    assert.equal(observer.readable(), false);
    await succeed();
    assert.equal(observer.readable(), true);
    assert.equal(observer.healthy(), true);
    assert.equal(observer.settle(), null);
    const before = looks();
    await clock.advance(lookAgeMaxMs + 1);
    await lookTaking(0);
    assert.equal(looks(), before + 1);
  });
});
