// What signals do to a server: the first SIGTERM or SIGINT drains it, the second one ends it, and SIGHUP has it read its
// configuration again. Knows no process.
import { stopDeadlineMs } from '../core/limits.ts';
import type { Clock } from '../core/ports.ts';

export type StopSignal = 'SIGINT' | 'SIGTERM';

/** The status of a process that a signal ended, as shells tell it: 128 and the signal's number (signal(7)). */
export function signalStatus(signal: StopSignal): number {
  return signal === 'SIGINT' ? 130 : 143;
}

/** A server, as far as signals go. */
export interface SignalledServer {
  /** Must not reject. */
  stop(): Promise<void>;
  reload(): void;
}

/** Takes what comes, before the server has started, too. */
export interface Signals {
  /** A signal has come. */
  stop(signal: StopSignal): void;
  /** SIGHUP has come. */
  reload(): void;
  /** The server has started. If it was to stop meanwhile, it is stopped at once; if it was to reload, it does. */
  started(server: SignalledServer): void;
}

/**
 * Calls `exit` once: with 0 when a signal came and the server has stopped, or has not within `stopDeadlineMs`; with
 * `signalStatus` when a second one came. `late` is called before an exit that does not wait for the server. A server that
 * is to stop reloads no more.
 */
export function createSignals(options: {
  readonly clock: Clock;
  readonly exit: (status: number) => void;
  readonly late: () => void;
}): Signals {
  let stopAsked = false;
  let reloadAsked = false;
  let ended = false;
  let server: SignalledServer | null = null;

  function exit(status: number): void {
    if (ended) return;
    ended = true;
    options.exit(status);
  }

  function act(): void {
    if (server === null) return;
    if (stopAsked) void server.stop().then(() => exit(0));
    else if (reloadAsked) server.reload();
    reloadAsked = false;
  }

  return {
    stop(signal) {
      if (stopAsked) return exit(signalStatus(signal));
      stopAsked = true;
      options.clock.after(stopDeadlineMs, () => {
        if (!ended) options.late();
        exit(0);
      });
      act();
    },
    reload() {
      if (stopAsked) return;
      reloadAsked = true;
      act();
    },
    started(startedServer) {
      server = startedServer;
      act();
    },
  };
}
