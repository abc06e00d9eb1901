// Runs one process to its end, within bounds of time and output. Knows nothing of what it runs.
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { hideKeys } from '../core/hide-keys.ts';
import { commandArgumentsShownMax, commandEndGraceMs, commandStderrMax } from '../core/limits.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { describeSystemError } from './disk/file-system.ts';

/** What one call may take and say. */
export interface CommandBounds {
  /** After this SIGTERM goes to the command and all it started, and SIGKILL a second later. */
  readonly timeoutMs: number;
  /** Bytes of stdout; one more ends the command. */
  readonly outputMax: number;
  /** Sent to the command; absent: it reads from nothing. */
  readonly stdin?: string;
  /** Gets stdout piece by piece as it comes, and the answer is empty. Absent: stdout is the answer. */
  readonly takeOutput?: (piece: Buffer) => void;
  /** Open descriptors that the command gets as 3 and up. */
  readonly descriptors?: readonly number[];
  /** The highest exit status that is no failure; absent: 0. */
  readonly goodStatusMax?: number;
  /** Where the command says why it fails; it must not say secrets there. Absent: `stderr`. */
  readonly reasonsOn?: 'stdout' | 'stderr';
}

/**
 * Why a command did not do its work.
 * - `command_missing`: it can't be started, most likely since it is not installed. Nothing was done.
 * - `command_refused`: it ended with a status above `goodStatusMax`, or by a signal.
 * - `command_timeout`: it was ended. What it has done by then is unknown.
 * - `command_output`: it said more than `outputMax` and was ended. What it has done by then is unknown.
 */
export interface CommandFailure {
  readonly code: 'command_missing' | 'command_refused' | 'command_timeout' | 'command_output';
  readonly command: string;
  /** The exit status; null: it was ended by a signal or never started. */
  readonly status: number | null;
  /**
   * The command and the end of what it said on stderr, or where `reasonsOn` says, with everything that looks like a key
   * hidden; without its arguments when it never started.
   */
  readonly detail: string;
}

/** Runs a program found on the PATH, without a shell. The answer is its stdout, which may be secret. */
export type RunCommand = (
  command: string,
  args: readonly string[],
  bounds: CommandBounds,
) => Promise<Result<string, CommandFailure>>;

/** A PATH that finds what this one does, and then what only root usually sees: sudo, cron and others leave that out. */
export function programPath(path: string): string {
  return `${path}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`;
}

/** The environment of programs: a PATH, texts and dumps without language and colour, and nothing else of what the node was started with. */
export function commandEnvironment(
  path: string,
): Readonly<Record<'PATH' | 'LC_ALL' | 'WG_COLOR_MODE', string>> {
  return { PATH: path, LC_ALL: 'C', WG_COLOR_MODE: 'never' };
}

/**
 * Runs commands with exactly this environment. Each gets a session of its own, so that Ctrl-C at the terminal and the
 * end of the node reach neither it nor a daemon that it leaves behind.
 */
export function createRunCommand(environment: Readonly<Record<string, string>>): RunCommand {
  return (command, args, bounds) =>
    new Promise((resolve) => {
      const failed = (
        code: Exclude<CommandFailure['code'], 'command_missing'>,
        status: number | null,
        reason: string,
      ) => resolve(fail({ code, command, status, detail: `${describe(command, args)}: ${reason}` }));
      const notStarted = (reason: string) =>
        resolve(fail({ code: 'command_missing', command, status: null, detail: `${command} ${reason}` }));
      const child = start(command, args, environment, bounds.descriptors ?? []);
      if (typeof child === 'string') return notStarted(child);
      const stdout: Buffer[] = [];
      let stdoutBytes = 0;
      let stderr = '';
      let ended: 'command_timeout' | 'command_output' | null = null;
      let spawnError: string | null = null;
      let killTimer: NodeJS.Timeout | undefined;
      let pipeTimer: NodeJS.Timeout | undefined;

      const signal = (name: NodeJS.Signals) => {
        // The group may be gone already; that is what was wanted.
        try {
          if (child.pid !== undefined) process.kill(-child.pid, name);
        } catch {}
      };
      const end = (reason: 'command_timeout' | 'command_output') => {
        if (ended !== null) return;
        ended = reason;
        signal('SIGTERM');
        killTimer = setTimeout(() => signal('SIGKILL'), commandEndGraceMs);
      };
      const timer = setTimeout(() => end('command_timeout'), bounds.timeoutMs);

      child.stdout?.on('data', (chunk: Buffer) => {
        stdoutBytes += chunk.length;
        if (stdoutBytes > bounds.outputMax) end('command_output');
        else if (bounds.takeOutput !== undefined) bounds.takeOutput(chunk);
        else stdout.push(chunk);
      });
      child.stderr?.on('data', (chunk: Buffer) => {
        stderr += chunk.toString();
        // What is cut in two could be a key that no longer looks like one.
        if (stderr.length > commandStderrMax) stderr = stderr.slice(-commandStderrMax).replace(/^\S*/, '');
      });
      // A command that does not read to the end closes its side: EPIPE here is no failure of ours.
      child.stdin?.on('error', () => {});
      child.stdin?.end(bounds.stdin ?? '');
      child.on('error', (error: NodeJS.ErrnoException) => {
        spawnError = error.code ?? 'unknown';
      });
      child.on('exit', () => {
        // A daemon that it left behind may hold the pipes open for ever.
        pipeTimer = setTimeout(() => {
          child.stdout?.destroy();
          child.stderr?.destroy();
        }, commandEndGraceMs);
      });
      child.on('close', (status) => {
        clearTimeout(timer);
        clearTimeout(killTimer);
        clearTimeout(pipeTimer);
        if (spawnError !== null) notStarted(`can't be started (${spawnError})`);
        else if (ended === 'command_timeout') failed(ended, status, `not done after ${bounds.timeoutMs} ms`);
        else if (ended === 'command_output') {
          failed(ended, status, `said more than ${bounds.outputMax} bytes`);
        } else if (status !== null && status <= (bounds.goodStatusMax ?? 0)) {
          resolve(ok(Buffer.concat(stdout).toString()));
        } else {
          const said = bounds.reasonsOn === 'stdout' ? Buffer.concat(stdout).toString() : stderr;
          failed('command_refused', status, hideKeys(said.trim()) || `ended with status ${status}`);
        }
      });
    });
}

// Most errors come as an event; those that node:child_process does not expect, E2BIG for one, are thrown.
function start(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  descriptors: readonly number[],
): ChildProcess | string {
  try {
    const stdio: StdioOptions = ['pipe', 'pipe', 'pipe', ...descriptors];
    return spawn(command, args, { env: environment, detached: true, stdio });
  } catch (error) {
    return `can't be started (${describeSystemError(error)})`;
  }
}

function describe(command: string, args: readonly string[]): string {
  const shown = args.slice(0, commandArgumentsShownMax).map((arg) => hideKeys(arg.slice(0, 100)));
  return [command, ...shown, ...(args.length > commandArgumentsShownMax ? ['…'] : [])].join(' ');
}
