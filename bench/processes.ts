// Child processes of a benchmark: started on a core of their own, asked for their CPU time, and ended with the benchmark.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { childrenOf, listProc, readProc } from '../test/fixtures/processes.ts';

/** The core that servers run on, and the one for everything that loads them. The same where there is one only. */
export const serverCore = 0;
export const loadCore = cpus().length > 1 ? 1 : 0;

/** Every core. */
export const anyCore = `0-${cpus().length - 1}`;

const running = new Set<ChildProcess>();

/** Starts a command on one core. It is killed when this process ends, at the latest. */
export function startOn(
  core: number | string,
  command: readonly string[],
  options: SpawnOptions = {},
): ChildProcess {
  const child = spawn('taskset', ['-c', String(core), ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Ends a process and resolves when it is gone. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  child.kill('SIGCONT');
  await gone;
}

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * CPU time of a process and all that descend from it, nanoseconds: threads that run, as the scheduler counts them, and
 * children that ended and were waited for, in the system's ticks of 10 ms.
 */
export function cpuNs(pid: number): number {
  let total = endedChildrenNs(pid);
  for (const thread of listProc(`/proc/${pid}/task`)) {
    total += Number(readProc(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0] ?? 0);
  }
  for (const child of childrenOf(pid)) total += cpuNs(child);
  return total;
}

/** Resident memory of a process and all that descend from it, bytes. */
export function residentBytes(pid: number): number {
  const own = /^VmRSS:\s+([0-9]+) kB$/m.exec(readProc(`/proc/${pid}/status`))?.[1] ?? 0;
  return childrenOf(pid).reduce((total, child) => total + residentBytes(child), Number(own) * 1_024);
}

function endedChildrenNs(pid: number): number {
  // proc(5): cutime and cstime are fields 16 and 17, counted behind the name, which may hold blanks.
  const stat = readProc(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) * 1e7;
}
