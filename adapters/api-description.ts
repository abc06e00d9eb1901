// The file that describes the API. It is read each time somebody asks, which is seldom, and kept nowhere; how it is made is told in docs/openapi/.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Log } from '../core/ports.ts';
import { describeSystemError } from './disk/file-system.ts';

// Compiled files are one folder deeper.
const root = import.meta.url.endsWith('.ts') ? '..' : '../..';
const path = fileURLToPath(new URL(`${root}/docs/openapi.json`, import.meta.url));

/** Its bytes; null, and a line in the log, when it can't be read. */
export async function readApiDescription(log: Log): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (error) {
    log.error({ path, reason: describeSystemError(error) }, 'the description of the API can not be read');
    return null;
  }
}
