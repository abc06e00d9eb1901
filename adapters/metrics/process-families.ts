// Metrics of the process, under the names that Prometheus clients give them. (prom-client's own watch every garbage collection,
// which made reads 3 to 8 % dearer, and count the time between two looks at the event loop as its delay.)
import { readdirSync } from 'node:fs';
import { counter, type Family, gauge } from '../../core/metrics/family.ts';
import { openFilesMax } from '../open-files.ts';
import type { LoopDelay } from './loop-delay.ts';

/** `startedAtMs`: milliseconds since the Unix epoch. `readLoopDelay` tells of the time since it was last asked. */
export function createProcessFamilies(options: {
  readonly startedAtMs: number;
  readonly readLoopDelay: () => LoopDelay | null;
}): readonly Family[] {
  return [
    counter(
      'process_cpu_seconds_total',
      'CPU time of the process, for itself and in the kernel.',
      readCpuSeconds,
    ),
    gauge(
      'process_start_time_seconds',
      'When the process started, since 1970.',
      () => options.startedAtMs / 1_000,
    ),
    gauge('process_resident_memory_bytes', 'Memory of the process that is in RAM.', () =>
      process.memoryUsage.rss(),
    ),
    gauge('process_open_fds', 'Files that the process has open, connections included.', countOpenFiles),
    gauge('process_max_fds', 'Files that the process may have open.', openFilesMax),
    gauge(
      'nodejs_heap_size_used_bytes',
      'Memory of the JavaScript heap in use.',
      () => process.memoryUsage().heapUsed,
    ),
    gauge(
      'nodejs_external_memory_bytes',
      'Memory outside of the JavaScript heap that objects in it hold.',
      () => process.memoryUsage().external,
    ),
    loopFamily(options.readLoopDelay),
  ];
}

/** No sample where nothing was measured since the last scrape. */
function loopFamily(readLoopDelay: () => LoopDelay | null): Family {
  return {
    name: 'wgkeeper_event_loop_delay_seconds',
    help: 'How late the event loop got to what was due, since anybody last scraped: mean, p50, p99 and max.',
    type: 'gauge',
    samples: () =>
      Object.entries(readLoopDelay() ?? {}).map(([stat, value]) => ({ labels: { stat }, value, suffix: '' })),
  };
}

function readCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function countOpenFiles(): number | null {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return null;
  }
}
