// Files that are replaced whole: temp, fsync, rename, fsync of the folder (rename(2), fsync(2)). Knows no content.
import { basename, dirname, join, resolve } from 'node:path';
import { fail, ok, type Result } from '../../core/result.ts';
import {
  closeQuietly,
  describeSystemError,
  type FileSystem,
  nodeFileSystem,
  type OpenFile,
  openFlags,
} from './file-system.ts';
import { resolveLinks } from './symbolic-link.ts';

/**
 * Why a file was not written.
 * - `file_not_written`: what was there before is there still.
 * - `file_not_durable`: the new content is in place, but a power cut may bring back the old.
 */
export interface FileWriteFailure {
  readonly code: 'file_not_written' | 'file_not_durable';
  /** Names the file and the system's reason. */
  readonly detail: string;
}

/**
 * Replaces a file, or makes it, so that after any crash either the old content is there or the new, whole; when it
 * resolves well, the new one outlives a power cut. A path that is a symbolic link keeps it: its target is replaced.
 * `mode` is set exactly, whatever the umask.
 */
export async function writeFileAtomically(
  path: string,
  bytes: Uint8Array,
  options: { readonly mode: number; readonly fileSystem?: FileSystem },
): Promise<Result<void, FileWriteFailure>> {
  const fileSystem = options.fileSystem ?? nodeFileSystem;
  const target = await resolveLinks(fileSystem, path);
  if (!target.ok) return fail({ code: 'file_not_written', detail: target.failure });
  const written = await replaceFile(fileSystem, target.value, options.mode, [bytes]);
  if (!written.ok) return written;
  await closeQuietly(written.value.file);
  return ok(undefined);
}

/** The same for content that comes in pieces, at a path without links. The new file stays open, for more to be appended; `size` in bytes. */
export async function replaceFile(
  fileSystem: FileSystem,
  path: string,
  mode: number,
  pieces: Iterable<Uint8Array>,
): Promise<Result<{ readonly file: OpenFile; readonly size: number }, FileWriteFailure>> {
  const temporary = temporaryPath(path);
  const written = await writeDurably(fileSystem, temporary, openFlags.createTemporary, mode, pieces);
  if (!written.ok) return written;
  try {
    await fileSystem.rename(temporary, path);
  } catch (error) {
    await discardFile(fileSystem, written.value.file, temporary);
    return fail({ code: 'file_not_written', detail: `${path}: ${describeSystemError(error)}` });
  }
  const durable = await syncFolder(fileSystem, dirname(path));
  if (durable.ok) return written;
  await closeQuietly(written.value.file);
  return fail({ code: 'file_not_durable', detail: durable.failure });
}

/**
 * Keeps what a file holds beside it as `<path>.<time>.bak`, durably; the answer is the copy's path. A copy that is there
 * already stays as it is, and is a failure.
 */
export async function keepCopy(
  fileSystem: FileSystem,
  path: string,
  options: { readonly mode: number; readonly nowMs: number },
  content: Uint8Array,
): Promise<Result<string, FileWriteFailure>> {
  const copy = `${path}.${new Date(options.nowMs).toISOString().replaceAll(':', '-')}.bak`;
  const written = await writeDurably(fileSystem, copy, openFlags.createNew, options.mode, [content]);
  if (!written.ok) return written;
  await closeQuietly(written.value.file);
  const durable = await syncFolder(fileSystem, dirname(copy));
  return durable.ok ? ok(copy) : fail({ code: 'file_not_durable', detail: durable.failure });
}

// Node goes on after a short write by itself, so one that is still short met a full disk or a limit. When it fails nothing is left.
async function writeDurably(
  fileSystem: FileSystem,
  path: string,
  flags: number,
  mode: number,
  pieces: Iterable<Uint8Array>,
): Promise<Result<{ readonly file: OpenFile; readonly size: number }, FileWriteFailure>> {
  let file: OpenFile | null = null;
  try {
    file = await fileSystem.open(path, flags, mode);
    await file.chmod(mode);
    let size = 0;
    for (const piece of pieces) {
      const count = await file.write(piece, size);
      if (count !== piece.length) {
        await discardFile(fileSystem, file, path);
        return fail({ code: 'file_not_written', detail: `${path}: short write, as on a full disk` });
      }
      size += count;
    }
    await file.sync();
    return ok({ file, size });
  } catch (error) {
    if (file !== null) await discardFile(fileSystem, file, path);
    return fail({ code: 'file_not_written', detail: `${path}: ${describeSystemError(error)}` });
  }
}

/** Makes a folder and those above it where they are missing, durably. The failure is in words. */
export async function makeFolder(
  path: string,
  options: { readonly mode: number; readonly fileSystem?: FileSystem },
): Promise<Result<void, string>> {
  const fileSystem = options.fileSystem ?? nodeFileSystem;
  try {
    const topmost = await fileSystem.makeFolder(path, options.mode);
    if (topmost === undefined) return ok(undefined);
    for (let made = resolve(path); made.length >= topmost.length; made = dirname(made)) {
      const durable = await syncFolder(fileSystem, dirname(made));
      if (!durable.ok) return durable;
    }
    return ok(undefined);
  } catch (error) {
    return fail(`${path}: ${describeSystemError(error)}`);
  }
}

/** Makes the names in a folder durable. The failure is in words. */
async function syncFolder(fileSystem: FileSystem, folder: string): Promise<Result<void, string>> {
  let handle: OpenFile | null = null;
  try {
    handle = await fileSystem.open(folder, openFlags.readFolder);
    await handle.sync();
    return ok(undefined);
  } catch (error) {
    return fail(`${folder}: ${describeSystemError(error)}`);
  } finally {
    if (handle !== null) await closeQuietly(handle);
  }
}

/** Removes what a crash left of `replaceFile` at this path. Only for whoever alone writes there: it would pull the file from under a living writer. */
export async function removeTemporaries(fileSystem: FileSystem, path: string): Promise<Result<void, string>> {
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  try {
    for (const name of await fileSystem.list(folder)) {
      if (!name.startsWith(prefix) || !/^[0-9]+-[0-9]+\.tmp$/.test(name.slice(prefix.length))) continue;
      await fileSystem.unlink(join(folder, name));
    }
    return ok(undefined);
  } catch (error) {
    return fail(`${folder}: ${describeSystemError(error)}`);
  }
}

async function discardFile(fileSystem: FileSystem, file: OpenFile, path: string): Promise<void> {
  await closeQuietly(file);
  await fileSystem.unlink(path).catch(describeSystemError);
}

let temporariesMade = 0;

// The process id keeps two writers apart; with the count, two writes of one process.
function temporaryPath(path: string): string {
  temporariesMade += 1;
  return `${path}.${process.pid}-${temporariesMade}.tmp`;
}
