// Looks at the peer store: its file, and its folder with the disk under it. Never claims the lock.
import { constants } from 'node:fs';
import { access, readFile, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FolderFacts, StoreFacts } from '../../core/doctor/files.ts';
import { storeBytesMax } from '../../core/limits.ts';
import { describeSystemError, nodeFileSystem, systemErrorCode } from '../disk/file-system.ts';
import { resolveLinks } from '../disk/symbolic-link.ts';
import { decodeStore } from '../store/format.ts';

/** Where a store's path leads; the path itself where that can't be told. */
export async function storeTarget(path: string): Promise<string> {
  const target = await resolveLinks(nodeFileSystem, path);
  return target.ok ? target.value : path;
}

export async function lookAtStore(path: string): Promise<StoreFacts['content']> {
  try {
    const first = await readStore(path);
    if (first.kind !== 'valid' || first.tornBytes === 0) return first;
    // A node that runs may have been about to append: then the next look sees it whole.
    return await readStore(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT') return { kind: 'missing' };
    if (code === 'EACCES' || code === 'EPERM') return { kind: 'forbidden' };
    return { kind: 'unreadable', reason: describeSystemError(error) };
  }
}

async function readStore(path: string): Promise<StoreFacts['content']> {
  const { size, mode } = await stat(path);
  if (size > storeBytesMax) return { kind: 'invalid', reason: `larger than ${storeBytesMax} bytes` };
  const bytes = await readFile(path);
  const decoded = await decodeStore(bytes);
  if (!decoded.ok) return { kind: 'invalid', reason: decoded.failure };
  const { peers, wholeBytes } = decoded.value;
  return { kind: 'valid', peers: peers.length, tornBytes: bytes.length - wholeBytes, mode };
}

export async function lookAtFolder(path: string, isRoot: boolean): Promise<FolderFacts> {
  const folder = dirname(path);
  const nearest = await nearestFolder(folder);
  const writable = await access(nearest, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  const disk = await statfs(nearest);
  return {
    folder,
    access: !writable ? 'forbidden' : nearest === folder ? 'writable' : 'missing',
    isRoot,
    freeBytes: disk.bavail * disk.bsize,
    freeInodes: disk.files === 0 ? null : disk.ffree,
    storeBytes: await stat(path).then(
      ({ size }) => size,
      () => 0,
    ),
  };
}

/** The folder, or of those above it the first that is there. */
async function nearestFolder(folder: string): Promise<string> {
  try {
    await stat(folder);
    return folder;
  } catch {
    return folder === dirname(folder) ? folder : nearestFolder(dirname(folder));
  }
}

/** The lock file beside a store (`claimStore`). */
export function lockPath(path: string): string {
  return `${path}.lock`;
}
