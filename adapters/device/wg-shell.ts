// Runs `wg`, one at a time, through a shell that was started beforehand and is replaced when it fails: whose turn it is, what is
// tried again, and what to make of an exit status. How texts get there is wg-session.ts's to know. Knows nothing of peers.
import { constants } from 'node:os';
import { hideKeys } from '../../core/hide-keys.ts';
import { deviceCallsMax, deviceOutputBytesMax } from '../../core/limits.ts';
import type { DeviceFailure } from '../../core/ports.ts';
import { fail, type Result } from '../../core/result.ts';
import type { MemoryFile } from './memory-file.ts';
import type { ShellSurroundings } from './shell-process.ts';
import {
  awaitEnding,
  clearFiles,
  endSession,
  hand,
  openSession,
  type RunEnding,
  type WgCall,
} from './wg-session.ts';

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

  async function endShell(): Promise<void> {
    const ending = session;
    session = null;
    if (ending !== null) await endSession(ending);
  }

  async function attempt(call: WgCall): Promise<Ending> {
    if (session !== null && session.goneReason !== null) await endShell();
    session ??= openSession(surroundings, presharedKeysMax);
    if (session === null) {
      return { kind: 'unstarted', reason: 'no shell, memory file system or descriptor for it' };
    }
    const handed = hand(session, call, usesPipes);
    if (handed === 'full') return { kind: 'unstarted', reason: 'the memory file system is full' };
    if (handed === 'gone' || handed === 'cut') {
      await endShell();
      usesPipes &&= handed === 'gone';
      return { kind: 'lost', reason: 'could not hand in the input' };
    }
    runs += 1;
    const startedMs = surroundings.clock.monotonicMs();
    const ending = await awaitEnding(session, runs, call, handed, surroundings.clock);
    const tookMs = surroundings.clock.monotonicMs() - startedMs;
    onRun({ command: call.args[0] ?? '', result: resultOf(ending), tookMs });
    if (ending.kind !== 'ended') await endShell();
    return ending;
  }

  async function run<Value>(call: WgCall, read: ReadOutput<Value>): Promise<Result<Value, DeviceFailure>> {
    if (closed) return fail({ code: 'device_unreachable', detail: 'wg: closed' });
    let ending = await attempt(call);
    if (ending.kind === 'lost') ending = await attempt(call);
    if (ending.kind !== 'ended') return fail(unendedFailure(ending, call));
    const { status, session } = ending;
    const result = status === 0 ? await read(session.output) : fail(statusFailure(status, session.complaint));
    clearFiles(session, call);
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
      await endShell();
    },
  };
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
