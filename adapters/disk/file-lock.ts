// One process at a time, by flock(1) on a lock file: the kernel frees it with the process, however that ends. Guards no content by itself.

import { open } from 'node:fs/promises';
import { lockTimeoutMs } from '../../core/limits.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { describeCommandFailure } from '../program-packages.ts';
import type { RunCommand } from '../run-command.ts';
import { closeQuietly, describeSystemError } from './file-system.ts';

/**
 * Why the lock was not taken.
 * - `lock_held`: another process holds it.
 * - `lock_failed`: the file can't be opened or locked, or flock(1) is missing.
 */
export interface FileLockFailure {
  readonly code: 'lock_held' | 'lock_failed';
  /** Names the lock file and the reason. */
  readonly detail: string;
}

/** A lock that this process holds. */
export interface FileLock {
  /** Gives it up. The file stays: whoever removed it could let two others lock two files of one name. */
  release(): Promise<void>;
}

/** Takes a lock or says at once why not. */
export type AcquireFileLock = (path: string) => Promise<Result<FileLock, FileLockFailure>>;

/** Locks by util-linux's or busybox's flock(1), for the life of this process; no child that it starts later inherits the lock. */
export function createFlock(run: RunCommand): AcquireFileLock {
  return async (path) => {
    const failed = (code: FileLockFailure['code'], reason: string) =>
      fail({ code, detail: `${path}: ${reason}` });
    let handle: Awaited<ReturnType<typeof open>>;
    try {
      handle = await open(path, 'a', 0o600);
    } catch (error) {
      return failed('lock_failed', describeSystemError(error));
    }
    // The lock belongs to the open file, not to the command: it stays when flock(1) ends, until our descriptor closes.
    const locked = await run('flock', ['-n', '3'], {
      timeoutMs: lockTimeoutMs,
      outputMax: 1_024,
      descriptors: [handle.fd],
    });
    if (locked.ok) return ok({ release: () => closeQuietly(handle) });
    await closeQuietly(handle);
    // flock(1): "a status of 1 for a conflicting lock"; its own troubles have others (sysexits(3)).
    if (locked.failure.status === 1) return failed('lock_held', 'another process holds it');
    return failed('lock_failed', describeCommandFailure(locked.failure));
  };
}
