// How many files this process may have open, and so how many connections it should take.
import { readFileSync } from 'node:fs';
import { connectionsMax, openFilesReserved } from '../core/limits.ts';

/** Connections to take: `connectionsMax`, or what the limit of open files leaves beside files, pipes and `wg`. */
export function affordableConnections(): number {
  const soft = openFilesMax();
  return soft === null ? connectionsMax : Math.max(1, Math.min(connectionsMax, soft - openFilesReserved));
}

/** The soft limit of this process; null: unlimited, or not to be found. */
export function openFilesMax(): number | null {
  return openFilesLimit(readLimits());
}

/** The soft limit in the text of `/proc/self/limits` (proc(5)); null: unlimited, or not to be found. */
function openFilesLimit(limits: string): number | null {
  const found = /^Max open files\s+(\d+)/m.exec(limits);
  return found === null ? null : Number(found[1]);
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
