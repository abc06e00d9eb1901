// Certificates and keys before they are used.
import assert from 'node:assert/strict';
import test from 'node:test';
import { checkTlsPair } from '../../../core/http/tls.ts';
import { makeCertificate } from '../../fixtures/certificate.ts';

const nowMs = Date.UTC(2026, 1, 2);
const pair = makeCertificate();

test('a pair that fits is good', () => {
  assert.deepEqual(checkTlsPair(pair, nowMs), { ok: true, value: null });
  assert.deepEqual(checkTlsPair(makeCertificate({ kind: 'rsa' }), nowMs), { ok: true, value: null });
});

test('a chain may follow the certificate', () => {
  const { certPem } = makeCertificate();
  assert.deepEqual(checkTlsPair({ ...pair, certPem: pair.certPem + certPem }, nowMs), {
    ok: true,
    value: null,
  });
});

test('what can not be read or does not fit is named', () => {
  const failure = (certPem: string, keyPem: string) => {
    const checked = checkTlsPair({ certPem, keyPem }, nowMs);
    return checked.ok ? null : checked.failure;
  };
  assert.equal(failure('', pair.keyPem), 'certificate_unreadable');
  assert.equal(failure(pair.keyPem, pair.keyPem), 'certificate_unreadable');
  assert.equal(failure(pair.certPem.replace('MII', 'MIJ'), pair.keyPem), 'certificate_unreadable');
  assert.equal(failure(pair.certPem, ''), 'key_unreadable');
  assert.equal(failure(pair.certPem, pair.certPem), 'key_unreadable');
  assert.equal(failure(pair.certPem, makeCertificate().keyPem), 'key_mismatch');
});

test('a wrong time is a warning: it may be the clock that is wrong', () => {
  const past = makeCertificate({ notAfter: new Date('2025-01-01T00:00:00Z') });
  const future = makeCertificate({ notBefore: new Date('2027-01-01T00:00:00Z') });
  assert.deepEqual(checkTlsPair(past, nowMs), { ok: true, value: 'certificate_expired' });
  assert.deepEqual(checkTlsPair(future, nowMs), { ok: true, value: 'certificate_not_yet_valid' });
});
