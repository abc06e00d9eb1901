// Looks at the certificate and its key.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { TlsFiles } from '../../core/config/config.ts';
import type { CertificateFacts } from '../../core/doctor/files.ts';
import { checkTlsPair } from '../../core/http/tls.ts';
import { describeSystemError } from '../disk/file-system.ts';

/** Reads and checks both. `files` null: no TLS is asked for. `nowMs`: milliseconds since the Unix epoch. */
export async function lookAtCertificate(files: TlsFiles | null, nowMs: number): Promise<CertificateFacts> {
  if (files === null) return { pair: null, nowMs };
  const { certPath, keyPath } = files;
  // Not as a start reads them, all at once: a disk that hangs is not to hold up the other checks.
  try {
    const [certPem, keyPem] = await Promise.all([readFile(certPath, 'utf8'), readFile(keyPath, 'utf8')]);
    const checked = checkTlsPair({ certPem, keyPem }, nowMs);
    const validToMs = checked.ok ? Date.parse(new X509Certificate(certPem).validTo) : 0;
    return { pair: { path: certPath, checked, validToMs }, nowMs };
  } catch (error) {
    return { pair: { unreadable: describeSystemError(error) }, nowMs };
  }
}
