// Makes the device what the book says: one look, and one call for all that differs. When it is due, and what follows from a
// failure, is the writer's to say.
import { auditDrift } from './audit.ts';
import type { NodeCounts } from './metrics/node-counts.ts';
import type { Observer } from './observe.ts';
import type { Book } from './peers/book.ts';
import type { PublicKey } from './peers/peer.ts';
import { collectDrift, type Drift, type Strangers } from './peers/reconcile.ts';
import type { Clock, Device, DeviceFailure, Log } from './ports.ts';
import { fail, ok, type Result } from './result.ts';

export interface Reconciler {
  /**
   * Looks at the device, repairs it, and notes which unknown peers stay there. `device_refused` also for an interface
   * without a key. After a failure some of it may be repaired; to repeat it is harmless.
   */
  reconcile(): Promise<Result<void, DeviceFailure>>;
  /** Unknown peers that stay on the device, as the last look left them. */
  strangers(): Strangers;
}

/** What is reconciled with what. Must not overlap with other changes of the device. */
export function createReconciler(options: {
  readonly book: Book;
  readonly observer: Pick<Observer, 'lookNow'>;
  readonly apply: Device['apply'];
  /** Keys that leave the device, known or not. */
  readonly retired: ReadonlySet<PublicKey>;
  readonly unknownPeers: 'remove' | 'report';
  readonly counts: NodeCounts;
  readonly clock: Clock;
  readonly log: Log;
}): Reconciler {
  const { book, observer, retired, unknownPeers, counts, clock, log } = options;
  let strangers: Strangers = new Map();

  async function reconcile(): Promise<Result<void, DeviceFailure>> {
    const collector = collectDrift(book.table, unknownPeers, retired, strangers);
    const looked = await observer.lookNow(collector.visit);
    if (!looked.ok) return looked;
    // As between the making of an interface and the setting of its key: no client could reach a peer of it.
    if (looked.value.publicKey === null) {
      return fail({ code: 'device_refused', detail: 'the interface has no private key' });
    }
    const drift = collector.drift();
    counts.unknownKeys = drift.strangers.size;
    const repaired = await repair(drift);
    if (!repaired.ok) return repaired;
    noteStrangers(drift);
    auditDrift(log, drift);
    return ok(undefined);
  }

  async function repair({ changes, repaired, removed }: Drift): Promise<Result<void, DeviceFailure>> {
    if (changes.length === 0) return ok(undefined);
    const startedMs = clock.monotonicMs();
    const applied = await options.apply(changes);
    const result = applied.ok ? 'ok' : 'wireguard_error';
    counts.operations.note('repair', result, clock.monotonicMs() - startedMs);
    if (!applied.ok) return applied;
    counts.peersPutBack += repaired.length;
    counts.keysRemoved += removed.length;
    return ok(undefined);
  }

  // A peer that got one of their addresses would take it from them, and WireGuard says nothing of it.
  function noteStrangers(drift: Drift): void {
    const changed = drift.reported.length > 0 || drift.strangers.size < strangers.size;
    strangers = drift.strangers;
    if (changed) book.hold([...strangers.values()].flatMap((stranger) => stranger.allowedIPs));
  }

  return { reconcile, strangers: () => strangers };
}
