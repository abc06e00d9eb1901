// The shared look at the device: any number of askers, one look at a time, and no more of them than freshness needs.
import {
  activeWithinMs,
  lookAgeFactor,
  lookAgeMaxMs,
  lookStaleMaxMs,
  lookWaitFactor,
  lookWaitMs,
} from './limits.ts';
import type { DriftCheck } from './peers/drift-check.ts';
import type { PublicKey } from './peers/peer.ts';
import type { PeerTable } from './peers/table.ts';
import type { Clock, Device, DeviceFailure, DeviceState } from './ports.ts';
import type { Result } from './result.ts';

/** What is known of the device, and how to know more. */
export interface Observer {
  /**
   * What an asker waits for before it reads the table: null, if what is there may be answered now, or a look that all
   * askers share, for `lookWaitMs` at most. While the device can't be read, lets such a look wait, or has yet to answer
   * `lookNow` for the first time, nobody waits for it.
   */
  settle(): Promise<void> | null;
  /** Whether the table still says something true about the device: the last good look is young, or 10 s old at most where looks fail. */
  readable(): boolean;
  /** Whether the last look succeeded, and none lets its askers wait for too long. */
  healthy(): boolean;
  /** The interface's public key as last seen; null: never seen, or it has none. */
  serverPublicKey(): PublicKey | null;
  /** The interface's UDP port as last seen; null: never seen, or it has none. */
  listenPort(): number | null;
  /** Looks now, apart from all askers, and shows `visit` every peer of the dump, and who it is; null: nobody known. */
  lookNow(visit: LookVisitor['visit']): Promise<Result<DeviceState, DeviceFailure>>;
}

type LookVisitor = Pick<DriftCheck, 'visit'> & Partial<Pick<DriftCheck, 'miss'>>;

interface GoodLook {
  readonly startedMs: number;
  readonly tookMs: number;
  /** What this look and the one before it took, whichever is less. */
  readonly steadyMs: number;
  readonly state: DeviceState;
}

/**
 * Watches one device for one table. Of the looks that askers caused `onFailure` is told each that failed, and `onDrift`
 * is called for each that showed the device otherwise than it shall be, as `check` finds.
 */
export function createObserver(options: {
  readonly device: Device;
  readonly table: PeerTable;
  readonly clock: Clock;
  readonly check: Pick<DriftCheck, 'begin' | 'visit' | 'miss' | 'end'>;
  readonly onFailure: (failure: DeviceFailure) => void;
  readonly onDrift: () => void;
}): Observer {
  const { device, table, clock, check, onFailure, onDrift } = options;
  let count = 0;
  let good: GoodLook | null = null;
  let failedMs: number | null = null;
  let shared: Promise<void> | null = null;
  // Looks apart from the askers that are under way.
  let apart = 0;

  async function look({ visit, miss }: LookVisitor): Promise<Result<DeviceState, DeviceFailure>> {
    const number = ++count;
    const startedMs = clock.monotonicMs();
    const activeSinceMs = clock.nowMs() - activeWithinMs;
    const looked = await device.look((seen) => {
      visit(seen, table.see(seen, number, activeSinceMs));
    });
    const endedMs = clock.monotonicMs();
    if (looked.ok) {
      table.endLook(number, miss);
      const tookMs = endedMs - startedMs;
      // One slow look among quick ones must not make the node trust it for twenty times as long.
      good = { startedMs, tookMs, steadyMs: Math.min(tookMs, good?.tookMs ?? tookMs), state: looked.value };
      failedMs = null;
    } else {
      failedMs = endedMs;
    }
    return looked;
  }

  async function lookForAll(): Promise<void> {
    check.begin();
    const looked = await look(check);
    const differs = check.end();
    shared = null;
    if (!looked.ok) onFailure(looked.failure);
    else if (differs || looked.value.publicKey === null) onDrift();
  }

  function share(): Promise<void> {
    shared ??= new Promise((resolve) => {
      const waitMs = Math.max(lookWaitMs, lookWaitFactor * (good?.tookMs ?? 0));
      const cancel = clock.after(waitMs, () => {
        failedMs = clock.monotonicMs();
        resolve();
      });
      void lookForAll().then(() => {
        cancel();
        resolve();
      });
    });
    return shared;
  }

  return {
    settle() {
      const nowMs = clock.monotonicMs();
      if (failedMs !== null) {
        if (nowMs - failedMs >= lookAgeMaxMs) void share();
        return null;
      }
      // A device that has yet to answer for the first time, and may hang.
      if (good === null && apart > 0) return null;
      return good !== null && nowMs - good.startedMs <= ageMaxMs(good) ? null : share();
    },
    readable() {
      if (good === null || failedMs === null) return good !== null;
      return clock.monotonicMs() - good.startedMs <= Math.max(lookStaleMaxMs, ageMaxMs(good));
    },
    healthy: () => good !== null && failedMs === null,
    serverPublicKey: () => good?.state.publicKey ?? null,
    listenPort: () => good?.state.listenPort || null,
    async lookNow(visit) {
      apart += 1;
      const looked = await look({ visit });
      apart -= 1;
      return looked;
    },
  };
}

function ageMaxMs(good: GoodLook): number {
  return Math.max(lookAgeMaxMs, lookAgeFactor * good.steadyMs);
}
