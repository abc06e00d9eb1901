// What signals do to a server: the first one drains it, the second one ends it. Knows no process.
import { stopDeadlineMs } from '../core/limits.ts';
import type { Clock } from '../core/ports.ts';

export type StopSignal = 'SIGINT' | 'SIGTERM';

/** The status of a process that a signal ended, as shells tell it: 128 and the signal's number (signal(7)). */
export function signalStatus(signal: StopSignal): number {
  return signal === 'SIGINT' ? 130 : 143;
}

export interface Shutdown {
  /** A signal has come. */
  signal(signal: StopSignal): void;
  /** The server has started; if a signal came before, it is stopped at once. */
  started(stop: () => Promise<void>): void;
}

/**
 * Calls `exit` once: with 0 when a signal came and the server has stopped, or has not within `stopDeadlineMs`; with
 * `signalStatus` when a second one came. `stop` must not reject.
 */
export function createShutdown(options: {
  readonly clock: Clock;
  readonly exit: (status: number) => void;
}): Shutdown {
  let asked = false;
  let ended = false;
  let stop: (() => Promise<void>) | null = null;

  function exit(status: number): void {
    if (ended) return;
    ended = true;
    options.exit(status);
  }

  function drain(): void {
    if (stop !== null && asked) void stop().then(() => exit(0));
  }

  return {
    signal(signal) {
      if (asked) return exit(signalStatus(signal));
      asked = true;
      options.clock.after(stopDeadlineMs, () => exit(0));
      drain();
    },
    started(stopServer) {
      stop = stopServer;
      drain();
    },
  };
}
