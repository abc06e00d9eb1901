// Looks at the peer store: its file, and its folder with the disk under it. Never claims the lock.
import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FolderFacts, StoreFacts } from '../../core/doctor/files.ts';
import { nodeFileSystem } from '../disk/file-system.ts';
import { resolveLinks } from '../disk/symbolic-link.ts';
import { peekStore } from '../store/peek.ts';

/** Where a store's path leads; the path itself where that can't be told. */
export async function storeTarget(path: string): Promise<string> {
  const target = await resolveLinks(nodeFileSystem, path);
  return target.ok ? target.value : path;
}

/** Reads the store at this path, a second time where its last write looks unfinished. */
export async function lookAtStore(path: string): Promise<StoreFacts['content']> {
  const first = await peekStore(path);
  // A node that runs may have been about to append: then the next look sees it whole.
  const seen = first.ok && first.value.tornBytes > 0 ? await peekStore(path) : first;
  if (!seen.ok) return seen.failure;
  const { peers, tornBytes, mode } = seen.value;
  return { kind: 'valid', peers: peers.length, tornBytes, mode };
}

/** Looks at the folder of the store at this path, or at the first one above it that is there. */
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
