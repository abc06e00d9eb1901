// Runs `wg`, one at a time, through a shell that was started beforehand, and hands texts in and out in unnamed memory files and
// pipes: no secret is in an argument, in an environment or on a disk. Knows nothing of peers.
import { constants } from 'node:os';
import { hideKeys } from '../../core/hide-keys.ts';
import { deviceCallsMax, deviceOutputBytesMax, wgPipeBytesMax } from '../../core/limits.ts';
import type { DeviceFailure } from '../../core/ports.ts';
import { fail, type Result } from '../../core/result.ts';
import { type MemoryFile, openMemoryFile } from './memory-file.ts';
import { openPipeEnd, type PipeEnd } from './pipe-end.ts';
import { type ShellProcess, type ShellSurroundings, startShell } from './shell-process.ts';

/** One run of `wg`. */
export interface WgCall {
  /** Without white space in them, and not secret. */
  readonly args: readonly string[];
  /** What `wg` finds in the file `wgInputPath`. */
  readonly input: string;
  /** What it finds in the files `wgPresharedKeyPath(0)`, …: no more of them than the shell was made for. */
  readonly presharedKeys: readonly string[];
  readonly timeoutMs: number;
}

/** One run of `wg` that has ended, or was given up. */
export interface WgRun {
  /** What it was asked to do: `show`, `addconf` or `set`. */
  readonly command: string;
  /** `failed`: it ended and said no; `timeout`: it did not end in time; `lost`: its shell died under it. */
  readonly result: 'ok' | 'failed' | 'timeout' | 'lost';
  readonly tookMs: number;
}

/** Makes something of what `wg` printed. */
export type ReadOutput<Value> = (output: MemoryFile) => Promise<Result<Value, DeviceFailure>>;

/** A shell that waits for calls of `wg`. */
export interface WgShell {
  /**
   * Runs `wg` and, when it ended with status 0, resolves with what `read` makes of its output, which is gone afterwards.
   * Calls wait for each other, at most `deviceCallsMax` of them; the time-out is of the run alone. Should the shell die under a call,
   * the call is made once more: it must be harmless to repeat.
   *
   * A call with an input has the next such call's `wg` started while its own works: it waits for the input in a pipe, so that
   * starting a process, as long as the device takes for a few peers, is not waited for. Where the shell makes no pipes (bash
   * before 5.1, dash from 0.5.13 on), each call starts its own.
   */
  run<Value>(call: WgCall, read: ReadOutput<Value>): Promise<Result<Value, DeviceFailure>>;
  /** How many times `wg` was run. One that waits for its input is no run yet. */
  runs(): number;
  /** Lets the call under way end, refuses the waiting ones, and ends the shell. */
  close(): Promise<void>;
}

// A shell redirects to descriptors of one digit only, so these come first.
const outputDescriptor = 3;
const complaintDescriptor = 4;
const inputDescriptor = 5;
const pipeDescriptor = 6;
const firstPresharedKeyDescriptor = 7;

/** The file that holds `input`. `wg` opens it anew, which it could not do with a pipe of Node's: those are sockets (ENXIO). */
export const wgInputPath = `/dev/fd/${inputDescriptor}`;

/** The file that holds the n-th preshared key, counted from 0. */
export function wgPresharedKeyPath(index: number): string {
  return `/dev/fd/${firstPresharedKeyDescriptor + index}`;
}

// Without globbing the words of a line stay as they are, and nothing in it is ever code. Core dumps would hold keys.
// `ulimit -f` counts in units of 512 bytes (POSIX), and wg inherits it.
// A line with `next` starts one more wg with the same words, and is answered for by the one that the last such line started, if
// there was one. What they read is a here-document, a pipe in most shells, and another for each: none finds the rest of what was
// meant for another. `#` is a comment to wg; bash makes no pipe of an empty document. At the end the whole process group is
// ended: to the wg that waits, the end of its pipe would mean to go on.
const script = `set -f
ulimit -c 0
ulimit -f ${deviceOutputBytesMax / 512}
make_pipe() {
  exec ${pipeDescriptor}<<END
#
END
}
make_pipe
ahead=
while read -r number next words; do
  set -- $words
  before=
  if [ "$next" = next ]; then
    before=$ahead
    wg "$@" </dev/null >&${outputDescriptor} 2>&${complaintDescriptor} ${inputDescriptor}<&${pipeDescriptor} &
    ahead=$!
    make_pipe
  fi
  if [ "$before" ]; then
    wait $before
  else
    wg "$@" </dev/null >&${outputDescriptor} 2>&${complaintDescriptor}
  fi
  echo "$number $?"
done
kill 0`;

