// The device's end of the lane: it has one batch at a time, and the next is handed over before the callers of the one before
// are answered. So the device works while answers are written. When there is a next batch is the lane's to say.
import { type Applied, applySteps, type Step, settle, takeBack, type Workplace } from './batch.ts';
import { deviceChange } from './peers/lifecycle.ts';
import type { DeviceChange } from './ports.ts';

export interface HandOver {
  /** Whether something is left to settle. */
  busy(): boolean;
  /** How many steps the device is at work on. */
  size(): number;
  /** Resolves when the device is done with what it is at; null: it has nothing to do. Whoever only waits so lets the callers be answered at once. */
  working(): Promise<void> | null;
  /** Waits until the device has nothing to do. Callers may be unanswered: `hand` or `settle` is to follow at once. */
  deviceFree(): Promise<void>;
  /**
   * Hands persisted steps to the free device, then answers the callers of those before. Resolves when a third of them is
   * done as far as the batch before can tell: by then most of those who were just answered have come back, and there is
   * time to persist what they want before the device is free again.
   */
  hand(steps: readonly Step[]): Promise<void>;
  /** Waits for the device, answers all callers, and takes back what it refused. */
  settle(): Promise<void>;
}

/** `applied` is told what the device did, each time when it is published. */
export function createHandOver(
  place: Workplace,
  applied: (changes: readonly DeviceChange[]) => void,
): HandOver {
  const { clock } = place;
  // What the device is at work on; null: nothing.
  let working: Promise<void> | null = null;
  // What it has done, of which nobody knows yet.
  let unsettled: Applied | null = null;
  let refused: readonly Step[] = [];
  let laneWaits = false;
  let size = 0;
  // How long it took for a step of the last batch.
  let stepMs = 0;

  async function work(steps: readonly Step[]): Promise<void> {
    const startedMs = clock.monotonicMs();
    const outcome = await applySteps(steps, place);
    stepMs = (clock.monotonicMs() - startedMs) / steps.length;
    settleLast();
    unsettled = outcome;
    working = null;
    // A lane that does not wait has no batch ready, and nobody knows for how long.
    if (!laneWaits) settleLast();
  }

  function settleLast(): void {
    if (unsettled === null) return;
    const last = unsettled;
    unsettled = null;
    refused = last.refused;
    settle(last, place);
    applied([...last.done, ...last.refused, ...last.unknown].map((step) => deviceChange(step.change)));
  }

  async function deviceFree(): Promise<void> {
    laneWaits = true;
    await working;
    laneWaits = false;
  }

  return {
    busy: () => working !== null || unsettled !== null || refused.length > 0,
    size: () => (working === null ? 0 : size),
    working: () => working,
    deviceFree,
    async hand(steps) {
      if (steps.length === 0) return settleLast();
      size = steps.length;
      const done = work(steps);
      working = done;
      // The call to the device leaves in this turn of the event loop.
      clock.soon(settleLast);
      await new Promise<void>((resolve) => {
        const cancel = clock.after((steps.length * stepMs) / 3, resolve);
        void done.then(cancel).then(resolve);
      });
    },
    async settle() {
      await deviceFree();
      settleLast();
      const back = refused;
      refused = [];
      await takeBack(back, 'wireguard_error', place);
    },
  };
}
