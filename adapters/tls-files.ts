// Reads a certificate and its key from their files. Whether they are any good is for core/http/tls.ts to say.
import type { TlsFiles } from '../core/config/config.ts';
import type { TlsPair } from '../core/http/tls.ts';
import { tlsFileBytesMax } from '../core/limits.ts';
import { fail, ok, type Result } from '../core/result.ts';
import {
  describeFileFailure,
  readBoundedFile,
  readSmallFile,
  type SmallFile,
  type SmallFileFailure,
} from './disk/small-file.ts';

/** Reads both at once. A failure is one line for each file that can't be read. */
export function readTlsFiles(files: TlsFiles): Result<TlsPair, readonly string[]> {
  const pair = joinPair(
    files,
    readSmallFile(files.certPath, tlsFileBytesMax),
    readSmallFile(files.keyPath, tlsFileBytesMax),
  );
  return pair.ok ? pair : fail(pair.failure.lines);
}

/** Why certificate and key were not read. */
export interface TlsFilesFailure {
  /** One for each file. */
  readonly lines: readonly string[];
  /** Whether all of it is that this user may not read them. */
  readonly isForbidden: boolean;
}

/** Certificate and key, and who may read the key's file. */
export interface TlsFilesSeen extends TlsPair {
  /** As of stat(2): permission bits and group. */
  readonly keyMode: number;
  readonly keyGroup: number;
}

/** The same while other work goes on, for a disk that hangs. */
export async function lookAtTlsFiles(files: TlsFiles): Promise<Result<TlsFilesSeen, TlsFilesFailure>> {
  const [cert, key] = await Promise.all([
    readBoundedFile(files.certPath, tlsFileBytesMax),
    readBoundedFile(files.keyPath, tlsFileBytesMax),
  ]);
  return joinPair(files, cert, key);
}

function joinPair(
  { certPath, keyPath }: TlsFiles,
  cert: Result<SmallFile, SmallFileFailure>,
  key: Result<SmallFile, SmallFileFailure>,
): Result<TlsFilesSeen, TlsFilesFailure> {
  if (cert.ok && key.ok) {
    const [certPem, keyPem] = [cert.value.bytes.toString(), key.value.bytes.toString()];
    return ok({ certPath, keyPath, certPem, keyPem, keyMode: key.value.mode, keyGroup: key.value.gid });
  }
  const failures = [
    { name: 'server.tls_cert', path: certPath, read: cert },
    { name: 'server.tls_key', path: keyPath, read: key },
  ].flatMap(({ name, path, read }) => (read.ok ? [] : [{ name, path, failure: read.failure }]));
  return fail({
    lines: failures.map(({ name, path, failure }) => `${name} ${describeFileFailure(path, failure)}`),
    isForbidden: failures.every(({ failure }) => failure.code === 'forbidden'),
  });
}
