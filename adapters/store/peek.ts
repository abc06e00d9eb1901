// Reads a store without claiming it, for those who only look: it may belong to a server that runs.
import { readFile, stat } from 'node:fs/promises';
import { storeBytesMax } from '../../core/limits.ts';
import type { Peer } from '../../core/peers/peer.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { describeSystemError, systemErrorCode } from '../disk/file-system.ts';
import { decodeStore } from './format.ts';

/** A store as it was found. */
export interface PeekedStore {
  readonly peers: readonly Peer[];
  /** Bytes of an unfinished last write, dropped at the next start. While a server runs it may only be on its way. */
  readonly tornBytes: number;
  /** As of stat(2): its last nine bits are the permissions. */
  readonly mode: number;
}

/**
 * Why nothing was found.
 * - `missing`: there is no such file.
 * - `forbidden`: this user may not read it, or not get there.
 * - `unreadable`: the disk says no.
 * - `invalid`: it is no store, or damaged.
 */
export interface PeekFailure {
  readonly kind: 'missing' | 'forbidden' | 'unreadable' | 'invalid';
  /** Without the path. Holds no secret. */
  readonly reason: string;
}

/** Reads the file at this path, links followed. */
export async function peekStore(path: string): Promise<Result<PeekedStore, PeekFailure>> {
  try {
    const { size, mode } = await stat(path);
    if (size > storeBytesMax) return fail({ kind: 'invalid', reason: `larger than ${storeBytesMax} bytes` });
    const bytes = await readFile(path);
    const decoded = await decodeStore(bytes);
    if (!decoded.ok) return fail({ kind: 'invalid', reason: decoded.failure });
    const { peers, wholeBytes } = decoded.value;
    return ok({ peers, tornBytes: bytes.length - wholeBytes, mode });
  } catch (error) {
    return fail({ kind: kinds[systemErrorCode(error)] ?? 'unreadable', reason: describeSystemError(error) });
  }
}

const kinds: Readonly<Record<string, PeekFailure['kind']>> = {
  ENOENT: 'missing',
  EACCES: 'forbidden',
  EPERM: 'forbidden',
};
