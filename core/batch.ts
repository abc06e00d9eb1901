// The way of a change: decide, persist, apply, publish, answer; one store write and one device call for all that waited.
import { auditChange } from './audit.ts';
import { requestDeadlineMs } from './limits.ts';
import type { Book } from './peers/book.ts';
import {
  deviceChange,
  type PeerChange,
  type PeerCommand,
  storeChange,
  undoneInStore,
} from './peers/lifecycle.ts';
import type { Peer, PrivateKey, PublicKey } from './peers/peer.ts';
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
 * - `store_error`: the store refused; everything is as before, unless the process ends before the store is healed.
 * - `wireguard_error`: the device refused; everything is as before.
 * - `store_unavailable`, `device_unavailable`: refused unseen, since the last attempt to heal that fault failed.
 * - `overloaded`, `shutting_down`: refused unseen.
 * - `deadline_exceeded`: it waited too long and was not done; or the device did not answer in time: then it is stored,
 *   and made on the device as soon as that answers.
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

/** A command and the caller who waits for its answer. */
export interface Waiting {
  readonly command: PeerCommand;
  readonly origin: Origin;
  /** Monotonic: when it came. */
  readonly sinceMs: number;
  readonly answer: (result: Result<Changed, ChangeFailure>) => void;
}

/** What a batch works on. */
export interface Workplace {
  readonly book: Book;
  readonly store: PeerStore;
  /** Asks changes of the device. */
  readonly apply: Device['apply'];
  /** Keys of the node's own that shall not be on the device; a call that was given up may yet put one there. */
  readonly retired: Set<PublicKey>;
  readonly keys: KeySource;
  readonly clock: Clock;
  readonly log: Log;
  readonly storeFailed: (failure: StoreFailure) => void;
  readonly deviceFailed: (failure: DeviceFailure) => void;
}

/** A command that was decided. */
export interface Step {
  readonly waiting: Waiting;
  readonly change: PeerChange;
  readonly privateKey: PrivateKey | null;
}

/** How the steps of a batch came out at the device. */
export interface Applied {
  readonly done: readonly Step[];
  readonly refused: readonly Step[];
  readonly unknown: readonly Step[];
}

/**
 * Decides commands on peers of different ids, of whom none is on its way, and persists the changes. Answers every command
 * that comes to nothing. The resolved steps are in the store and on their way: each is to be applied or taken back.
 */
export async function persistBatch(batch: readonly Waiting[], place: Workplace): Promise<readonly Step[]> {
  const { book, store } = place;
  const steps = batch.flatMap((waiting) => decideStep(waiting, place));
  if (steps.length === 0) return [];
  const changes = changesOf(steps);
  const stored = await store.commit(changes.map(storeChange), book.storedPeers);
  if (stored.ok) {
    book.stored(changes);
    return steps;
  }
  place.storeFailed(stored.failure);
  book.giveBack(changes);
  for (const step of steps) step.waiting.answer(fail('store_error'));
  return [];
}

/** Makes persisted steps on the device. Nobody is told yet: what came of them is to be settled, and the refused ones taken back. */
export async function applySteps(steps: readonly Step[], place: Workplace): Promise<Applied> {
  const together = await place.apply(changesOf(steps).map(deviceChange));
  if (together.ok) return { done: steps, refused: [], unknown: [] };
  place.deviceFailed(together.failure);
  if (together.failure.code === 'device_timeout') return { done: [], refused: [], unknown: steps };
  return steps.length === 1 ? { done: [], refused: steps, unknown: [] } : applyOneByOne(steps, place);
}

/** Publishes what the device made or may yet make, and answers those who asked for it. */
export function settle({ done, unknown }: Applied, place: Workplace): void {
  const changes = changesOf([...done, ...unknown]);
  place.book.publish(changes);
  for (const change of changes) if ('before' in change) place.retired.add(change.before.publicKey);
  for (const step of done) answerDone(step, place.log);
  for (const step of unknown) answerUnknown(step, place.log);
}

/** Takes persisted steps back from the store and answers them; `store_error` where the store fails. Not while anything else is persisted. */
export async function takeBack(
  steps: readonly Step[],
  failure: 'wireguard_error' | 'device_unavailable' | 'deadline_exceeded',
  place: Workplace,
): Promise<void> {
  if (steps.length === 0) return;
  const { book, store, retired } = place;
  const changes = changesOf(steps);
  for (const change of changes) if ('after' in change) retired.add(change.after.publicKey);
  const stored = await store.commit(changes.map(undoneInStore), book.storedPeers);
  if (!stored.ok) place.storeFailed(stored.failure);
  book.giveBack(changes);
  // Where it is still in the store a crash would bring it to light.
  for (const step of steps) step.waiting.answer(fail(stored.ok ? failure : 'store_error'));
}

/** Whether its caller was told already that the outcome is unknown: then not doing it is the kinder one. */
export function isLate(waiting: Waiting, clock: Clock): boolean {
  return clock.monotonicMs() - waiting.sinceMs >= requestDeadlineMs;
}

function decideStep(waiting: Waiting, { book, keys, clock }: Workplace): readonly Step[] {
  if (isLate(waiting, clock)) {
    waiting.answer(fail('deadline_exceeded'));
    return [];
  }
  const decided = book.decide(waiting.command, clock.nowMs(), keys.peerKeys);
  if (decided.ok) return [{ waiting, ...decided.value }];
  waiting.answer(decided);
  return [];
}

/** One bad command must not fail its neighbours. */
async function applyOneByOne(steps: readonly Step[], place: Workplace): Promise<Applied> {
  const done: Step[] = [];
  const refused: Step[] = [];
  for (const [index, step] of steps.entries()) {
    const alone = await place.apply([deviceChange(step.change)]);
    if (alone.ok) done.push(step);
    else if (alone.failure.code === 'device_timeout') return { done, refused, unknown: steps.slice(index) };
    else refused.push(step);
  }
  return { done, refused, unknown: [] };
}

function answerDone({ waiting, change, privateKey }: Step, log: Log): void {
  auditChange(log, change, waiting.origin, 'done');
  waiting.answer(ok({ peer: 'after' in change ? change.after : change.before, privateKey }));
}

function answerUnknown({ waiting, change }: Step, log: Log): void {
  auditChange(log, change, waiting.origin, 'unknown');
  waiting.answer(fail('deadline_exceeded'));
}

function changesOf(steps: readonly Step[]): readonly PeerChange[] {
  return steps.map((step) => step.change);
}
