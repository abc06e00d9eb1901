// A certificate that is replaced under a running server: who sees which, and that nobody is turned away.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import tls from 'node:tls';
import { Worker } from 'node:worker_threads';
import type { Server } from '../../../core/http/server.ts';
import type { TlsPair } from '../../../core/http/tls.ts';
import { tlsRetiredMax, tlsRetiredMs } from '../../../core/limits.ts';
import { ok } from '../../../core/result.ts';
import { makeCertificate } from '../../fixtures/certificate.ts';
import { formatRequest, withKey } from '../../fixtures/http-request.ts';
import { RawClient } from '../../fixtures/raw-client.ts';
import { cidrs } from '../../fixtures/toy-api.ts';
import { startToyServer } from '../../fixtures/toy-server.ts';
import { until } from '../../fixtures/until.ts';

/** Writes new pairs over the same two files, as whoever renews certificates does. */
async function createRenewal(context: TestContext): Promise<() => Promise<TlsPair>> {
  const folder = await mkdtemp(join(tmpdir(), 'tls-port-'));
  context.after(() => rm(folder, { recursive: true }));
  const certPath = join(folder, 'cert.pem');
  const keyPath = join(folder, 'key.pem');
  return async () => {
    const pair = makeCertificate();
    await writeFile(certPath, pair.certPem);
    await writeFile(keyPath, pair.keyPem);
    return { ...pair, certPath, keyPath };
  };
}

function replace(server: Server, pair: TlsPair): void {
  const loaded = server.loadCertificate(pair);
  assert.ok(loaded.ok);
  loaded.value.use();
}

