// The one writer: a lane of commands, expiries and repairs. The book is what ought to be; store and device are made to
// follow it. What a batch of commands does is batch.ts.
import { auditChange } from './audit.ts';
import {
  type Changed,
  type ChangeFailure,
  isLate,
  type Origin,
  persistBatch,
  takeBack,
  type Waiting,
} from './batch.ts';
import { createFault, type Fault } from './fault.ts';
import { createHandOver } from './hand-over.ts';
import {
  batchMax,
  deviceAnswerAtStartMs,
  expiryBatchMax,
  expiryCheckMaxMs,
  queueMax,
  reconcileEveryMs,
  storeRetiredMax,
  turnMaxMs,
} from './limits.ts';
import { createNodeCounts, type NodeCounts, type Operation } from './metrics/node-counts.ts';
import { createObserver, type Observer } from './observe.ts';
import { type Book, createBook } from './peers/book.ts';
import { createDriftCheck } from './peers/drift-check.ts';
import { deviceChange, type PeerChange, type PeerCommand, storeChange } from './peers/lifecycle.ts';
import type { Peer, PeerId, PublicKey } from './peers/peer.ts';
import type { PoolSubnet } from './peers/pool.ts';
import { type Admitted, admitStored } from './peers/stored.ts';
import type { PeerTable } from './peers/table.ts';
import type {
  Clock,
  Device,
  DeviceChange,
  DeviceFailure,
  KeySource,
  Log,
  PeerStore,
  StoreFailure,
} from './ports.ts';
import { createReconciler } from './reconciler.ts';
import { fail, ok, type Result } from './result.ts';

/** Whether the node can do its work, or why not. */
export type NodeHealth = 'ok' | 'wireguard_unavailable' | 'store_unavailable' | 'shutting_down';

/** The writer, and what it lets others read. */
export interface PeerNode {
  readonly table: Pick<PeerTable, 'size' | 'active' | 'revision' | 'get' | 'page' | 'copyText' | 'copyTexts'>;
  readonly observer: Pick<Observer, 'settle' | 'readable' | 'serverPublicKey' | 'listenPort'>;
  readonly pools: Book['pools'];
  /** Makes one change, and answers once it is durable and on the device. Never rejects. */
  change(command: PeerCommand, origin: Origin): Promise<Result<Changed, ChangeFailure>>;
  /** From what is known now; asks nobody. */
  health(): NodeHealth;
  /** Whether the last whole write, if there had to be one, succeeded. */
  storeHealthy(): boolean;
  /** Whether the device could be read and be made right when it was last tried. */
  deviceHealthy(): boolean;
  /** Callers that wait for the writer. */
  queueLength(): number;
  /** What was done so far. */
  readonly counts: NodeCounts;
  /** False: the writer has been at one thing for longer than `turnMaxMs`, and nobody knows whether it will ever end. */
  alive(): boolean;
  /**
   * Loads the store and makes the device follow it. Fails when the store can't be read; one that can't be written, and a device
   * that fails or does not answer in `deviceAnswerAtStartMs`, is healed later.
   */
  start(): Promise<Result<void, StoreFailure>>;
  /** Says from now on that it is shutting down; changes are taken until `stop`, for those who are on their way. */
  announceStop(): void;
  /** Refuses new changes, lets those in the lane end, and gives store and device up. */
  stop(): Promise<void>;
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
  const { device, store, clock, log, subnets } = options;
  const book = createBook(subnets);
  const check = createDriftCheck(() => reconciler.strangers());
  const observer = createObserver({
    device,
    table: book.table,
    clock,
    check,
    onFailure: deviceFailed,
    onDrift: deviceDrifted,
  });
  const retired = new Set<PublicKey>();
  const place = { ...options, book, retired, apply, storeFailed, deviceFailed };
  const handOver = createHandOver(place, check.changed);
  const storeFault = createFault(clock, wake);
  const deviceFault = createFault(clock, wake);
  const counts = createNodeCounts();
  const reconciler = createReconciler({ ...options, book, observer, apply: applyAlone, retired, counts });
  const queue: Waiting[] = [];
  let running: Promise<void> | null = null;
  // Ends the rest that the lane takes while it has nothing to persist; null: it does not rest.
  let endRest: (() => void) | null = null;
  // Whether all stored peers have been on the device since the start.
  let reconciled = false;
  /** When the turn under way began; null: none is. */
  let turnSinceMs: number | null = null;
  let stopAnnounced = false;
  let stopping = false;
  let cancelExpiryTimer = () => {};

