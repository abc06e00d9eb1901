// A device whose looks are counted and timed. Everything else about it is the device's own.
import type { Clock, Device, DeviceFailure } from '../ports.ts';
import { TimedCounts } from './timed-counts.ts';

/** Looks at a device. */
export interface Looks {
  readonly counts: TimedCounts<'look', DeviceFailure['code']>;
  /** How long ago the last good look was begun, in milliseconds; null: there was none. */
  ageMs(): number | null;
}

/** The same device, and what its looks came to. */
export function countLooks(device: Device, clock: Clock): { device: Device; looks: Looks } {
  const counts: Looks['counts'] = new TimedCounts(['look']);
  let goodMs: number | null = null;
  return {
    looks: { counts, ageMs: () => (goodMs === null ? null : clock.monotonicMs() - goodMs) },
    device: {
      ...device,
      async look(visit) {
        const startedMs = clock.monotonicMs();
        const looked = await device.look(visit);
        if (looked.ok) goodMs = Math.max(goodMs ?? startedMs, startedMs);
        counts.note('look', looked.ok ? 'ok' : looked.failure.code, clock.monotonicMs() - startedMs);
        return looked;
      },
    },
  };
}
