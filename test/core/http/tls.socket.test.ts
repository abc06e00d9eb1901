// TLS: which handshakes succeed, and which pairs a server does not start with.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import tls from 'node:tls';
import { startServer } from '../../../core/http/server.ts';
import type { TlsPair } from '../../../core/http/tls.ts';
import { makeCertificate, type TestPair } from '../../fixtures/certificate.ts';
import { formatRequest, withKey } from '../../fixtures/http-request.ts';
import { RawClient } from '../../fixtures/raw-client.ts';
import { createToy } from '../../fixtures/toy-api.ts';
import { startToyServer } from '../../fixtures/toy-server.ts';

async function writePair(context: TestContext, pair: TestPair): Promise<TlsPair> {
  const folder = await mkdtemp(join(tmpdir(), 'tls-'));
  context.after(() => rm(folder, { recursive: true }));
  const certPath = join(folder, 'cert.pem');
  const keyPath = join(folder, 'key.pem');
  await writeFile(certPath, pair.certPem);
  await writeFile(keyPath, pair.keyPem, { mode: 0o600 });
  return { ...pair, certPath, keyPath };
}

function handshake(port: number, options: tls.ConnectionOptions): Promise<tls.TLSSocket | null> {
  return new Promise((resolve) => {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', () => resolve(null));
  });
}

for (const kind of ['ec', 'rsa'] as const) {
  test(`answers come over TLS with a certificate of kind ${kind}`, async (context) => {
    const pair = await writePair(context, makeCertificate({ kind }));
    const { port } = await startToyServer(context, { tls: pair });
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await handshake(port, { minVersion: version, maxVersion: version });
      assert.equal(socket?.getProtocol(), version);
      const client = new RawClient(socket ?? assert.fail());
      const response = await client.send(formatRequest({ target: '/toys', headers: [withKey] })).response();
      assert.equal(response?.status, 200);
      assert.equal(response?.headers.get('strict-transport-security'), 'max-age=31536000');
      assert.equal(JSON.parse(response?.body ?? '').client, '127.0.0.1');
      client.close();
    }
  });
}

test('suites without forward secrecy or authenticated encryption, and older versions, are refused', async (context) => {
  const pair = await writePair(context, makeCertificate({ kind: 'rsa' }));
  const { port } = await startToyServer(context, { tls: pair });
  const old = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
  const tried = {
    good: await handshake(port, { ...old, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }),
    staticRsa: await handshake(port, { ...old, ciphers: 'AES128-GCM-SHA256' }),
    cbc: await handshake(port, { ...old, ciphers: 'ECDHE-RSA-AES128-SHA' }),
    staticRsaCbc: await handshake(port, { ...old, ciphers: 'AES128-SHA' }),
    version: await handshake(port, {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL:@SECLEVEL=0',
    }),
  };
  assert.deepEqual(
    Object.entries(tried)
      .filter(([, socket]) => socket !== null)
      .map(([name]) => name),
    ['good'],
  );
  tried.good?.destroy();
});

test('a server does not start with a pair that is unfit, and says why', async (context) => {
  const good = await writePair(context, makeCertificate());
  const start = async (pair: TlsPair) => {
    const started = await startServer({ ...createToy(), host: null, port: 0, tls: pair, connectionsMax: 10 });
    if (started.ok) started.value.close();
    return started.ok ? null : started.failure;
  };
  assert.equal((await start({ ...good, certPem: 'nothing' }))?.code, 'certificate_unreadable');
  assert.equal((await start({ ...good, keyPem: 'nothing' }))?.code, 'key_unreadable');
  const mismatch = await start({ ...good, keyPem: makeCertificate().keyPem });
  assert.equal(mismatch?.code, 'key_mismatch');
  assert.equal(
    mismatch?.detail,
    `the key is not the key of the certificate (${good.certPath}, ${good.keyPath})`,
  );
  assert.equal((await start({ ...good, certPath: '/nowhere/cert.pem' }))?.code, 'tls_refused');
  assert.equal(await start(good), null);
});

test('a certificate that has expired is used, with a warning', async (context) => {
  const pair = await writePair(context, makeCertificate({ notAfter: new Date('2021-01-01T00:00:00Z') }));
  const { log } = await startToyServer(context, { tls: pair });
  assert.equal(log.lines[0]?.level, 'warn');
  assert.equal(log.lines[0]?.fields['code'], 'certificate_expired');
  assert.doesNotMatch(JSON.stringify(log.lines), /PRIVATE/);
});

test('plain HTTP on a TLS port is no answer', async (context) => {
  const pair = await writePair(context, makeCertificate());
  const { port } = await startToyServer(context, { tls: pair });
  const { connect } = await import('../../fixtures/raw-client.ts');
  const client = await connect(port);
  client.send(formatRequest({ target: '/alive' }));
  assert.doesNotMatch(await client.closed(), /HTTP\/1\.1 200/);
});
