// A device that fails when it is told to, in front of any other.
import type { Device, DeviceChange, DeviceFailure } from '../../core/ports.ts';
import { fail, type Result } from '../../core/result.ts';

/**
 * How a call goes: well; fails without effect; is applied wholly and then reported as not done in time; or waits for
 * `release` and then goes well.
 */
export type CallFate = 'good' | DeviceFailure['code'] | 'applied_but_late' | 'held';

export interface FlakyDevice extends Device {
  /** Decides the fate of each call from now on. */
  fate: (call: 'look' | 'apply') => CallFate;
  /** How many calls came, whatever their fate. */
  readonly calls: { looks: number; applies: number };
  /** Lets every held call go on. */
  release(): void;
  /** Empties the device and tells the watcher, as when the interface is made anew. */
  remake(): Promise<void>;
}

export function createFlakyDevice(device: Device): FlakyDevice {
  const calls = { looks: 0, applies: 0 };
  let held: (() => void)[] = [];
  let changed = () => {};

  async function call<Value>(
    fate: CallFate,
    really: () => Promise<Result<Value, DeviceFailure>>,
  ): Promise<Result<Value, DeviceFailure>> {
    if (fate === 'held') await new Promise<void>((resolve) => held.push(resolve));
    if (fate === 'good' || fate === 'held') return really();
    if (fate !== 'applied_but_late') return fail({ code: fate, detail: 'as planned' });
    await really();
    return fail({ code: 'device_timeout', detail: 'as planned' });
  }

  return {
    fate: () => 'good',
    calls,
    look(visit) {
      calls.looks++;
      return call(this.fate('look'), () => device.look(visit));
    },
    apply(changes) {
      calls.applies++;
      return call(this.fate('apply'), () => device.apply(changes));
    },
    watch(watcher) {
      changed = watcher;
      device.watch(watcher);
    },
    isDown: () => device.isDown(),
    close: () => device.close(),
    release() {
      const waiting = held;
      held = [];
      for (const goOn of waiting) goOn();
    },
    async remake() {
      const removals: DeviceChange[] = [];
      await device.look(({ publicKey }) => removals.push({ kind: 'remove', publicKey }));
      await device.apply(removals);
      changed();
    },
  };
}