async function connectTls(
  port: number,
  localAddress = '127.0.0.1',
): Promise<{ client: RawClient; fingerprint: string }> {
  const raw = net.connect({ port, host: '127.0.0.1', localAddress });
  const socket = tls.connect({ socket: raw, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  return { client: new RawClient(socket), fingerprint: socket.getPeerCertificate().fingerprint256 };
}

const fingerprintOf = (pair: TlsPair) => new X509Certificate(pair.certPem).fingerprint256;
const allowedIps = cidrs('127.0.0.1/32');
const toys = formatRequest({ target: '/toys', headers: [withKey] });

test('new connections get the new certificate, and open ones end with their next answer', async (context) => {
  const renew = await createRenewal(context);
  const first = await renew();
  const { server, port } = await startToyServer(context, { tls: first });
  const old = await connectTls(port);
  assert.equal(old.fingerprint, fingerprintOf(first));
  assert.equal((await old.client.send(toys).response())?.headers.get('keep-alive'), 'timeout=6');

  const second = await renew();
  replace(server, second);
  const fresh = await connectTls(port);
  assert.equal(fresh.fingerprint, fingerprintOf(second));
  const last = await old.client.send(toys).response();
  assert.equal(last?.status, 200);
  assert.equal(last.headers.get('connection'), 'close');
  assert.equal(await old.client.closed(), '');
  for (let count = 0; count < 2; count++) {
    assert.equal((await fresh.client.send(toys).response())?.headers.get('keep-alive'), 'timeout=6');
  }
  assert.equal(server.connections(), 1);
  fresh.client.close();
});

test('a request that is under way is answered', async (context) => {
  const renew = await createRenewal(context);
  const { server, port, toys: things } = await startToyServer(context, { tls: await renew() });
  let finish = () => {};
  things.wait = new Promise((resolve) => {
    finish = () => resolve(ok({ status: 200, body: '"done"' }));
  });
  const { client } = await connectTls(port);
  client.send(formatRequest({ target: '/wait', headers: [withKey] }));
  // The next one is read after it.
  const other = await connectTls(port);
  assert.equal((await other.client.send(toys).response())?.status, 200);
  replace(server, await renew());
  finish();
  assert.equal((await client.response())?.body, '"done"');
  client.close();
  other.client.close();
});

test('a pair that is unfit, or is not used, changes nothing', async (context) => {
  const renew = await createRenewal(context);
  const first = await renew();
  const { server, port } = await startToyServer(context, { tls: first });
  const old = await connectTls(port);
  const other = await renew();
  const bad = [
    [{ ...other, keyPem: first.keyPem }, 'key_mismatch'],
    [{ ...other, certPem: 'nothing' }, 'certificate_unreadable'],
    [{ ...other, keyPath: '/nowhere/key.pem' }, 'tls_refused'],
  ] as const;
  for (const [pair, code] of bad) {
    const loaded = server.loadCertificate(pair);
    assert.equal(loaded.ok ? null : loaded.failure.code, code);
  }
  const unused = server.loadCertificate(other);
  assert.ok(unused.ok);
  unused.value.discard();
  const response = await old.client.send(toys).response();
  assert.equal(response?.headers.get('keep-alive'), 'timeout=6');
  const fresh = await connectTls(port);
  assert.equal(fresh.fingerprint, fingerprintOf(first));
  fresh.client.close();
  old.client.close();
});

test('silent connections from before are cut, the oldest first and all of them in time', async (context) => {
  const renew = await createRenewal(context);
  const { server, port, clock } = await startToyServer(context, { tls: await renew(), connectionsMax: 100 });
  const silent: RawClient[] = [];
  for (let count = 0; count < tlsRetiredMax + 2; count++) {
    silent.push((await connectTls(port)).client);
    replace(server, await renew());
  }
  const fresh = await connectTls(port);
  await until('the oldest are cut', () => silent[0]?.ended === true && silent[1]?.ended === true);
  assert.deepEqual([server.connections(), silent[2]?.ended], [tlsRetiredMax + 1, false]);
  await clock.advance(tlsRetiredMs);
  await until('all of them are cut', () => silent.every((client) => client.ended));
  assert.equal((await fresh.client.send(toys).response())?.status, 200);
  assert.equal(server.connections(), 1);
  fresh.client.close();
});

test('an allowed connection that ends for a new certificate is not taken for a foreign one', async (context) => {
  const renew = await createRenewal(context);
  const { server, port } = await startToyServer(context, { tls: await renew(), allowedIps });
  const allowed = await connectTls(port);
  replace(server, await renew());
  const foreign = await connectTls(port, '127.0.0.66');
  assert.equal((await allowed.client.send(toys).response())?.status, 200);
  assert.equal(await allowed.client.closed(), '');
  assert.equal((await foreign.client.send(toys).response())?.status, 403);
  assert.equal(await foreign.client.closed(), '');
});

// Connects again and again, eight at a time, each with one request; tells what became of them when it is asked to stop.
const connectOnAndOn = `
const { parentPort, workerData } = require('node:worker_threads');
const tls = require('node:tls');
let stopped = false;
parentPort.once('message', () => { stopped = true; });
const seen = { answered: 0, failures: [] };
function once() {
  return new Promise((resolve) => {
    let got = '';
    const socket = tls.connect({ port: workerData.port, host: '127.0.0.1', rejectUnauthorized: false });
    socket.on('secureConnect', () => socket.write(workerData.request));
    socket.on('data', (chunk) => {
      got += chunk;
      if (!got.includes('{"query"')) return;
      seen.answered++;
      socket.destroy();
    });
    socket.on('error', (error) => seen.failures.push(error.code));
    socket.on('close', () => {
      if (!got.includes('{"query"')) seen.failures.push('no answer');
      resolve();
    });
  });
}
async function loop() { while (!stopped) await once(); }
parentPort.postMessage('started');
Promise.all(Array.from({ length: 8 }, loop)).then(() => parentPort.postMessage(seen));`;

test('nobody who connects meanwhile is turned away', async (context) => {
  const renew = await createRenewal(context);
  const { server, port } = await startToyServer(context, {
    tls: await renew(),
    allowedIps,
  });
  const clients = new Worker(connectOnAndOn, { eval: true, workerData: { port, request: toys.toString() } });
  context.after(() => clients.terminate());
  await once(clients, 'message');
  for (let count = 0; count < 100; count++) {
    await until('somebody is connected', () => server.connections() > 0);
    replace(server, await renew());
  }
  clients.postMessage('stop');
  const [seen] = (await once(clients, 'message')) as [{ answered: number; failures: string[] }];
  assert.deepEqual(seen.failures, []);
  assert.ok(seen.answered > 20, `${seen.answered} answers`);
  await until('all connections are gone', () => server.connections() === 0);
});
