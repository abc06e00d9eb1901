// Looks at who has the store's lock. Never asks for it: a node that starts just then would not get it.
import type { LockFacts } from '../../core/doctor/files.ts';
import { isMissing } from '../disk/file-system.ts';
import { lockPath } from '../store/open.ts';
import type { Sight } from './sight.ts';

/** Finds who has the lock of the store at this path open. */
export async function lookAtLock(sight: Sight, path: string): Promise<LockFacts> {
  const lock = lockPath(path);
  const { of, complete } = await sight.holders();
  const found = of.get(lock);
  if (found === undefined) return { path: lock, exists: !(await isMissing(lock)), holder: null, complete };
  const { isNode, pid, program } = found;
  return { path: lock, exists: true, holder: { kind: isNode ? 'node' : 'other', pid, program }, complete };
}
