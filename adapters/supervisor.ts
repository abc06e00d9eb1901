// Tells systemd how the server is, as sd_notify(3) has it: ready, reloading, stopping, alive. Knows nothing of the server.
import { notifyTimeoutMs } from '../core/limits.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { RunCommand } from './run-command.ts';

/** Whoever started the server and keeps an eye on it. Calls never throw, and are told in their order. */
export interface Supervisor {
  /** The server serves: for the first time, or again after `reloading`. Keeps telling that it lives, where that is asked for. */
  ready(): void;
  reloading(): void;
  stopping(): void;
}

/** How the server is. */
export interface Condition {
  /** Whether it still gets on with its work. That its event loop turns shows by its being asked. */
  readonly alive: boolean;
  /** A few words for `systemctl status`. */
  readonly status: string;
}

/** What systemd puts into the environment of what it starts; undefined where it does not. */
export interface SupervisorEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined;
  /** How often it wants to hear from the server at the least, in microseconds. */
  readonly WATCHDOG_USEC?: string | undefined;
  /** Whose task that is. */
  readonly WATCHDOG_PID?: string | undefined;
}

export interface SupervisorOptions {
  readonly environment: SupervisorEnvironment;
  readonly pid: number;
  /** Finds `systemd-notify`, which finds `NOTIFY_SOCKET` in its environment. */
  readonly run: RunCommand;
  readonly clock: Clock;
  /** CLOCK_MONOTONIC, in microseconds. */
  readonly kernelMonotonicUs: () => bigint;
  readonly log: Log;
  readonly condition: () => Condition;
}

/** The supervisor of this process; one that does nothing where there is none. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  if (!options.environment.NOTIFY_SOCKET) return { ready() {}, reloading() {}, stopping() {} };
  const { clock, log, condition } = options;
  const tell = createNotifier(options);
  const everyMs = watchdogIntervalMs(options);
  let watched = false;
  let silent = false;
  let stopped = false;

  function watchdog(): void {
    if (everyMs === null) return;
    clock.after(everyMs, () => {
      if (stopped) return;
      const { alive, status } = condition();
      if (alive) tell('WATCHDOG=1', `STATUS=${status}`);
      else if (!silent) log.error({ status }, 'the work stands still: systemd hears no more of this server');
      silent = !alive;
      watchdog();
    });
  }

  return {
    ready() {
      tell('READY=1', `STATUS=${condition().status}`);
      if (!watched) watchdog();
      watched = true;
    },
    reloading: () => tell('RELOADING=1', `MONOTONIC_USEC=${options.kernelMonotonicUs()}`),
    stopping() {
      stopped = true;
      tell('STOPPING=1', 'STATUS=Answering what is under way');
    },
  };
}

/** Half of what systemd allows (sd_watchdog_enabled(3)); null: it does not want to hear. */
function watchdogIntervalMs({ environment, pid }: SupervisorOptions): number | null {
  const { WATCHDOG_USEC: everyUs = '', WATCHDOG_PID: whose = String(pid) } = environment;
  return /^[1-9][0-9]{0,15}$/.test(everyUs) && whose === String(pid) ? Number(everyUs) / 2_000 : null;
}

/** Node.js has no Unix datagram sockets, so a command sends each message, one after the other. */
function createNotifier({ run, log }: SupervisorOptions): (...assignments: string[]) => void {
  const bounds = { timeoutMs: notifyTimeoutMs, outputMax: 4_096 };
  let last: Promise<void> = Promise.resolve();
  let fails = false;

  async function send(assignments: readonly string[]): Promise<void> {
    const sent = await run('systemd-notify', assignments, bounds);
    if (!sent.ok && !fails) log.warn({ detail: sent.failure.detail }, 'systemd could not be told');
    fails = !sent.ok;
  }

  return (...assignments) => {
    last = last.then(() => send(assignments));
  };
}
