// Looks at who has the store's lock. Never asks for it: a node that starts just then would not get it.
import { access } from 'node:fs/promises';
import type { LockFacts } from '../../core/doctor/files.ts';
import { systemErrorCode } from '../disk/file-system.ts';
import { lockPath } from '../store/open.ts';
import type { Sight } from './sight.ts';

/** Finds who has the lock of the store at this path open. */
export async function lookAtLock(sight: Sight, path: string): Promise<LockFacts> {
  const lock = lockPath(path);
  const { of, complete } = await sight.holders();
  const found = of.get(lock);
  if (found === undefined) return { path: lock, exists: await mayExist(lock), holder: null, complete };
  const { isNode, pid, program } = found;
  return { path: lock, exists: true, holder: { kind: isNode ? 'node' : 'other', pid, program }, complete };
}

/** False: it is known not to be there. Where the folder can't be looked into, it may be. */
async function mayExist(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error) => systemErrorCode(error) !== 'ENOENT',
  );
}
