// A small file read whole and at once, within a bound. Knows no content.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { fail, ok, type Result } from '../../core/result.ts';
import { systemErrorCode } from './file-system.ts';

export interface SmallFile {
  readonly bytes: Buffer;
  /** As of stat(2): its last nine bits are the permissions. */
  readonly mode: number;
}

/**
 * Why a file was not read.
 * - `missing`: there is none.
 * - `too_large`: it has more bytes than it may.
 * - `unreadable`: this user may not read it, it is a folder, or the disk says no.
 */
export interface SmallFileFailure {
  readonly code: 'missing' | 'too_large' | 'unreadable';
  /** For the terminal, without the path: a secret may have been written where its file belongs. */
  readonly reason: string;
}

/** Reads a file. It may be a pipe, as shells make of `<(…)`, so its size is not asked for beforehand. */
export function readSmallFile(path: string, bytesMax: number): Result<SmallFile, SmallFileFailure> {
  let fd: number | null = null;
  try {
    fd = openSync(path, 'r');
    const { mode } = fstatSync(fd);
    const buffer = Buffer.alloc(bytesMax + 1);
    const length = readFully(fd, buffer);
    if (length > bytesMax) return fail({ code: 'too_large', reason: `larger than ${bytesMax} bytes` });
    return ok({ bytes: buffer.subarray(0, length), mode });
  } catch (error) {
    return fail(readFailure(error));
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

function readFully(fd: number, buffer: Buffer): number {
  let length = 0;
  while (length < buffer.length) {
    const count = readSync(fd, buffer, length, buffer.length - length, null);
    if (count === 0) break;
    length += count;
  }
  return length;
}

function readFailure(error: unknown): SmallFileFailure {
  const code = systemErrorCode(error);
  if (code === 'ENOENT') return { code: 'missing', reason: 'there is no such file' };
  if (code === 'EACCES') return { code: 'unreadable', reason: 'this user may not read it' };
  if (code === 'EISDIR') return { code: 'unreadable', reason: 'a folder, not a file' };
  return { code: 'unreadable', reason: `could not be read (${code})` };
}
