// Tells when an interface may have come or gone, from `ip monitor link`. Says nothing of its state: who is told looks for himself.
import { watchRetryMaxMs, watchRetryMinMs } from '../../core/limits.ts';
import type { Log } from '../../core/ports.ts';
import { type ShellProcess, type ShellSurroundings, startShell } from './shell-process.ts';

export interface LinkWatch {
  /** Ends what it started; `changed` is not called any more. */
  close(): Promise<void>;
}

// `ip monitor` notices only at its next event that nobody reads it; so the script ends it when the node is gone. It ends
// the other way too, and prints its status then.
const script = `(
  ip -o monitor link </dev/null 2>/dev/null
  echo "status $?"
  kill -s TERM 0
) &
read -r end
kill -s TERM 0`;

/** Status of a command that was not found (POSIX shell, exit status of commands). */
const notFound = 'status 127';

/**
 * Calls `changed` when the interface was created, deleted or altered, and whenever the watch had to be taken up anew.
 * Without the `ip` command there is no watch, which is logged once.
 */
export function createLinkWatch(options: {
  readonly interfaceName: string;
  readonly surroundings: ShellSurroundings;
  readonly log: Log;
  readonly changed: () => void;
}): LinkWatch {
  const { interfaceName, surroundings, log, changed } = options;
  let shell: ShellProcess | null = null;
  let retryMs = watchRetryMinMs;
  let cancelRetry = () => {};
  let closed = false;

  function onLine(line: string): void {
    if (closed) return;
    if (line === notFound) {
      closed = true;
      log.warn(
        { interface: interfaceName },
        'no ip command: a new interface is noticed at the next look only',
      );
    } else if (parseLinkName(line) === interfaceName) {
      retryMs = watchRetryMinMs;
      changed();
    }
  }

  function start(): void {
    const started = startShell(surroundings, script, [], onLine);
    shell = started;
    void started.gone.then((reason) => {
      if (closed) return;
      log.debug({ reason, retryMs }, 'the watch on interfaces ended');
      cancelRetry = surroundings.clock.after(retryMs, () => {
        start();
        changed();
      });
      retryMs = Math.min(retryMs * 2, watchRetryMaxMs);
    });
  }

  start();
  return {
    async close() {
      closed = true;
      cancelRetry();
      await shell?.close();
    },
  };
}

/** The interface's name from a line such as `5: wg0: <POINTOPOINT,…> mtu 1420 …`, `Deleted 5: wg0@if4: …`; null when it is not one. */
export function parseLinkName(line: string): string | null {
  return /^(?:Deleted )?[0-9]+: ([^:@ ]{1,15})[:@]/.exec(line)?.[1] ?? null;
}
