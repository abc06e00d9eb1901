// The few calls that the files of the node need, as an interface that a test can record and break. Knows no format and no protocol.
import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';

/** An open file. Every call rejects with the system's error, as `node:fs` does. */
export interface OpenFile {
  /** Writes once; resolves with the bytes written, which may be fewer than asked. `position` in bytes from the start. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** Reads once; resolves with the bytes read, which may be fewer than asked; 0: the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** `size` in bytes; `mode` is the permission bits alone. */
  stat(): Promise<{ readonly isFile: boolean; readonly size: number; readonly mode: number }>;
  chmod(mode: number): Promise<void>;
  /** ftruncate(2): cuts off what is behind `size` bytes. */
  truncate(size: number): Promise<void>;
  /** fsync(2). */
  sync(): Promise<void>;
  /** fdatasync(2). */
  datasync(): Promise<void>;
  close(): Promise<void>;
}

/** A file system. Every call rejects with the system's error, as `node:fs` does. */
export interface FileSystem {
  /** `flags` of open(2); `mode` counts when the file is made. The descriptor is not inherited by other processes. */
  open(path: string, flags: number, mode?: number): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** The names in a folder. */
  list(folder: string): Promise<readonly string[]>;
  /** Makes a folder and those above it; resolves with the topmost one that it made, or undefined when all were there. */
  makeFolder(path: string, mode: number): Promise<string | undefined>;
  /** realpath(3). */
  realPath(path: string): Promise<string>;
  /** readlink(2). */
  readLink(path: string): Promise<string>;
  /** access(2) with `mode` of `constants`. */
  access(path: string, mode: number): Promise<void>;
}

/** The machine's own file system. */
export const nodeFileSystem: FileSystem = {
  async open(path, flags, mode) {
    const handle = await fs.open(path, flags, mode);
    return {
      write: async (bytes, position) => (await handle.write(bytes, 0, bytes.length, position)).bytesWritten,
      read: async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead,
      stat: async () => {
        const stat = await handle.stat();
        return { isFile: stat.isFile(), size: stat.size, mode: stat.mode & 0o7777 };
      },
      chmod: (bits) => handle.chmod(bits),
      truncate: (size) => handle.truncate(size),
      sync: () => handle.sync(),
      datasync: () => handle.datasync(),
      close: () => handle.close(),
    };
  },
  rename: fs.rename,
  unlink: fs.unlink,
  list: (folder) => fs.readdir(folder),
  makeFolder: makeFolders,
  realPath: (path) => fs.realpath(path),
  readLink: (path) => fs.readlink(path),
  access: fs.access,
};

// Not by `recursive` of Node's own: where a folder that is there lets none be made in it, as in /proc, that tries for ever.
async function makeFolders(path: string, mode: number): Promise<string | undefined> {
  try {
    await fs.mkdir(path, { mode });
    return path;
  } catch (error) {
    if (await isFolder(path)) return undefined;
    const parent = dirname(path);
    if (systemErrorCode(error) !== 'ENOENT' || parent === path) throw error;
    const topmost = await makeFolders(parent, mode);
    await fs.mkdir(path, { mode }).catch(async (again: unknown) => {
      // Another process may have been quicker.
      if (!(await isFolder(path))) throw again;
    });
    return topmost ?? path;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await fs.stat(path)).isDirectory();
  } catch (error) {
    systemErrorCode(error);
    return false;
  }
}

/** Whether nothing is at a path, as far as is known: where the folder can't be looked into, something may be. */
export async function isMissing(path: string): Promise<boolean> {
  // Not by access(2), which goes by the real user alone and passes over CAP_DAC_OVERRIDE.
  return fs.stat(path).then(
    () => false,
    (error) => systemErrorCode(error) === 'ENOENT',
  );
}

/** The system's name for an error, `ENOENT` and the like. Throws what is not a system error on: that is a bug. */
export function systemErrorCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && 'syscall' in error) return String(error.code);
  throw error;
}

/** A system error in words, for a log: `ENOSPC: no space left on device, write`. Throws what is not a system error on. */
export function describeSystemError(error: unknown): string {
  systemErrorCode(error);
  return (error as Error).message;
}

/** Closes a file whose content no longer matters or is already flushed: what close(2) has to say changes nothing. */
export async function closeQuietly(file: Pick<OpenFile, 'close'>): Promise<void> {
  await file.close().catch(describeSystemError);
}

/** Flags of open(2) as the node uses them. */
export const openFlags = {
  readFolder: constants.O_RDONLY | constants.O_DIRECTORY,
  readWrite: constants.O_RDWR,
  createNew: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  // What a crash left under this name is overwritten; a link that somebody put there is not followed.
  createTemporary: constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW,
} as const;
