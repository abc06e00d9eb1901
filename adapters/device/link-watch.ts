// Tells when an interface has come, gone, or been set up or down, from `ip monitor link`. Says nothing of what is on it: who is told looks for himself.
import { reconcileEveryMs, watchRetryMaxMs, watchRetryMinMs } from '../../core/limits.ts';
import type { Log } from '../../core/ports.ts';
import { type ShellProcess, type ShellSurroundings, startShell } from './shell-process.ts';

/** A watch on one interface, which runs until it is closed. */
export interface LinkWatch {
  /** Whether the interface was there and down when it was last heard of. */
  isDown(): boolean;
  /** Ends what it started; `changed` is not called any more. */
  close(): Promise<void>;
}

// `ip monitor` notices only at its next event that nobody reads it; so the script ends it when the node is gone. It ends
// the other way too, and prints its status then. To each name that it reads it prints how things are now: if the node is
// gone by then, SIGPIPE ends it.
const script = `trap 'kill -s TERM 0' PIPE
(
  ip -o monitor link </dev/null 2>/dev/null
  echo "status $?"
  kill -s TERM 0
) &
while read -r name; do
  ip -o link show dev "$name" </dev/null 2>/dev/null || [ $? -ne 1 ] || echo "Deleted 0: $name: <>"
done
kill -s TERM 0`;

/** Status of a command that was not found (POSIX shell, exit status of commands). */
const notFound = 'status 127';

/**
 * Calls `changed` when the interface is heard of first, when it was created, deleted, or set up or down, and whenever the
 * watch had to be taken up anew. Events may get lost, so it is asked for now and then, too. Without the `ip` command there
 * is no watch, which is logged once.
 */
export function createLinkWatch(options: {
  readonly interfaceName: string;
  readonly surroundings: ShellSurroundings;
  readonly log: Log;
  readonly changed: () => void;
}): LinkWatch {
  const { interfaceName, surroundings, log, changed } = options;
  const { clock } = surroundings;
  let shell: ShellProcess | null = null;
  let link: Link | null = null;
  let retryMs = watchRetryMinMs;
  let cancelRetry = () => {};
  let cancelAsking = () => {};
  let closed = false;

  function onLine(line: string): void {
    if (closed) return;
    if (line === notFound) {
      closed = true;
      cancelAsking();
      log.warn(
        { interface: interfaceName },
        'no ip command: a new interface is noticed at the next look only, and one that is down is not',
      );
      return;
    }
    const heard = parseLink(line);
    if (heard?.name !== interfaceName) return;
    retryMs = watchRetryMinMs;
    const before = link;
    link = heard;
    if (before?.state === heard.state && (heard.state === 'gone' || before.index === heard.index)) return;
    logState(before?.state ?? null, heard.state);
    changed();
  }

  function logState(before: Link['state'] | null, now: Link['state']): void {
    const fields = { interface: interfaceName };
    if (now === 'down')
      log.warn(fields, 'the interface is down or gone: no traffic flows until somebody brings it up');
    else if (now === 'up' && before === 'down') log.info(fields, 'the interface is up');
  }

  function ask(): void {
    shell?.write(interfaceName);
    cancelAsking = clock.after(reconcileEveryMs, ask);
  }

  function start(): void {
    const started = startShell(surroundings, script, [], onLine);
    shell = started;
    ask();
    void started.gone.then((reason) => {
      if (closed) return;
      cancelAsking();
      log.debug({ reason, retryMs }, 'the watch on interfaces ended');
      cancelRetry = clock.after(retryMs, () => {
        start();
        changed();
      });
      retryMs = Math.min(retryMs * 2, watchRetryMaxMs);
    });
  }

  start();
  return {
    isDown: () => link?.state === 'down',
    async close() {
      closed = true;
      cancelRetry();
      cancelAsking();
      await shell?.close();
    },
  };
}

/** What a line of `ip -o` says of an interface. */
export interface Link {
  readonly name: string;
  readonly index: number;
  readonly state: 'up' | 'down' | 'gone';
}

/** Reads a line such as `5: wg0: <POINTOPOINT,UP,…> mtu 1420 …`, `Deleted 5: wg0@if4: <…> …`; null when it is not one. */
export function parseLink(line: string): Link | null {
  const [, deleted, index, name, flags] =
    /^(Deleted )?([0-9]{1,10}): ([^:@ ]{1,15})(?:@[^ ]*)?: <([^>]*)>/.exec(line) ?? [];
  if (index === undefined || name === undefined || flags === undefined) return null;
  const isUp = flags.split(',').includes('UP');
  return { name, index: Number(index), state: deleted !== undefined ? 'gone' : isUp ? 'up' : 'down' };
}
