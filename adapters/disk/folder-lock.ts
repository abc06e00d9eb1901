// One process at a time in a folder, by flock(1) on the folder itself: nothing is left behind, and the kernel frees it.
import { type FileHandle, open } from 'node:fs/promises';
import { folderLockWaitSeconds, lockTimeoutMs } from '../../core/limits.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { describeCommandFailure } from '../program-packages.ts';
import type { RunCommand } from '../run-command.ts';
import { describeSystemError } from './file-system.ts';

/**
 * Why the lock was not got; nothing was done.
 * - `lock_busy`: another process held it all the time.
 * - `lock_failed`: the folder can't be opened, or flock(1) is missing.
 */
export interface LockFailure {
  readonly code: 'lock_busy' | 'lock_failed';
  readonly detail: string;
}

/** A folder that this process has for itself. */
export interface FolderLock {
  release(): Promise<void>;
}

/** Waits until no other process has the folder, and takes it. */
export async function acquireFolderLock(
  folder: string,
  run: RunCommand,
): Promise<Result<FolderLock, LockFailure>> {
  let handle: FileHandle;
  try {
    handle = await open(folder, 'r');
  } catch (error) {
    return fail({ code: 'lock_failed', detail: `${folder}: ${describeSystemError(error)}` });
  }
  const release = () => handle.close();
  // The lock belongs to the open folder, which outlives the command that takes it.
  const locked = await run('flock', ['-w', String(folderLockWaitSeconds), '3'], {
    timeoutMs: folderLockWaitSeconds * 1_000 + lockTimeoutMs,
    outputMax: 1_024,
    descriptors: [handle.fd],
  });
  if (locked.ok) return ok({ release });
  await release();
  const code = locked.failure.code === 'command_missing' ? 'lock_failed' : 'lock_busy';
  return fail({ code, detail: describeCommandFailure(locked.failure) });
}
