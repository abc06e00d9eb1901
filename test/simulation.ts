// A node that lives through years of faults in a moment: seeded commands, crashes, failing disks and devices, clock jumps
// and hands on the device. What it acknowledged must be true, and store, table and device must agree once all is well.
import assert from 'node:assert/strict';
import { createMemoryDevice } from '../adapters/device/memory-device.ts';
import { parseAddress, parseCidr } from '../core/address.ts';
import type { ChangeFailure } from '../core/batch.ts';
import { faultRetryMs, lookAgeMaxMs } from '../core/limits.ts';
import { createNode, type PeerNode } from '../core/node.ts';
import type { PeerCommand } from '../core/peers/lifecycle.ts';
import { type AllowedIP, type PeerId, parsePeerId } from '../core/peers/peer.ts';
import type { Device, DeviceChange, DeviceFailure, DevicePeer } from '../core/ports.ts';
import { fail } from '../core/result.ts';
import { createFakeClock } from './fakes/clock.ts';
import { createFlakyStore } from './fakes/flaky-store.ts';
import { createForgetfulStore } from './fakes/forgetful-store.ts';
import { createFakeKeySource } from './fakes/key-source.ts';
import { createFakeLog } from './fakes/log.ts';
import { createSeeded, type Seeded } from './fakes/seeded.ts';

const startMs = Date.UTC(2026, 0, 1);
const idCount = 24;
const subnets = [
  // Fewer addresses than ids, so that the pool runs dry.
  { cidr: cidr('10.9.0.0/28'), serverIp: address('10.9.0.1') },
  { cidr: cidr('fd09::/112'), serverIp: address('fd09::1') },
];

/** What a peer may be: absent, or present with this key; `?` stands for a key that nobody was told. */
type Possible = Set<string>;
const absent = 'absent';
const untold = '?';

/** Lives one life of so many steps, the same for the same seed. Rejects at the first thing that is not as acknowledged. */
export async function live(seed: number, steps: number): Promise<void> {
  const world = await createWorld(seed);
  for (let step = 0; step < steps; step++) {
    await world.act();
    if (step % 10 === 9) await world.healAndCheck();
  }
  await world.healAndCheck();
  await world.fillUp();
}

