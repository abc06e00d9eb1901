// One shell that runs `wg` after `wg`, and how texts pass in and out of it: by unnamed memory files and pipes, so that no secret is
// in an argument, in an environment or on a disk. Knows nothing of calls that wait, of attempts, or of peers.
import { deviceOutputBytesMax, wgPipeBytesMax } from '../../core/limits.ts';
import type { Clock } from '../../core/ports.ts';
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
export interface Session {
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
export type RunEnding =
  | { readonly kind: 'ended'; readonly session: Session; readonly status: number }
  | { readonly kind: 'late' }
  | { readonly kind: 'lost'; readonly reason: string };

/** Starts a shell for calls of up to so many preshared keys. Null: no shell, memory file system or descriptor for it. */
export function openSession(surroundings: ShellSurroundings, presharedKeysMax: number): Session | null {
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

/** Ends the shell and whatever it started, and closes its files. */
export async function endSession(session: Session): Promise<void> {
  await session.shell.stop();
  // Only now: a wg that lived would take what it has for all of its input.
  session.ahead?.pipe.close();
  for (const file of filesOf(session)) file.close();
}

/** Empties what a call has used. */
export function clearFiles({ output, complaint, input, presharedKeys }: Session, call: WgCall): void {
  for (const file of [output, complaint, input]) file.clear();
  for (const file of presharedKeys.slice(0, call.presharedKeys.length)) file.clear();
}

function filesOf({ output, complaint, input, presharedKeys }: Session): readonly MemoryFile[] {
  return [output, complaint, input, ...presharedKeys];
}

/**
 * Puts the call's texts in place: for a `wg` of its own (`alone`), or for one while the next is to be started (`next`).
 * `full`: there is no room for them, and none of them is left. `gone` and `cut`: the `wg` that waited did not take the input, or
 * a part of it alone, and must not live to see its end.
 */
export function hand(
  session: Session,
  call: WgCall,
  usesPipes: boolean,
): 'alone' | 'next' | 'full' | 'gone' | 'cut' {
  const { ahead } = session;
  const next = usesPipes ? openNext(session, call) : null;
  if (next === null) return handFiles(session, call) === 'sent' ? 'alone' : 'full';
  const sent = ahead === null ? handFiles(session, call) : ahead.pipe.send(call.input);
  if (sent !== 'sent') {
    next.pipe.close();
    return sent;
  }
  session.ahead = next;
  return 'next';
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

/** Has the shell make a call that was handed in, by a number that no other has, and waits for its end. */
export function awaitEnding(
  session: Session,
  number: number,
  call: WgCall,
  handed: 'alone' | 'next',
  clock: Clock,
): Promise<RunEnding> {
  return new Promise((resolve) => {
    const cancel = clock.after(call.timeoutMs, () => resolve({ kind: 'late' }));
    const settle = (ending: RunEnding) => {
      cancel();
      resolve(ending);
    };
    session.onLine = (line) => {
      const [answered, status] = line.split(' ');
      if (answered === String(number)) settle({ kind: 'ended', session, status: Number(status) });
    };
    void session.shell.gone.then((reason) => settle({ kind: 'lost', reason }));
    session.shell.write([number, handed, ...call.args].join(' '));
  });
}
