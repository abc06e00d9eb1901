// The one writer. Commands queue in one lane; what waits when the lane is free becomes one batch: decide, persist, apply,
// publish, answer. The table in memory is what ought to be; store and device are made to follow it.

import { auditChange, auditDrift } from './audit.ts';
import {
  batchMax,
  expiryBatchMax,
  expiryCheckMaxMs,
  faultRetryMs,
  queueMax,
  reconcileEveryMs,
  requestDeadlineMs,
} from './limits.ts';
import { createObserver, type Observer } from './observe.ts';
import { createExpiryQueue } from './peers/expiry.ts';
import {
  decide,
  deviceChange,
  type PeerChange,
  type PeerCommand,
  storeChange,
  undoneInStore,
} from './peers/lifecycle.ts';
import type { Peer, PeerId, PrivateKey, PublicKey } from './peers/peer.ts';
import { createPools, type PoolSubnet, type Pools } from './peers/pool.ts';
import { collectDrift } from './peers/reconcile.ts';
import { admitStored } from './peers/stored.ts';
import { createPeerTable, type PeerTable } from './peers/table.ts';
import type { Clock, Device, DeviceFailure, KeySource, Log, PeerStore, StoreFailure } from './ports.ts';
import { fail, ok, type Result } from './result.ts';

/** Who asked for a change, for the audit line. */
export interface Origin {
  readonly requestId: string;
  readonly clientAddress: string;
}

/**
 * Why a change was not made.
 * - `peer_not_found`, `no_available_ip`: decided so; nothing happened.
 * - `store_error`, `wireguard_error`: store or device refused; everything is as before.
 * - `store_unavailable`, `device_unavailable`: refused unseen, since the last attempt to heal that fault failed.
 * - `overloaded`, `shutting_down`: refused unseen.
 * - `deadline_exceeded`: the device did not answer in time. The change is stored, and made on the device as soon as it answers.
 */
export type ChangeFailure =
  | 'peer_not_found'
  | 'no_available_ip'
  | 'store_error'
  | 'wireguard_error'
  | 'store_unavailable'
  | 'device_unavailable'
  | 'overloaded'
  | 'shutting_down'
  | 'deadline_exceeded';

/** A change that was made: the peer as it is now, or as it was when it was deleted. */
export interface Changed {
  readonly peer: Peer;
  /** Secret, and kept nowhere; null where no keys were made. */
  readonly privateKey: PrivateKey | null;
}

/** Why the node works, or doesn't. */
export type NodeHealth = 'ok' | 'wireguard_unavailable' | 'store_unavailable' | 'shutting_down';

export interface PeerNode {
  readonly table: Pick<PeerTable, 'size' | 'active' | 'revision' | 'get' | 'page'>;
  readonly observer: Pick<Observer, 'settle' | 'readable' | 'serverPublicKey'>;
  readonly pools: Pick<Pools, 'families' | 'possible'>;
  /** Makes one change, and answers once it is durable and on the device. Never rejects. */
  change(command: PeerCommand, origin: Origin): Promise<Result<Changed, ChangeFailure>>;
  /** From what is known now; asks nobody. */
  health(): NodeHealth;
  /** Loads the store and makes the device follow it. Fails when the store does; a device that fails is healed later. */
  start(): Promise<Result<void, StoreFailure>>;
  /** Refuses new changes, lets those in the lane end, and gives store and device up. */
  stop(): Promise<void>;
}

interface Waiting {
  readonly command: PeerCommand;
  readonly origin: Origin;
  readonly sinceMs: number;
  readonly answer: (result: Result<Changed, ChangeFailure>) => void;
}

interface Step {
  readonly waiting: Waiting;
  readonly change: PeerChange;
  readonly privateKey: PrivateKey | null;
}

/** How the steps of a batch came out at the device. */
interface Applied {
  readonly done: readonly Step[];
  readonly refused: readonly Step[];
  readonly unknown: readonly Step[];
}

