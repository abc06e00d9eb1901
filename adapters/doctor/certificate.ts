// Looks at the certificate and its key.
import { X509Certificate } from 'node:crypto';
import type { TlsFiles } from '../../core/config/config.ts';
import type { CertificateFacts } from '../../core/doctor/files.ts';
import { checkTlsPair } from '../../core/http/tls.ts';
import { lookAtTlsFiles } from '../tls-files.ts';

/** Reads and checks both. `files` null: no TLS is asked for. `nowMs`: milliseconds since the Unix epoch. */
export async function lookAtCertificate(files: TlsFiles | null, nowMs: number): Promise<CertificateFacts> {
  if (files === null) return { pair: null, nowMs };
  const read = await lookAtTlsFiles(files);
  if (!read.ok) {
    return { pair: { unreadable: read.failure.lines, isForbidden: read.failure.isForbidden }, nowMs };
  }
  const { certPath: path, keyPath, certPem, keyMode, keyGroup } = read.value;
  const checked = checkTlsPair(read.value, nowMs);
  const validToMs = checked.ok ? Date.parse(new X509Certificate(certPem).validTo) : 0;
  return { pair: { path, keyPath, keyMode, keyGroup, checked, validToMs }, nowMs };
}
