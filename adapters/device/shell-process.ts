// A small shell that lives beside the node and starts programs for it: starting one from the node itself would hold up its
// event loop in proportion to its memory. Starts, feeds and ends the shell; knows none of the programs.
import { type ChildProcess, spawn } from 'node:child_process';
import { shellEndGraceMs, shellLineLengthMax } from '../../core/limits.ts';
import type { Clock } from '../../core/ports.ts';
import { commandEnvironment } from '../run-command.ts';

/** What programs that the shell starts find around them. */
export interface ShellSurroundings {
  /**
   * Command that starts a POSIX shell under the name `sh`; a prefix such as `nsenter … /bin/sh` makes it live in another
   * namespace. (By another name bash would take Node's pipes, which are sockets, for a login from afar, and run `~/.bashrc`.)
   */
  readonly shell: readonly [string, ...string[]];
  /** PATH to find programs in. */
  readonly path: string;
  readonly clock: Clock;
}

/** A shell that runs a script. */
export interface ShellProcess {
  /** False: there is no such program, or no room for a process. */
  readonly started: boolean;
  /** Hands a line to the script's standard input. */
  write(line: string): void;
  /** A path that leads to what the shell has open under a number; not where a prefix starts the shell as a child of its own. */
  descriptorPath(descriptor: number): string;
  /** Resolves with a reason for the log when the shell is gone, or at once when it could not be started. */
  readonly gone: Promise<string>;
  /** Lets the script see the end of its input, and ends it by force if that does not help. Resolves when it is gone. */
  close(): Promise<void>;
  /** Ends the shell and everything that it started: asks first, forces `shellEndGraceMs` later. Resolves when they are gone. */
  stop(): Promise<void>;
}

/**
 * Starts the shell on a script, in a process group of its own so that a Ctrl-C meant for the node does not reach it.
 * `descriptors` become 3, 4, … in the script; `ignore` is one that it has nothing of yet. When the node dies, the script's standard input ends, at which it must end.
 */
export function startShell(
  surroundings: ShellSurroundings,
  script: string,
  descriptors: readonly (number | 'ignore')[],
  onLine: (line: string) => void,
): ShellProcess {
  const [command, ...prefix] = surroundings.shell;
  const child = spawn(command, [...prefix, '-c', script], {
    env: commandEnvironment(surroundings.path),
    // Nobody writes to the last one: it ends when the last process that the shell started has ended.
    stdio: ['pipe', 'pipe', 'ignore', ...descriptors, 'pipe'],
    detached: true,
  });
  const started = child.pid !== undefined;
  const gone = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`cannot start: ${error.message}`));
    child.once('exit', (status, signal) => resolve(`ended with ${signal ?? `status ${status}`}`));
  });
  const allGone = started ? new Promise<unknown>((resolve) => child.once('close', resolve)) : gone;
  const stop = () => stopGroup(child, allGone, surroundings.clock);
  const watched = child.stdio[3 + descriptors.length];
  if (watched !== null && watched !== undefined && 'resume' in watched) watched.resume();
  // A shell that is gone is noticed by `gone`, not by what can no longer be written to it.
  child.stdin?.on('error', () => {});
  readLines(child, onLine, () => void stop());
  return {
    started,
    gone,
    stop,
    write: (line) => void child.stdin?.write(`${line}\n`),
    descriptorPath: (descriptor) => `/proc/${child.pid}/fd/${descriptor}`,
    async close() {
      child.stdin?.end();
      const cancel = surroundings.clock.after(shellEndGraceMs, () => void stop());
      await allGone;
      cancel();
    },
  };
}

function readLines(child: ChildProcess, onLine: (line: string) => void, onOverflow: () => void): void {
  let rest = '';
  child.stdout?.setEncoding('latin1').on('data', (piece: string) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
    if (rest.length <= shellLineLengthMax) return;
    rest = '';
    onOverflow();
  });
}

async function stopGroup(child: ChildProcess, allGone: Promise<unknown>, clock: Clock): Promise<void> {
  signalGroup(child, 'SIGTERM');
  let cancel = () => {};
  // A process that even SIGKILL does not end at once, deep in a system call, is not waited for.
  const forced = new Promise<void>((resolve) => {
    cancel = clock.after(shellEndGraceMs, () => {
      signalGroup(child, 'SIGKILL');
      resolve();
    });
  });
  await Promise.race([allGone, forced]);
  cancel();
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody is left in it.
  }
}
