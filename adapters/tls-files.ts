// Reads a certificate and its key from their files. Whether they are any good is for core/http/tls.ts to say.
import { readFileSync } from 'node:fs';
import type { TlsFiles } from '../core/config/config.ts';
import type { TlsPair } from '../core/http/tls.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { describeSystemError } from './disk/file-system.ts';

/** Reads both. A failure is one line for each file that can't be read. */
export function readTlsFiles({ certPath, keyPath }: TlsFiles): Result<TlsPair, readonly string[]> {
  const certPem = readPem(certPath);
  const keyPem = readPem(keyPath);
  if (certPem.ok && keyPem.ok) return ok({ certPath, keyPath, certPem: certPem.value, keyPem: keyPem.value });
  return fail([certPem, keyPem].flatMap((read) => (read.ok ? [] : [read.failure])));
}

function readPem(path: string): Result<string, string> {
  try {
    return ok(readFileSync(path, 'utf8'));
  } catch (error) {
    return fail(`${path}: can not be read: ${describeSystemError(error)}`);
  }
}