/** A shell and its files. They begin and end together: a `wg` that outlives its shell can't write into a later call. */
interface Session {
  readonly shell: ShellProcess;
  readonly output: MemoryFile;
  readonly complaint: MemoryFile;
  readonly input: MemoryFile;
  readonly presharedKeys: readonly MemoryFile[];
  /** The `wg` that was started ahead, and the pipe that it waits at; null: none was. */
  ahead: { readonly words: string; readonly pipe: PipeEnd } | null;
  /** Called with each line that the shell prints. */
  onLine: (line: string) => void;
  /** Why the shell is gone; null: it lives. */
  goneReason: string | null;
}

/** How a run of `wg` came out. */
type RunEnding =
  | { readonly kind: 'ended'; readonly session: Session; readonly status: number }
  | { readonly kind: 'late' }
  | { readonly kind: 'lost'; readonly reason: string };

type Ending = RunEnding | { readonly kind: 'unstarted'; readonly reason: string };

/** Starts the shell at once, while the process is small. `presharedKeysMax`: how many a call may hand in. */
export function createWgShell(
  surroundings: ShellSurroundings,
  presharedKeysMax: number,
  onRun: (run: WgRun) => void = () => {},
): WgShell {
  let session = openSession(surroundings, presharedKeysMax);
  let lastCall: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  let runs = 0;
  // Until one turns out small: a user who has too many of them gets no larger ones (pipe(7), pipe-user-pages-soft).
  let usesPipes = true;
  let closed = false;

  async function endSession(): Promise<void> {
    const ending = session;
    session = null;
    if (ending === null) return;
    await ending.shell.stop();
    // Only now: a wg that lived would take what it has for all of its input.
    ending.ahead?.pipe.close();
    for (const file of filesOf(ending)) file.close();
  }

  async function attempt(call: WgCall): Promise<Ending> {
    if (session !== null && session.goneReason !== null) await endSession();
    session ??= openSession(surroundings, presharedKeysMax);
    if (session === null) {
      return { kind: 'unstarted', reason: 'no shell, memory file system or descriptor for it' };
    }
    const handed = hand(session, call, usesPipes);
    if (handed === 'full') return { kind: 'unstarted', reason: 'the memory file system is full' };
    if (handed === 'gone' || handed === 'cut') {
      await endSession();
      usesPipes &&= handed === 'gone';
      return { kind: 'lost', reason: 'could not hand in the input' };
    }
    runs += 1;
    const startedMs = surroundings.clock.monotonicMs();
    const ending = await awaitEnding(session, [runs, handed, ...call.args], call.timeoutMs, surroundings);
    const tookMs = surroundings.clock.monotonicMs() - startedMs;
    onRun({ command: call.args[0] ?? '', result: resultOf(ending), tookMs });
    if (ending.kind !== 'ended') await endSession();
    return ending;
  }

  async function run<Value>(call: WgCall, read: ReadOutput<Value>): Promise<Result<Value, DeviceFailure>> {
    if (closed) return fail({ code: 'device_unreachable', detail: 'wg: closed' });
    let ending = await attempt(call);
    if (ending.kind === 'lost') ending = await attempt(call);
    if (ending.kind !== 'ended') return fail(unendedFailure(ending, call));
    const { status, session } = ending;
    const result = status === 0 ? await read(session.output) : fail(statusFailure(status, session.complaint));
    const { output, complaint, input, presharedKeys } = session;
    for (const file of [output, complaint, input]) file.clear();
    for (const file of presharedKeys.slice(0, call.presharedKeys.length)) file.clear();
    return result;
  }

  return {
    run(call, read) {
      if (waiting >= deviceCallsMax) {
        return Promise.resolve(
          fail({ code: 'device_unreachable', detail: 'wg: too many calls are waiting' }),
        );
      }
      waiting += 1;
      const turn = lastCall
        .then(() => run(call, read))
        .finally(() => {
          waiting -= 1;
        });
      lastCall = turn;
      return turn;
    },
    runs: () => runs,
    async close() {
      closed = true;
      await lastCall;
      await session?.shell.close();
      await endSession();
    },
  };
}