  function change(command: PeerCommand, origin: Origin): Promise<Result<Changed, ChangeFailure>> {
    const operation = operationOf(command);
    const refusal = refusesWith();
    if (refusal !== null) {
      counts.operations.note(operation, refusal, 0);
      return Promise.resolve(fail(refusal));
    }
    const sinceMs = clock.monotonicMs();
    return new Promise((resolve) => {
      const answer: Waiting['answer'] = (result) => {
        counts.operations.note(operation, result.ok ? 'ok' : result.failure, clock.monotonicMs() - sinceMs);
        resolve(result);
      };
      queue.push({ command, origin, sinceMs, answer });
      wake();
      stir();
    });
  }

  function operationOf({ kind, id }: PeerCommand): Operation {
    if (kind === 'delete') return 'delete';
    return book.table.get(id) === undefined ? 'create' : 'rotate';
  }

  function refusesWith(): ChangeFailure | null {
    if (stopping) return 'shutting_down';
    return lastingFault() ?? (queue.length >= queueMax ? 'overloaded' : null);
  }

  function lastingFault(): ChangeFailure | null {
    if (storeFault.lasting()) return 'store_unavailable';
    return deviceFault.lasting() ? 'device_unavailable' : null;
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

  function stir(): void {
    // Not at once, either; and once for all that come in the same turn.
    if (endRest !== null) clock.soon(endRest);
    endRest = null;
  }

  async function runLane(): Promise<void> {
    // Asked again in the same breath as the lane falls asleep: an answer may have brought the next command.
    do {
      turnSinceMs = clock.monotonicMs();
      await takeTurn();
      forgetRetired();
    } while (isWanted());
    running = null;
    turnSinceMs = null;
    armExpiryTimer();
  }

  // All of them are off the device once it was seen to be right. The latest are remembered: a call that was given up may
  // put one back, which must not be taken for an unknown peer that may stay.
  function forgetRetired(): void {
    if (deviceFault.suspected() || deviceFault.lasting()) return;
    for (const key of retired) {
      if (retired.size <= storeRetiredMax) return;
      retired.delete(key);
    }
  }

  /** Does what is due first. While the device works on one batch the next is persisted; all else waits for the device. */
  async function takeTurn(): Promise<void> {
    if (isUpkeepDue()) {
      await handOver.settle();
      await keepUp();
      return;
    }
    const batch = takeBatch();
    if (batch.length === 0) return rest();
    counts.batches.observe(batch.length);
    const steps = await persistBatch(batch, place);
    await handOver.deviceFree();
    if (deviceFault.suspected() || deviceFault.lasting()) await handOver.settle();
    if (deviceFault.takeUp()) await reconcile();
    if (deviceFault.lasting()) return takeBack(steps, 'device_unavailable', place);
    const late = steps.filter((step) => isLate(step.waiting, clock));
    if (late.length > 0) await handOver.settle();
    await takeBack(late, 'deadline_exceeded', place);
    await handOver.hand(steps.filter((step) => !late.includes(step)));
  }

  /** Waits for the device, or for a command that can be persisted meanwhile. */
  async function rest(): Promise<void> {
    const working = handOver.working();
    if (working === null || queue.length > 0) return handOver.settle();
    await new Promise<void>((resolve) => {
      endRest = resolve;
      void working.then(resolve);
    });
    endRest = null;
  }

  function isUpkeepDue(): boolean {
    if (storeFault.suspected() || deviceFault.suspected() || lastingFault() !== null) return true;
    return (book.nextExpiryMs() ?? Number.POSITIVE_INFINITY) <= clock.nowMs();
  }

  async function keepUp(): Promise<void> {
    if (storeFault.takeUp()) await healStore();
    if (deviceFault.takeUp()) await reconcile();
    const expired = book.takeExpired(clock.nowMs(), expiryBatchMax);
    if (expired.length > 0) await expire(expired);
    const refusal = lastingFault();
    if (refusal !== null) for (const waiting of queue.splice(0)) waiting.answer(fail(refusal));
  }

  function isWanted(): boolean {
    return queue.length > 0 || handOver.busy() || storeFault.suspected() || deviceFault.suspected();
  }

  // Commands on the same peer go into batches of their own, so that each can be taken back alone.
  // As many as the device has at hand, if there are as many: a few that alternate with many would leave it idle while
  // the many are persisted.
  function takeBatch(): readonly Waiting[] {
    const atDevice = handOver.size();
    const most = atDevice === 0 ? batchMax : Math.min(batchMax, Math.ceil((queue.length + atDevice) / 2));
    const ids = new Set<PeerId>();
    for (const { command } of queue) {
      if (ids.size >= most || ids.has(command.id) || book.isOnItsWay(command.id)) break;
      ids.add(command.id);
    }
    return queue.splice(0, ids.size);
  }

  // Expiry

  // An expiry is never taken back: where store or device fail, they are made to follow later.
  async function expire(peers: readonly Peer[]): Promise<void> {
    const startedMs = clock.monotonicMs();
    const changes = peers.map((before): PeerChange => ({ kind: 'expired', before }));
    if (!storeFault.lasting()) {
      const stored = await store.commit(changes.map(storeChange), book.table.peers);
      if (!stored.ok) storeFailed(stored.failure);
    }
    const gone = !deviceFault.lasting() && (await removeFromDevice(changes));
    for (const peer of peers) retired.add(peer.publicKey);
    book.publish(changes);
    check.changed(changes.map(deviceChange));
    for (const change of changes) auditChange(log, change, null, gone ? 'done' : 'unknown');
    const result = gone ? 'ok' : 'wireguard_error';
    counts.operations.note('expire', result, clock.monotonicMs() - startedMs, peers.length);
  }

  async function removeFromDevice(changes: readonly PeerChange[]): Promise<boolean> {
    const applied = await apply(changes.map(deviceChange));
    if (!applied.ok) deviceFailed(applied.failure);
    return applied.ok;
  }

  function armExpiryTimer(): void {
    cancelExpiryTimer();
    const nextMs = book.nextExpiryMs();
    if (stopping || nextMs === null) return;
    // Never longer than a moment, however far the next expiry is: the wall clock may jump meanwhile.
    const delayMs = Math.min(Math.max(nextMs - clock.nowMs(), 0), expiryCheckMaxMs);
    cancelExpiryTimer = clock.after(delayMs, () => {
      if (nextMs <= clock.nowMs()) wake();
      else armExpiryTimer();
    });
  }

  /** The lane's way to the device: what was asked is changing until it is published. */
  function apply(changes: readonly DeviceChange[]): Promise<Result<void, DeviceFailure>> {
    check.changing(changes);
    return device.apply(changes);
  }

  /** The same where the table knows already what the device shall be. */
  async function applyAlone(changes: readonly DeviceChange[]): Promise<Result<void, DeviceFailure>> {
    const applied = await apply(changes);
    check.changed(changes);
    return applied;
  }

  // Faults

  function storeFailed(failure: StoreFailure): void {
    log.error({ code: failure.code, detail: failure.detail }, 'the peer store failed');
    storeFault.suspect();
  }

  function deviceFailed(failure: DeviceFailure): void {
    // While the fault lasts, the reconciler's attempts and lines are enough.
    if (deviceFault.lasting()) return;
    log.error({ code: failure.code, detail: failure.detail }, 'the device failed');
    deviceFault.suspect();
  }

  function deviceDrifted(): void {
    // While the fault lasts, the reconciler tries anyway.
    if (!deviceFault.lasting()) deviceFault.suspect();
  }

  /** One error for a fault, not one for each attempt to heal it. */
  function logFault(fault: Fault, failure: StoreFailure | DeviceFailure, message: string): void {
    const write = fault.lasting() ? log.debug : log.error;
    write({ code: failure.code, detail: failure.detail }, message);
  }

  async function healStore(): Promise<void> {
    const written = await store.rewrite(book.table.peers(), [...retired]);
    if (!written.ok) {
      logFault(storeFault, written.failure, 'the peer store can not be written');
    } else if (storeFault.lasting()) {
      log.warn({}, 'the peer store works again');
    }
    storeFault.settle(written.ok);
  }

  async function reconcile(): Promise<void> {
    const made = await reconciler.reconcile();
    if (!made.ok) {
      logFault(deviceFault, made.failure, 'the device can not be reconciled');
    } else if (deviceFault.lasting()) {
      log.warn({}, 'the device works again');
    }
    reconciled ||= made.ok;
    deviceFault.settle(made.ok);
  }

  const storeHealthy = () => !storeFault.lasting();
  const deviceHealthy = () => reconciled && !deviceFault.lasting() && observer.healthy() && !device.isDown();

  function reconcileNowAndThen(): void {
    clock.after(reconcileEveryMs, () => {
      if (stopping) return;
      deviceFault.suspect();
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
    const told = await tellDropped(admitted);
    if (!told.ok) return told;
    book.load(admitted.peers);
    // Written in the lane: a disk that is full, and one peer that has expired, must not keep the others off the device.
    if (admitted.dropped.length > 0) storeFault.suspect();
    deviceFault.suspect();
    await firstLook();
    device.watch(deviceFault.suspect);
    reconcileNowAndThen();
    armExpiryTimer();
    return ok(undefined);
  }

  /** Waits until the device is reconciled, or the attempt failed; but not for one that does not answer: it is waited for in the lane. */
  function firstLook(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.after(deviceAnswerAtStartMs, () => {
        if (!observer.healthy()) resolve();
      });
      void running?.then(() => {
        cancel();
        resolve();
      });
    });
  }

  /** Names the stored peers that are not taken up, and keeps the store as it was where it is the subnets' doing. */
  async function tellDropped({ dropped }: Admitted): Promise<Result<void, StoreFailure>> {
    if (dropped.some((drop) => drop.reason !== 'expired')) {
      const kept = await store.keepCopy(clock.nowMs());
      if (!kept.ok) return kept;
      log.warn({ copy: kept.value }, 'stored peers do not fit the subnets; the store as it was is kept');
    }
    for (const { peer, reason } of dropped) {
      if (reason === 'expired') auditChange(log, { kind: 'expired', before: peer }, null, 'done');
      else log.warn({ peerId: peer.id, allowedIPs: peer.allowedIPs, reason }, 'stored peer dropped');
    }
    return ok(undefined);
  }

  async function stop(): Promise<void> {
    stopping = true;
    cancelExpiryTimer();
    while (running !== null) await running;
    storeFault.end();
    deviceFault.end();
    await store.close();
    await device.close();
  }

  return {
    table: book.table,
    observer,
    pools: book.pools,
    change,
    health() {
      if (stopping || stopAnnounced) return 'shutting_down';
      if (!storeHealthy()) return 'store_unavailable';
      return deviceHealthy() ? 'ok' : 'wireguard_unavailable';
    },
    storeHealthy,
    deviceHealthy,
    queueLength: () => queue.length,
    counts,
    alive: () => turnSinceMs === null || clock.monotonicMs() - turnSinceMs <= turnMaxMs,
    start,
    announceStop() {
      stopAnnounced = true;
    },
    stop,
  };
}
