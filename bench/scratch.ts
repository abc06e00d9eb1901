// Folders that a benchmark keeps its files in. They go with the process, however it ends, short of SIGKILL.
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Set<string>();

/** Makes a folder `bench-WHAT-…`: on the disk, or in memory (`/dev/shm`), where writing takes no time from what is measured. */
export function makeScratch(what: string, place: 'disk' | 'memory' = 'disk'): string {
  const folder = mkdtempSync(join(place === 'disk' ? tmpdir() : '/dev/shm', `bench-${what}-`));
  folders.add(folder);
  return folder;
}

/** Removes such a folder with all that is in it; nothing happens when it is gone already. */
export function removeScratch(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  folders.delete(folder);
}

process.on('exit', () => {
  for (const folder of folders) removeScratch(folder);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
}
