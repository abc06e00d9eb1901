// A file read whole, within a bound, and why one was not read. Knows no content.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { fail, ok, type Result } from '../../core/result.ts';
import { systemErrorCode } from './file-system.ts';

export interface SmallFile {
  readonly bytes: Buffer;
  /** As of stat(2): its last nine bits are the permissions. */
  readonly mode: number;
  /** The group that it belongs to. */
  readonly gid: number;
}

/**
 * Why a file was not read.
 * - `missing`: there is none.
 * - `too_large`: it has more bytes than it may.
 * - `forbidden`: this user may not read it.
 * - `folder`: it is one.
 * - `unreadable`: the disk says no.
 */
export interface SmallFileFailure {
  readonly code: 'missing' | 'too_large' | 'forbidden' | 'folder' | 'unreadable';
  /** For the terminal, without the path: a secret may have been written where its file belongs. */
  readonly reason: string;
}

/** Reads a file. It may be a pipe, as shells make of `<(…)`, so its size is not asked for beforehand. */
export function readSmallFile(path: string, bytesMax: number): Result<SmallFile, SmallFileFailure> {
  let fd: number | null = null;
  try {
    fd = openSync(path, 'r');
    const status = fstatSync(fd);
    const buffer = Buffer.alloc(bytesMax + 1);
    const length = readFully(fd, buffer);
    return withinBound(buffer.subarray(0, length), status, bytesMax);
  } catch (error) {
    return fail(readFailure(error));
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** The same for a file that may be large or on a disk that hangs: other work goes on meanwhile. */
export async function readBoundedFile(
  path: string,
  bytesMax: number,
): Promise<Result<SmallFile, SmallFileFailure>> {
  try {
    const file = await open(path, 'r');
    const status = await file.stat();
    const pieces: Buffer[] = [];
    // `end` is the last byte that is read. The stream closes the file, whatever happens.
    for await (const piece of file.createReadStream({ end: bytesMax })) pieces.push(piece as Buffer);
    return withinBound(Buffer.concat(pieces), status, bytesMax);
  } catch (error) {
    return fail(readFailure(error));
  }
}

/**
 * For a file that the operator named, behind the key or the argument that names it: `server.tls_key /k.pem: there is no
 * such file; …`. Not where a secret may stand in the place of the path.
 */
export function describeFileFailure(path: string, { code, reason }: SmallFileFailure): string {
  return `${path}: ${reason}; ${advice[code]}`;
}

const advice: Readonly<Record<SmallFileFailure['code'], string>> = {
  missing: 'correct the path, or put the file there',
  too_large: 'is it the right file?',
  forbidden: 'let this user read it, or run this as root',
  folder: 'name a file',
  unreadable: 'see to its disk',
};

function withinBound(
  bytes: Buffer,
  { mode, gid }: Omit<SmallFile, 'bytes'>,
  bytesMax: number,
): Result<SmallFile, SmallFileFailure> {
  return bytes.length > bytesMax
    ? fail({ code: 'too_large', reason: `larger than ${bytesMax} bytes` })
    : ok({ bytes, mode, gid });
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
  if (code === 'EACCES') return { code: 'forbidden', reason: 'this user may not read it' };
  if (code === 'EISDIR') return { code: 'folder', reason: 'a folder, not a file' };
  return { code: 'unreadable', reason: `could not be read (${code})` };
}
