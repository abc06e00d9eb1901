// Trouble with the store or the device, from the first suspicion to the end. Decides nothing about peers.
import { faultRetryMs } from './limits.ts';
import type { Clock } from './ports.ts';

/** The trouble of one side. */
export interface Fault {
  /** Something failed, or may have changed: this side is to be looked into before anything else. */
  suspected(): boolean;
  /** The same, and the look into it begins: a suspicion that comes from here on asks for another one. */
  takeUp(): boolean;
  /** Looking into it failed, too: changes are refused until it succeeds. */
  lasting(): boolean;
  /** Asks for a look into it. */
  suspect(): void;
  /** What came of looking into it. A fault that lasts is suspected again after `faultRetryMs`. */
  settle(healed: boolean): void;
  /** Ends all further attempts. */
  end(): void;
}

/** No fault. `wake` is called whenever one is suspected. */
export function createFault(clock: Clock, wake: () => void): Fault {
  let isSuspected = false;
  let isLasting = false;
  let ended = false;
  let cancelRetry = () => {};

  function suspect(): void {
    if (ended) return;
    isSuspected = true;
    wake();
  }

  return {
    suspected: () => isSuspected,
    lasting: () => isLasting,
    takeUp() {
      const wasSuspected = isSuspected;
      isSuspected = false;
      return wasSuspected;
    },
    suspect,
    settle(healed) {
      isLasting = !healed;
      cancelRetry();
      if (!healed && !ended) cancelRetry = clock.after(faultRetryMs, suspect);
    },
    end() {
      ended = true;
      isSuspected = false;
      cancelRetry();
    },
  };
}
