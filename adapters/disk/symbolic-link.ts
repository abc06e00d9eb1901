// Where symbolic links lead, for files that are to be replaced without replacing the link.
import { basename, dirname, join, resolve } from 'node:path';
import { fail, ok, type Result } from '../../core/result.ts';
import { describeSystemError, type FileSystem, systemErrorCode } from './file-system.ts';

/** Where a path leads, every symbolic link followed, for a file that may be missing yet. The failure is in words. */
export async function resolveLinks(fileSystem: FileSystem, path: string): Promise<Result<string, string>> {
  let current = resolve(path);
  try {
    // 40: where Linux gives up too (path_resolution(7)).
    for (let links = 0; links < 40; links++) {
      const real = await missingAsNull(fileSystem.realPath(current));
      if (real !== null) return ok(real);
      const target = await linkTarget(fileSystem, current);
      if (target === null) {
        const folder = await missingAsNull(fileSystem.realPath(dirname(current)));
        return ok(folder === null ? current : join(folder, basename(current)));
      }
      current = resolve(dirname(current), target);
    }
    return fail(`${path}: too many symbolic links`);
  } catch (error) {
    return fail(`${path}: ${describeSystemError(error)}`);
  }
}

async function missingAsNull<Value>(call: Promise<Value>): Promise<Value | null> {
  try {
    return await call;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

async function linkTarget(fileSystem: FileSystem, path: string): Promise<string | null> {
  try {
    return await fileSystem.readLink(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EINVAL' || code === 'ENOENT') return null;
    throw error;
  }
}
