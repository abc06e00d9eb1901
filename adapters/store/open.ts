// How a store file is claimed and opened before anything of it is believed. What it holds, and writing it, is elsewhere.
import { constants } from 'node:fs';
import { dirname } from 'node:path';
import { storeBytesMax } from '../../core/limits.ts';
import type { StoreFailure } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { makeFolder, removeTemporaries } from '../disk/atomic-file.ts';
import type { AcquireFileLock, FileLock } from '../disk/file-lock.ts';
import {
  closeQuietly,
  describeSystemError,
  type FileSystem,
  type OpenFile,
  openFlags,
  systemErrorCode,
} from '../disk/file-system.ts';
import { resolveLinks } from '../disk/symbolic-link.ts';

/** The permissions of a store file: it holds preshared keys. */
export const storeFileMode = 0o600;

const folderMode = 0o700;

/** Makes the folder where it is missing, takes the lock, and clears away what a crash left. `target` is the path with its links followed. */
export async function claimStore(
  path: string,
  fileSystem: FileSystem,
  acquireLock: AcquireFileLock,
): Promise<Result<{ readonly target: string; readonly lock: FileLock }, StoreFailure>> {
  const resolved = await resolveLinks(fileSystem, path);
  if (!resolved.ok) return failed(resolved.failure);
  const target = resolved.value;
  const folder = dirname(target);
  const made = await makeFolder(folder, { mode: folderMode, fileSystem });
  if (!made.ok) return failed(made.failure);
  try {
    await fileSystem.access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    return failed(describeSystemError(error));
  }
  const lock = await acquireLock(lockPath(target));
  if (!lock.ok) {
    const code = lock.failure.code === 'lock_held' ? 'store_locked' : 'store_failed';
    return fail({ code, detail: lock.failure.detail });
  }
  const removed = await removeTemporaries(fileSystem, target);
  if (removed.ok) return ok({ target, lock: lock.value });
  await lock.value.release();
  return failed(removed.failure);
}

/** The lock file of the store at this path, which has no links in it. It stays for as long as anybody ever used the store. */
export function lockPath(target: string): string {
  return `${target}.lock`;
}

/** An open store file and its bytes; `modeTightened`: others could read it until now. */
export interface OpenedStore {
  readonly file: OpenFile;
  readonly bytes: Buffer;
  readonly modeTightened: boolean;
}

/** Opens a file for reading and writing and reads it whole; null: there is none. */
export async function openStore(
  target: string,
  fileSystem: FileSystem,
): Promise<Result<OpenedStore | null, StoreFailure>> {
  let file: OpenFile | null = null;
  try {
    file = await fileSystem.open(target, openFlags.readWrite);
    const { isFile, size, mode } = await file.stat();
    if (!isFile || size > storeBytesMax) {
      await closeQuietly(file);
      const problem = isFile ? `larger than ${storeBytesMax} bytes` : 'not a regular file';
      return fail({ code: 'store_invalid', detail: `${target}: ${problem}` });
    }
    const modeTightened = (mode & 0o077) !== 0;
    if (modeTightened) await file.chmod(storeFileMode);
    return ok({ file, bytes: await readWhole(file, size), modeTightened });
  } catch (error) {
    if (file !== null) await closeQuietly(file);
    else if (systemErrorCode(error) === 'ENOENT') return ok(null);
    return failed(`${target}: ${describeSystemError(error)}`);
  }
}

/** The first `size` bytes of a file, or as many as it has. */
export async function readWhole(file: OpenFile, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  while (at < size) {
    const count = await file.read(bytes.subarray(at), at);
    if (count === 0) break;
    at += count;
  }
  return bytes.subarray(0, at);
}

function failed(detail: string): Result<never, StoreFailure> {
  return fail({ code: 'store_failed', detail });
}
