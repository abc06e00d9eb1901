// The shared look at the device: any number of askers, one look at a time, and no more of them than freshness needs.
import { activeWithinMs, lookAgeFactor, lookAgeMaxMs, lookStaleMaxMs } from './limits.ts';
import type { PublicKey } from './peers/peer.ts';
import type { PeerTable } from './peers/table.ts';
import type { Clock, Device, DeviceFailure, DevicePeer, DeviceState } from './ports.ts';
import type { Result } from './result.ts';

export interface Observer {
  /**
   * What an asker waits for before it reads the table: null, if what is there may be answered now, or a look that all
   * askers share. While the device can't be read nobody waits for it: a look goes on behind the askers' backs.
   */
  settle(): Promise<void> | null;
  /** Whether the table still says something true about the device: the last good look is young, or 10 s old at most where looks fail. */
  readable(): boolean;
  /** Whether the last look succeeded. */
  healthy(): boolean;
  /** The interface's public key as last seen; null: never seen, or it has none. */
  serverPublicKey(): PublicKey | null;
  /** The interface's UDP port as last seen; null: never seen, or it has none. */
  listenPort(): number | null;
  /** Looks now, apart from all askers, and shows every peer of the dump to `visit`. */
  lookNow(visit: (seen: DevicePeer) => void): Promise<Result<DeviceState, DeviceFailure>>;
}

interface GoodLook {
  readonly startedMs: number;
  readonly tookMs: number;
  /** What this look and the one before it took, whichever is less. */
  readonly steadyMs: number;
  readonly state: DeviceState;
}

/** Watches one device for one table. `onFailure` is told of every look that an asker caused and that failed. */
export function createObserver(options: {
  readonly device: Device;
  readonly table: PeerTable;
  readonly clock: Clock;
  readonly onFailure: (failure: DeviceFailure) => void;
}): Observer {
  const { device, table, clock, onFailure } = options;
  let count = 0;
  let good: GoodLook | null = null;
  let failedMs: number | null = null;
  let shared: Promise<void> | null = null;

  async function look(visit: (seen: DevicePeer) => void): Promise<Result<DeviceState, DeviceFailure>> {
    const number = ++count;
    const startedMs = clock.monotonicMs();
    const activeSinceMs = clock.nowMs() - activeWithinMs;
    const looked = await device.look((seen) => {
      table.see(seen, number, activeSinceMs);
      visit(seen);
    });
    const endedMs = clock.monotonicMs();
    if (looked.ok) {
      table.endLook(number);
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
    const looked = await look(() => {});
    shared = null;
    if (!looked.ok) onFailure(looked.failure);
  }

  function share(): Promise<void> {
    shared ??= lookForAll();
    return shared;
  }

  return {
    settle() {
      const nowMs = clock.monotonicMs();
      if (failedMs !== null) {
        if (nowMs - failedMs >= lookAgeMaxMs) void share();
        return null;
      }
      return good !== null && nowMs - good.startedMs <= ageMaxMs(good) ? null : share();
    },
    readable() {
      if (good === null) return false;
      const ageMs = clock.monotonicMs() - good.startedMs;
      return failedMs === null || ageMs <= Math.max(lookStaleMaxMs, ageMaxMs(good));
    },
    healthy: () => good !== null && failedMs === null,
    serverPublicKey: () => good?.state.publicKey ?? null,
    listenPort: () => good?.state.listenPort || null,
    lookNow: look,
  };
}

function ageMaxMs(good: GoodLook): number {
  return Math.max(lookAgeMaxMs, lookAgeFactor * good.steadyMs);
}