async function createWorld(seed: number) {
  const seeded = createSeeded(seed);
  const unknownPeers = seed % 2 === 0 ? 'remove' : 'report';
  const clock = createFakeClock(startMs);
  // Every commit writes everything anew, so that it matters at each what the node says was there before.
  const disk = createForgetfulStore();
  const memory = createMemoryDevice({ clock, publicKey: createFakeKeySource(99).peerKeys().publicKey });
  const flakyDevice = createFlakyDevice(memory, seeded);
  const ids = Array.from({ length: idCount }, (_, index) => idOf(index));
  const possible = new Map<PeerId, Possible>(ids.map((id) => [id, new Set([absent])]));
  const expiries = new Map<PeerId, number>();
  // Commands that nobody has been answered yet, by their peer.
  const open = new Set<{ readonly id: PeerId; readonly leaves: readonly string[] }>();
  // The latest that the wall clock ever was: what expired then is not revived when it jumps back.
  let furthestMs = startMs;
  let lives = 0;
  let life = createLife();
  let store = createFlakyStore(disk);
  let node = await boot();

  async function boot(): Promise<PeerNode> {
    lives++;
    life = createLife();
    store = createFlakyStore(disk);
    const born = createNode({
      device: life.limit(flakyDevice.device),
      store: life.limit(store),
      keys: createFakeKeySource(lives),
      clock,
      log: createFakeLog(),
      subnets,
      unknownPeers,
    });
    const started = await born.start();
    assert.ok(started.ok);
    return born;
  }

  async function command(): Promise<void> {
    const id = seeded.pick(ids);
    if (seeded.chance(0.35)) {
      const deleted = await asked(id, [absent], { kind: 'delete', id });
      if (deleted.ok || deleted.failure === 'peer_not_found') setPossible(id, [absent]);
      else if (isOutcomeOpen(deleted.failure)) stateOf(id).add(absent);
      return;
    }
    const expiresAtMs = seeded.chance(0.3) ? clock.nowMs() + 1_000 + seeded.below(20_000) : null;
    const leaves = expiresAtMs === null ? [untold] : [untold, absent];
    const put = await asked(id, leaves, { kind: 'put', id, expiresAtMs, families: null });
    if (put.ok) {
      setPossible(id, [put.value.peer.publicKey]);
      noteExpiry(id, put.value.peer.expiresAtMs);
    } else if (isOutcomeOpen(put.failure)) {
      for (const state of leaves) stateOf(id).add(state);
    }
  }

  async function asked(id: PeerId, leaves: readonly string[], command: PeerCommand) {
    const call = { id, leaves };
    const asker = life;
    open.add(call);
    const answer = await node.change(command, origin);
    // What a dead process decided without its ports reaches nobody.
    if (asker !== life) return new Promise<never>(() => {});
    open.delete(call);
    return answer;
  }

  function noteExpiry(id: PeerId, expiresAtMs: number | null): void {
    if (expiresAtMs === null) expiries.delete(id);
    else expiries.set(id, expiresAtMs);
  }

  function stateOf(id: PeerId): Possible {
    const states = possible.get(id);
    assert.ok(states !== undefined);
    return states;
  }

  function setPossible(id: PeerId, states: readonly string[]): void {
    possible.set(id, new Set(states));
  }

  async function crowd(): Promise<void> {
    const calls = Array.from({ length: 1 + seeded.below(12) }, () => command());
    await clock.settle();
    await clock.advance(faultRetryMs);
    await Promise.all(calls);
  }

  async function restart(): Promise<void> {
    await node.stop();
    node = await boot();
  }

  /** Ends the node in the midst of its work: what it had begun is done or not, and nobody is answered. */
  async function crash(): Promise<void> {
    for (let count = seeded.below(12); count > 0; count--) void command();
    for (let turns = seeded.below(12); turns > 0; turns--) await new Promise(setImmediate);
    life.end();
    await clock.settle();
    for (const { id, leaves } of open) for (const state of leaves) stateOf(id).add(state);
    open.clear();
    node = await boot();
  }

  async function poll(): Promise<void> {
    await clock.advance(lookAgeMaxMs + 1);
    void node.observer.settle();
    await clock.settle();
  }

  function jump(): void {
    furthestMs = Math.max(furthestMs, clock.nowMs());
    clock.jumpWall(seeded.below(60_000) - 30_000);
  }

  async function act(): Promise<void> {
    const dice = seeded.next();
    if (dice < 0.1) flakyDevice.troubled = !flakyDevice.troubled;
    else if (dice < 0.2) troubleStore();
    else if (dice < 0.22) await restart();
    else if (dice < 0.26) await crash();
    else if (dice < 0.28) await flakyDevice.wipe();
    else if (dice < 0.31) await flakyDevice.meddle();
    else if (dice < 0.33) await poll();
    else if (dice < 0.34) await flakyDevice.catchUp();
    else if (dice < 0.37) jump();
    else if (dice < 0.45) await clock.advance(seeded.below(5_000));
    else await crowd();
  }

  function troubleStore(): void {
    const good = seeded.chance(0.5);
    store.fate = () =>
      good || seeded.chance(0.5) ? 'good' : seeded.pick(['lost', 'written_but_failed'] as const);
  }

  async function healAndCheck(): Promise<void> {
    flakyDevice.troubled = false;
    store.fate = () => 'good';
    for (let round = 0; round < 4; round++) await clock.advance(faultRetryMs);
    await flakyDevice.catchUp();
    // What was done by hand is seen by readers, or at the next tick.
    if (seeded.chance(0.5)) await clock.advance(61_000);
    else await poll();
    assert.equal(node.health(), 'ok');
    const onDevice = await flakyDevice.peers();
    const owners = new Set<string>();
    for (const id of ids) checkPeer(id, onDevice, owners);
    const known = new Set<string>(node.table.page(0, node.table.size).map(({ peer }) => peer.publicKey));
    const others = [...onDevice.keys()].filter((key) => !known.has(key));
    if (unknownPeers === 'remove') assert.deepEqual(others, [], 'the device has no other peers');
    else for (const key of others) assert.ok(flakyDevice.strangers.has(key), `${key} was never a stranger`);
  }

  function checkPeer(id: PeerId, onDevice: ReadonlyMap<string, DevicePeer>, owners: Set<string>): void {
    const peer = node.table.get(id)?.peer;
    const states = stateOf(id);
    const expired = [...expiries].some(
      ([other, atMs]) => other === id && atMs <= Math.max(furthestMs, clock.nowMs()),
    );
    if (peer === undefined) {
      assert.ok(states.has(absent) || expired, `${id} is gone, may be ${[...states]}`);
      setPossible(id, [absent]);
      expiries.delete(id);
      return;
    }
    assert.ok(
      states.has(peer.publicKey) || states.has(untold),
      `${id} is ${peer.publicKey}, may be ${[...states]}`,
    );
    const seen = onDevice.get(peer.publicKey);
    assert.deepEqual([...(seen?.allowedIPs ?? [])].sort(), [...peer.allowedIPs].sort());
    assert.equal(seen?.presharedKey, peer.presharedKey);
    for (const ip of peer.allowedIPs) {
      assert.ok(!owners.has(ip), `${ip} has two owners`);
      owners.add(ip);
    }
    setPossible(id, [peer.publicKey]);
    noteExpiry(id, peer.expiresAtMs);
  }

  /** No address was lost on any way: the node can be filled to the last one. */
  async function fillUp(): Promise<void> {
    for (let index = idCount; ; index++) {
      const call = node.change({ kind: 'put', id: idOf(index), expiresAtMs: null, families: null }, origin);
      await clock.settle();
      if (!(await call).ok) break;
    }
    assert.equal(node.table.size, node.pools.possible);
  }

  return { act, healAndCheck, fillUp };
}

