// Who has a file or a socket open, by the links in /proc/PID/fd. Names programs, never their arguments, which may hold secrets.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { checkFilesMax, checkProcessesMax } from '../../core/limits.ts';

/** A process, and what it runs. */
export interface ProgramProcess {
  readonly pid: number;
  readonly program: string;
  /** Whether it is this program. */
  readonly isNode: boolean;
}

/** Who has what open. */
export interface Holders {
  /** By path, or `socket:[inode]`. */
  readonly of: ReadonlyMap<string, ProgramProcess>;
  /** Whether every process let itself be looked at: those of others do so for root alone. */
  readonly complete: boolean;
}

/** What a descriptor of a socket links to. */
export function socketLink(inode: number): string {
  return `socket:[${inode}]`;
}

/** Finds a process for each of these that one has open. */
export async function findHolders(wanted: ReadonlySet<string>): Promise<Holders> {
  const found = new Map<string, ProgramProcess>();
  let complete = true;
  const pids = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
  for (const pid of pids.slice(0, checkProcessesMax)) {
    const files = listOpenFiles(pid);
    if (files === null) complete = false;
    for (const file of files ?? []) {
      if (wanted.has(file) && !found.has(file)) found.set(file, describeProcess(pid));
    }
    await nextTurn();
  }
  return { of: found, complete };
}

/** What a process has open; empty: it is gone; null: it may not be looked at. */
function listOpenFiles(pid: string): readonly string[] | null {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder)
      .slice(0, checkFilesMax)
      .flatMap((name) => readLink(`${folder}/${name}`));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? null : [];
  }
}

function readLink(path: string): readonly string[] {
  try {
    return [readlinkSync(path)];
  } catch {
    return [];
  }
}

function describeProcess(pid: string): ProgramProcess {
  const isNode = readText(`/proc/${pid}/cmdline`)
    .split('\0')
    .some((word) => nodeProgram.test(word));
  const program = isNode ? 'wgkeeper-node' : readText(`/proc/${pid}/comm`).trim() || 'a program';
  return { pid: Number(pid), program, isNode };
}

// The file that is run, or the link to it that npm makes.
const nodeProgram = /(^|\/)(adapters\/main\.(js|ts)|wgkeeper-node)$/;

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
