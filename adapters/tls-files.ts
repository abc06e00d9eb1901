// Reads a certificate and its key from their files. Whether they are any good is for core/http/tls.ts to say.
import type { TlsFiles } from '../core/config/config.ts';
import type { TlsPair } from '../core/http/tls.ts';
import { tlsFileBytesMax } from '../core/limits.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { readSmallFile } from './disk/small-file.ts';

/** Reads both. A failure is one line for each file that can't be read. */
export function readTlsFiles({ certPath, keyPath }: TlsFiles): Result<TlsPair, readonly string[]> {
  const certPem = readPem(certPath);
  const keyPem = readPem(keyPath);
  if (certPem.ok && keyPem.ok) return ok({ certPath, keyPath, certPem: certPem.value, keyPem: keyPem.value });
  return fail([certPem, keyPem].flatMap((read) => (read.ok ? [] : [read.failure])));
}

function readPem(path: string): Result<string, string> {
  const file = readSmallFile(path, tlsFileBytesMax);
  return file.ok ? ok(file.value.bytes.toString()) : fail(`${path}: ${file.failure.reason}`);
}