function openSession(surroundings: ShellSurroundings, presharedKeysMax: number): Session | null {
  const files: MemoryFile[] = [];
  for (let index = 0; index < 3 + presharedKeysMax; index++) {
    const file = openMemoryFile();
    if (file !== null) files.push(file);
  }
  const [output, complaint, input, ...presharedKeys] = files;
  if (!output || !complaint || !input || presharedKeys.length < presharedKeysMax) {
    for (const file of files) file.close();
    return null;
  }
  const descriptors = [
    ...[output, complaint, input].map((file) => file.descriptor),
    'ignore' as const,
    ...presharedKeys.map((file) => file.descriptor),
  ];
  const shell = startShell(surroundings, script, descriptors, (line) => session.onLine(line));
  const session: Session = {
    shell,
    output,
    complaint,
    input,
    presharedKeys,
    ahead: null,
    onLine: () => {},
    goneReason: null,
  };
  void shell.gone.then((reason) => {
    session.goneReason = reason;
  });
  if (shell.started) return session;
  for (const file of files) file.close();
  return null;
}

function filesOf({ output, complaint, input, presharedKeys }: Session): readonly MemoryFile[] {
  return [output, complaint, input, ...presharedKeys];
}

/**
 * Puts the call's texts in place: for a `wg` of its own (`alone`), or for one while the next is to be started (`next`).
 * `full`: there is no room for them, and none of them is left. `gone` and `cut`: the `wg` that waited did not take the input, or
 * a part of it alone, and must not live to see its end.
 */
function hand(
  session: Session,
  call: WgCall,
  usesPipes: boolean,
): 'alone' | 'next' | 'full' | 'gone' | 'cut' {
  const { ahead } = session;
  const next = usesPipes ? openNext(session, call) : null;
  if (next === null) return handFiles(session, call) === 'sent' ? 'alone' : 'full';
  const sent = ahead === null ? handFiles(session, call) : ahead.pipe.send(call.input);
  if (sent === 'sent') session.ahead = next;
  else next.pipe.close();
  return sent === 'sent' ? 'next' : sent;
}

/** The `wg` for the next call, where this one can start it. Null: it can't, or is not one of those that are made ahead. */
function openNext({ ahead, shell }: Session, call: WgCall): Session['ahead'] {
  const words = call.args.join(' ');
  if (call.input === '' || call.input.length > wgPipeBytesMax) return null;
  if (ahead !== null && ahead.words !== words) return null;
  const pipe = openPipeEnd(shell.descriptorPath(pipeDescriptor));
  return pipe && { words, pipe };
}

function handFiles(session: Session, call: WgCall): 'sent' | 'full' {
  const files = [session.input, ...session.presharedKeys];
  const texts = [call.input, ...call.presharedKeys];
  if (texts.every((text, index) => text === '' || files[index]?.replace(text))) return 'sent';
  for (const file of files) file.clear();
  return 'full';
}

function awaitEnding(
  session: Session,
  words: readonly [number: number, ...(string | number)[]],
  timeoutMs: number,
  { clock }: ShellSurroundings,
): Promise<RunEnding> {
  return new Promise((resolve) => {
    const cancel = clock.after(timeoutMs, () => resolve({ kind: 'late' }));
    const settle = (ending: RunEnding) => {
      cancel();
      resolve(ending);
    };
    session.onLine = (line) => {
      const [answered, status] = line.split(' ');
      if (answered === String(words[0])) settle({ kind: 'ended', session, status: Number(status) });
    };
    void session.shell.gone.then((reason) => settle({ kind: 'lost', reason }));
    session.shell.write(words.join(' '));
  });
}

function resultOf(ending: RunEnding): WgRun['result'] {
  if (ending.kind === 'ended') return ending.status === 0 ? 'ok' : 'failed';
  return ending.kind === 'late' ? 'timeout' : 'lost';
}

function unendedFailure(ending: Exclude<Ending, { kind: 'ended' }>, call: WgCall): DeviceFailure {
  switch (ending.kind) {
    case 'late':
      return { code: 'device_timeout', detail: `wg ${call.args[0]}: not done after ${call.timeoutMs} ms` };
    case 'lost':
      return { code: 'device_timeout', detail: `wg ${call.args[0]}: its shell ${ending.reason}` };
    case 'unstarted':
      return { code: 'device_unreachable', detail: `wg: not started: ${ending.reason}` };
  }
}

/** 126 and 127: the program could not be started; from 128: it was ended by a signal (POSIX shell, exit status of commands). */
function statusFailure(status: number, complaint: MemoryFile): DeviceFailure {
  if (status === 126 || status === 127) {
    return { code: 'device_unreachable', detail: 'wg: not found in the PATH, or not a program' };
  }
  if (status === 128 + constants.signals.SIGXFSZ) {
    return { code: 'device_unreadable', detail: `wg: printed more than ${deviceOutputBytesMax} bytes` };
  }
  const [line = ''] = hideKeys(complaint.read(0, 4_096)).split('\n', 1);
  const text = line.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
  return { code: 'device_refused', detail: `wg: status ${status}: ${text}` };
}
