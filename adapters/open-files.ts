// How many files this process may have open, and so how many connections it should take.
import { readFileSync } from 'node:fs';
import { connectionsMax, openFilesReserved } from '../core/limits.ts';

/** Connections to take: `connectionsMax`, or what the limit of open files leaves beside files, pipes and `wg`. */
export function affordableConnections(): number {
  const soft = openFilesMax();
  return soft === null ? connectionsMax : Math.max(1, Math.min(connectionsMax, soft - openFilesReserved));
}

/** The soft limit of a process, by its id; null: unlimited, or not to be found. */
export function openFilesMax(pid: number | 'self' = 'self'): number | null {
  const found = /^Max open files\s+(\d+)/m.exec(readLimits(pid));
  return found === null ? null : Number(found[1]);
}

// As text (proc(5)).
function readLimits(pid: number | 'self'): string {
  try {
    return readFileSync(`/proc/${pid}/limits`, 'utf8');
  } catch {
    return '';
  }
}
