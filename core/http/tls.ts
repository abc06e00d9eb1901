// Checks a certificate and its key before they are used: the native server takes bad ones in silence or fails without a reason.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { fail, ok, type Result } from '../result.ts';

/** A certificate with its key: the PEM files, which the native server reads by itself, and their content, which is checked. */
export interface TlsPair {
  readonly certPath: string;
  readonly keyPath: string;
  /** The certificate, perhaps followed by its chain. */
  readonly certPem: string;
  /** Secret. */
  readonly keyPem: string;
}

/** Why a pair can't be used: one of the two is no PEM that can be read, or the key is not the certificate's. */
export type TlsFailure = 'certificate_unreadable' | 'key_unreadable' | 'key_mismatch';

/** The same in words. */
export const tlsFailureTexts: Readonly<Record<TlsFailure, string>> = {
  certificate_unreadable: 'the certificate is not a PEM certificate',
  key_unreadable: 'the key is not a PEM private key without a passphrase',
  key_mismatch: 'the key is not the key of the certificate',
};

/** The same in one line, which names the files. */
export function describeTlsFailure(
  failure: TlsFailure,
  { certPath, keyPath }: Pick<TlsPair, 'certPath' | 'keyPath'>,
): string {
  return `${tlsFailureTexts[failure]} (${certPath}, ${keyPath})`;
}

/** A usable pair may still be worth a warning: clients will refuse it, or it is the clock that is wrong. */
export type TlsWarning = 'certificate_expired' | 'certificate_not_yet_valid';

/** Checks a pair against itself and the time. */
export function checkTlsPair(
  pair: Pick<TlsPair, 'certPem' | 'keyPem'>,
  nowMs: number,
): Result<TlsWarning | null, TlsFailure> {
  const certificate = readCertificate(pair.certPem);
  if (certificate === null) return fail('certificate_unreadable');
  const key = readKey(pair.keyPem);
  if (key === null) return fail('key_unreadable');
  if (!certificate.checkPrivateKey(key)) return fail('key_mismatch');
  if (nowMs > Date.parse(certificate.validTo)) return ok('certificate_expired');
  return ok(nowMs < Date.parse(certificate.validFrom) ? 'certificate_not_yet_valid' : null);
}

/** Suites for TLS 1.2, all with forward secrecy and authenticated encryption. Those of TLS 1.3 are always on. */
export const tlsCiphers = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

function readCertificate(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

function readKey(pem: string): KeyObject | null {
  try {
    return createPrivateKey(pem);
  } catch {
    return null;
  }
}