/** Whether a crash may bring to light that a failed change was made. */
function isOutcomeOpen(failure: ChangeFailure): boolean {
  return failure === 'deadline_exceeded' || failure === 'store_error';
}

const origin = { requestId: 'r', clientAddress: '192.0.2.1' };

/** The span in which a process gets answers: after its end whatever it asked for may happen, and it never hears of it. */
function createLife() {
  let ended = false;
  const never = new Promise<never>(() => {});

  function limit<Port extends object>(port: Port): Port {
    return new Proxy(port, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          if (ended) return never;
          const answer: unknown = member.apply(target, args);
          return answer instanceof Promise ? answer.then((value) => (ended ? never : value)) : answer;
        };
      },
    });
  }

  return {
    limit,
    end() {
      ended = true;
    },
  };
}

/** A device that refuses, hangs, applies by halves, and is made anew behind the node's back. */
function createFlakyDevice(memory: ReturnType<typeof createMemoryDevice>, seeded: Seeded) {
  const state = { troubled: false };
  const strangers = new Set<string>();
  let late: (readonly DeviceChange[])[] = [];
  let changed = () => {};
  const failure = (code: DeviceFailure['code']) => fail({ code, detail: 'as planned' });

  const device: Device = {
    async look(visit) {
      if (state.troubled && seeded.chance(0.3)) return failure('device_refused');
      return memory.look(visit);
    },
    async apply(changes) {
      if (!state.troubled || seeded.chance(0.5)) return memory.apply(changes);
      if (seeded.chance(0.5)) {
        // A call of several changes may break off half-way, a call of one does not.
        await memory.apply(changes.length > 1 ? changes.slice(0, seeded.below(changes.length)) : []);
        return failure('device_refused');
      }
      const reached = seeded.below(changes.length + 1);
      await memory.apply(changes.slice(0, reached));
      // What was given up may be applied yet.
      if (seeded.chance(0.5)) late.push(changes.slice(reached));
      return failure('device_timeout');
    },
    watch(callback) {
      changed = callback;
    },
    isDown: () => false,
    async close() {},
  };

  async function peers(): Promise<ReadonlyMap<string, DevicePeer>> {
    const found = new Map<string, DevicePeer>();
    await memory.look((peer) => found.set(peer.publicKey, peer));
    return found;
  }

  return {
    device,
    peers,
    /** Keys that no node ever made. */
    strangers,
    get troubled() {
      return state.troubled;
    },
    set troubled(value: boolean) {
      state.troubled = value;
    },
    /** Carries out what was given up before. */
    async catchUp() {
      const given = late;
      late = [];
      for (const changes of given) await memory.apply(changes);
    },
    /** What a hand with `wg set` may do: take a peer away, spoil one, or put a stranger on an address, be it free or not. */
    async meddle() {
      const victim = seeded.pick([...(await peers()).values(), null]);
      const { publicKey, presharedKey } = createFakeKeySource(1_000_000 + seeded.below(1_000_000)).peerKeys();
      const allowedIPs = [`10.9.0.${1 + seeded.below(14)}/32` as AllowedIP];
      const stranger = { publicKey, presharedKey, allowedIPs };
      strangers.add(publicKey);
      const change = seeded.pick<DeviceChange>([
        { kind: 'remove', publicKey: victim?.publicKey ?? publicKey },
        { kind: 'put', peer: { ...stranger, publicKey: victim?.publicKey ?? publicKey }, replaces: null },
        { kind: 'put', peer: stranger, replaces: null },
      ]);
      await memory.apply([change]);
    },
    async wipe() {
      const removals = [...(await peers()).values()].map(
        ({ publicKey }): DeviceChange => ({ kind: 'remove', publicKey }),
      );
      await memory.apply(removals);
      changed();
    },
  };
}

function idOf(index: number): PeerId {
  const id = parsePeerId(`00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`);
  assert.ok(id !== null);
  return id;
}

function cidr(text: string) {
  const parsed = parseCidr(text);
  assert.ok(parsed.ok);
  return parsed.value;
}

function address(text: string) {
  const parsed = parseAddress(text);
  assert.ok(parsed !== null);
  return parsed;
}