/** A node over these ports. Does nothing before `start`. */
export function createNode(options: {
  readonly device: Device;
  readonly store: PeerStore;
  readonly keys: KeySource;
  readonly clock: Clock;
  readonly log: Log;
  readonly subnets: readonly PoolSubnet[];
  readonly unknownPeers: 'remove' | 'report';
}): PeerNode {
  const { device, store, keys, clock, log, subnets, unknownPeers } = options;
  const table = createPeerTable();
  const expiry = createExpiryQueue((id, atMs) => table.get(id)?.peer.expiresAtMs === atMs);
  const observer = createObserver({ device, table, clock, onFailure: deviceFailed });
  let pools = createPools(subnets, []);
  const queue: Waiting[] = [];
  // Keys that shall not be on the device, and may be.
  const retired = new Set<PublicKey>();
  const fault = { store: false, device: false };
  const check = { store: false, device: false };
  const cancelRetry = { store: () => {}, device: () => {} };
  let running: Promise<void> | null = null;
  let stopping = false;
  let cancelExpiryTimer = () => {};

  function change(command: PeerCommand, origin: Origin): Promise<Result<Changed, ChangeFailure>> {
    const refusal = refuses();
    if (refusal !== null) return Promise.resolve(fail(refusal));
    if (queue.length >= queueMax) return Promise.resolve(fail('overloaded'));
    return new Promise((answer) => {
      queue.push({ command, origin, sinceMs: clock.monotonicMs(), answer });
      wake();
    });
  }

  function refuses(): ChangeFailure | null {
    if (stopping) return 'shutting_down';
    if (fault.store) return 'store_unavailable';
    return fault.device ? 'device_unavailable' : null;
  }

  // The lane

  function wake(): void {
    // Not at once: requests that came in the same turn of the event loop share the first batch, too.
    running ??= new Promise((resolve) => {
      clock.soon(() => {
        void runLane().then(resolve);
      });
    });
  }

  async function runLane(): Promise<void> {
    for (;;) {
      if (check.store) await healStore();
      if (check.device) await reconcile();
      const due = takeExpired();
      if (due.length > 0) {
        await expire(due);
        continue;
      }
      const refusal = fault.store || fault.device ? refuses() : null;
      if (refusal !== null) for (const waiting of queue.splice(0)) waiting.answer(fail(refusal));
      const batch = takeBatch();
      if (batch.length > 0) await carryOut(batch);
      else if (!check.store && !check.device) break;
    }
    running = null;
    armExpiryTimer();
  }

  // Commands on the same peer go into batches of their own, so that each can be taken back alone.
  function takeBatch(): readonly Waiting[] {
    const ids = new Set<PeerId>();
    let count = 0;
    for (const waiting of queue) {
      if (count >= batchMax || ids.has(waiting.command.id)) break;
      ids.add(waiting.command.id);
      count++;
    }
    return queue.splice(0, count);
  }

  async function carryOut(batch: readonly Waiting[]): Promise<void> {
    const steps = batch.flatMap(decideStep);
    if (steps.length === 0) return;
    const stored = await store.commit(
      steps.map((step) => storeChange(step.change)),
      table.peers,
    );
    if (!stored.ok) {
      storeFailed(stored.failure);
      giveAddressesBack(steps);
      for (const step of steps) step.waiting.answer(fail('store_error'));
      return;
    }
    const applied = await apply(steps);
    if (applied.refused.length > 0) await takeBack(applied.refused);
    publish([...applied.done, ...applied.unknown].map((step) => step.change));
    for (const step of applied.done) answerDone(step);
    for (const step of applied.refused) step.waiting.answer(fail('wireguard_error'));
    for (const step of applied.unknown) {
      auditChange(log, step.change, step.waiting.origin, 'unknown');
      step.waiting.answer(fail('deadline_exceeded'));
    }
  }

  function decideStep(waiting: Waiting): readonly Step[] {
    // Its caller was told that the outcome is unknown; not doing it is the kinder one.
    if (clock.monotonicMs() - waiting.sinceMs >= requestDeadlineMs) {
      waiting.answer(fail('deadline_exceeded'));
      return [];
    }
    const decided = decide(waiting.command, table.get(waiting.command.id)?.peer, {
      nowMs: clock.nowMs(),
      makeKeys: keys.peerKeys,
      takeAddresses: (families) => pools.take(families ?? pools.families),
    });
    if (!decided.ok) {
      waiting.answer(decided);
      return [];
    }
    return [{ waiting, ...decided.value }];
  }

  async function apply(steps: readonly Step[]): Promise<Applied> {
    const together = await device.apply(steps.map((step) => deviceChange(step.change)));
    if (together.ok) return { done: steps, refused: [], unknown: [] };
    deviceFailed(together.failure);
    if (together.failure.code === 'device_timeout') return unknownFrom(steps, [], []);
    return steps.length === 1 ? { done: [], refused: steps, unknown: [] } : applyOneByOne(steps);
  }

  async function applyOneByOne(steps: readonly Step[]): Promise<Applied> {
    const done: Step[] = [];
    const refused: Step[] = [];
    for (const [index, step] of steps.entries()) {
      const alone = await device.apply([deviceChange(step.change)]);
      if (alone.ok) done.push(step);
      else if (alone.failure.code === 'device_timeout') return unknownFrom(steps.slice(index), done, refused);
      else refused.push(step);
    }
    return { done, refused, unknown: [] };
  }

  function unknownFrom(unknown: readonly Step[], done: readonly Step[], refused: readonly Step[]): Applied {
    for (const { change } of unknown) if (change.kind !== 'created') retired.add(change.before.publicKey);
    return { done, refused, unknown };
  }

  async function takeBack(steps: readonly Step[]): Promise<void> {
    for (const { change } of steps) if ('after' in change) retired.add(change.after.publicKey);
    const stored = await store.commit(
      steps.map((step) => undoneInStore(step.change)),
      table.peers,
    );
    if (!stored.ok) storeFailed(stored.failure);
    giveAddressesBack(steps);
  }

  function giveAddressesBack(steps: readonly Step[]): void {
    for (const { change } of steps) if (change.kind === 'created') pools.release(change.after.allowedIPs);
  }

  function publish(changes: readonly PeerChange[]): void {
    const gone: Peer[] = [];
    for (const change of changes) {
      if ('after' in change) {
        table.put(change.after);
        expiry.add(change.after);
      } else {
        gone.push(change.before);
      }
    }
    if (gone.length === 0) return;
    table.remove(gone.map((peer) => peer.id));
    for (const peer of gone) pools.release(peer.allowedIPs);
  }

  function answerDone({ waiting, change, privateKey }: Step): void {
    auditChange(log, change, waiting.origin, 'done');
    waiting.answer(ok({ peer: 'after' in change ? change.after : change.before, privateKey }));
  }

  // Expiry

  function takeExpired(): readonly Peer[] {
    const ids = expiry.takeDue(clock.nowMs(), expiryBatchMax);
    return ids.flatMap((id) => table.get(id)?.peer ?? []);
  }

  // An expiry is never taken back: where store or device fail, they are made to follow later.
  async function expire(peers: readonly Peer[]): Promise<void> {
    const changes = peers.map((before): PeerChange => ({ kind: 'expired', before }));
    if (!fault.store) {
      const stored = await store.commit(changes.map(storeChange), table.peers);
      if (!stored.ok) storeFailed(stored.failure);
    }
    for (const peer of peers) retired.add(peer.publicKey);
    const gone = !fault.device && (await removeFromDevice(peers));
    publish(changes);
    for (const change of changes) auditChange(log, change, null, gone ? 'done' : 'unknown');
  }

  async function removeFromDevice(peers: readonly Peer[]): Promise<boolean> {
    const applied = await device.apply(peers.map(({ publicKey }) => ({ kind: 'remove', publicKey })));
    if (applied.ok) for (const peer of peers) retired.delete(peer.publicKey);
    else deviceFailed(applied.failure);
    return applied.ok;
  }

  function armExpiryTimer(): void {
    cancelExpiryTimer();
    const nextMs = expiry.nextMs();
    if (stopping || nextMs === null) return;
    // Never longer than a moment, however far the next expiry is: the wall clock may jump meanwhile.
    const delayMs = Math.min(Math.max(nextMs - clock.nowMs(), 0), expiryCheckMaxMs);
    cancelExpiryTimer = clock.after(delayMs, () => {
      const comesMs = expiry.nextMs();
      if (comesMs !== null && comesMs <= clock.nowMs()) wake();
      else armExpiryTimer();
    });
  }

  // Faults

  function storeFailed(failure: StoreFailure): void {
    log.error({ code: failure.code, detail: failure.detail }, 'the peer store failed');
    check.store = true;
  }

  function deviceFailed(failure: DeviceFailure): void {
    // While the fault lasts the reconciler's attempts and lines are enough.
    if (fault.device) return;
    log.error({ code: failure.code, detail: failure.detail }, 'the device failed');
    check.device = true;
    wake();
  }

  function checkLater(what: 'store' | 'device'): void {
    cancelRetry[what]();
    cancelRetry[what] = clock.after(faultRetryMs, () => {
      if (stopping) return;
      check[what] = true;
      wake();
    });
  }

  async function healStore(): Promise<void> {
    check.store = false;
    const written = await store.rewrite(table.peers(), [...retired]);
    if (!written.ok) {
      log.error(
        { code: written.failure.code, detail: written.failure.detail },
        'the peer store can not be written',
      );
      checkLater('store');
    } else if (fault.store) {
      log.warn({}, 'the peer store works again');
    }
    fault.store = !written.ok;
  }

  async function reconcile(): Promise<void> {
    check.device = false;
    const made = await makeDeviceRight();
    if (!made.ok) {
      log.error({ code: made.failure.code, detail: made.failure.detail }, 'the device can not be reconciled');
      checkLater('device');
    } else if (fault.device) {
      log.warn({}, 'the device works again');
    }
    fault.device = !made.ok;
  }

  async function makeDeviceRight(): Promise<Result<void, DeviceFailure>> {
    const collector = collectDrift(table, unknownPeers, retired);
    const looked = await observer.lookNow(collector.visit);
    if (!looked.ok) return looked;
    const drift = collector.drift();
    if (drift.changes.length > 0) {
      const applied = await device.apply(drift.changes);
      if (!applied.ok) return applied;
    }
    retired.clear();
    auditDrift(log, drift);
    return ok(undefined);
  }

  function reconcileNowAndThen(): void {
    clock.after(reconcileEveryMs, () => {
      if (stopping) return;
      check.device = true;
      wake();
      reconcileNowAndThen();
    });
  }

  // Start and stop

  async function start(): Promise<Result<void, StoreFailure>> {
    const loaded = await store.load();
    if (!loaded.ok) return loaded;
    const admitted = admitStored(loaded.value.peers, subnets, clock.nowMs());
    for (const key of loaded.value.retired) retired.add(key);
    for (const { peer } of admitted.dropped) retired.add(peer.publicKey);
    const settled = await storeAdmitted(admitted);
    if (!settled.ok) return settled;
    for (const peer of admitted.peers) {
      table.put(peer);
      expiry.add(peer);
    }
    pools = createPools(
      subnets,
      admitted.peers.flatMap((peer) => peer.allowedIPs),
    );
    await reconcile();
    device.watch(() => {
      check.device = true;
      wake();
    });
    reconcileNowAndThen();
    armExpiryTimer();
    return ok(undefined);
  }

  async function storeAdmitted(
    admitted: ReturnType<typeof admitStored>,
  ): Promise<Result<void, StoreFailure>> {
    if (admitted.dropped.length === 0) return ok(undefined);
    if (admitted.dropped.some((drop) => drop.reason !== 'expired')) {
      const kept = await store.keepCopy(clock.nowMs());
      if (!kept.ok) return kept;
      log.warn({ copy: kept.value }, 'stored peers do not fit the subnets; the store as it was is kept');
    }
    for (const { peer, reason } of admitted.dropped) {
      if (reason === 'expired') auditChange(log, { kind: 'expired', before: peer }, null, 'done');
      else log.warn({ peerId: peer.id, allowedIPs: peer.allowedIPs, reason }, 'stored peer dropped');
    }
    return store.rewrite(admitted.peers, [...retired]);
  }

  async function stop(): Promise<void> {
    stopping = true;
    cancelExpiryTimer();
    while (running !== null) await running;
    await store.close();
    await device.close();
  }

  return {
    table,
    observer,
    get pools() {
      return pools;
    },
    change,
    health() {
      if (stopping) return 'shutting_down';
      if (fault.store) return 'store_unavailable';
      return fault.device || !observer.healthy() ? 'wireguard_unavailable' : 'ok';
    },
    start,
    stop,
  };
}
