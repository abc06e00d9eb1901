// The allowlist over real connections: foreign ones are refused and ended, and what is counted about them never drifts.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { formatRequest, type TestRequest, withKey } from '../../fixtures/http-request.ts';
import { connect } from '../../fixtures/raw-client.ts';
import { apiKey, cidrs } from '../../fixtures/toy-api.ts';
import { startToyServer, type ToyServer } from '../../fixtures/toy-server.ts';
import { until } from '../../fixtures/until.ts';

const allowed = '127.0.0.1';
const foreign = '127.0.0.66';
const settings = { allowedIps: cidrs('127.0.0.1/32'), trustedProxies: cidrs('127.0.0.9/32') };
const toys: TestRequest = { target: '/toys', headers: [withKey] };

async function status(
  server: ToyServer,
  from: string,
  request: TestRequest = toys,
): Promise<number | undefined> {
  const client = await connect(server.port, { localAddress: from });
  const response = await client.send(formatRequest(request)).response();
  client.close();
  return response?.status;
}

test('a foreign connection is refused and ended, an allowed one is not', async (context) => {
  const server = await startToyServer(context, settings);
  const good = await connect(server.port, { localAddress: allowed });
  const bad = await connect(server.port, { localAddress: foreign });
  assert.equal((await good.send(formatRequest(toys)).response())?.status, 200);
  const refused = await bad.send(formatRequest(toys)).response();
  assert.equal(refused?.status, 403);
  assert.equal(refused?.headers.get('connection'), 'close');
  assert.equal(await bad.closed(), '');
  assert.equal((await good.send(formatRequest(toys)).response())?.status, 200);
  good.close();
});

test('a foreign connection gets its probe answered, and is ended', async (context) => {
  const server = await startToyServer(context, settings);
  const probe = await connect(server.port, { localAddress: foreign });
  const response = await probe.send(formatRequest({ target: '/alive' })).response();
  assert.equal(response?.status, 200);
  assert.equal(response?.headers.has('keep-alive'), false);
  assert.equal(await probe.closed(), '');
});

test('a foreign HEAD is ended too', async (context) => {
  const server = await startToyServer(context, settings);
  const client = await connect(server.port, { localAddress: foreign });
  const response = await client.send(formatRequest({ ...toys, method: 'HEAD' })).response(true);
  assert.equal(response?.status, 403);
  // Without it the connection would end too, but only when it has been idle for long.
  assert.equal(response?.headers.get('connection'), 'close');
  assert.equal(await client.closed(), '');
});

test('whatever foreign connections do, allowed ones are let in and foreign ones are not', async (context) => {
  const server = await startToyServer(context, settings);
  const open = async () => connect(server.port, { localAddress: foreign });
  const request = formatRequest(toys);
  const acts: readonly ((client: Awaited<ReturnType<typeof open>>) => unknown)[] = [
    (client) => client.close(),
    (client) => client.send('GET / HTTP/1.0\r\n\r\n'),
    (client) => client.send(request.subarray(0, 20)).close(),
    (client) => client.send(Buffer.concat([request, request, request])),
    (client) => client.send(formatRequest({ ...toys, headers: [withKey, ['Content-Length', '']] })),
    (client) => client.send(formatRequest({ ...toys, headers: [['X-Pad', 'a'.repeat(9_000)]] })),
    (client) =>
      client.send(formatRequest({ method: 'POST', target: '/toys', headers: [withKey], body: '{}' })),
    (client) => client.send(formatRequest({ target: '/nowhere' })),
    (client) => client.send(formatRequest({ target: '/alive' })),
  ];
  for (let round = 0; round < 3; round++) {
    for (const act of acts) {
      const silent = await open();
      const client = await open();
      await act(client);
      await until('the foreign connection is gone', () => server.server.connections() === 1);
      assert.equal(await status(server, allowed), 200);
      assert.equal(await status(server, foreign), 403);
      silent.close();
      await until('all connections are gone', () => server.server.connections() === 0);
      client.close();
    }
  }
  assert.deepEqual(server.toys.made, []);
});

test('once foreign connections are gone, requests cost no look at their address', async (context) => {
  const server = await startToyServer(context, settings);
  let looks = 0;
  const { standing } = server.access;
  server.access.standing = (remote) => {
    looks++;
    return standing(remote);
  };
  const good = await connect(server.port, { localAddress: allowed });
  const ask = async () => assert.equal((await good.send(formatRequest(toys)).response())?.status, 200);
  const looksOf = async (act: () => Promise<unknown>) => {
    const before = looks;
    await act();
    return looks - before;
  };
  await ask();
  assert.equal(await looksOf(ask), 0);
  const silent = await connect(server.port, { localAddress: foreign });
  await until('the foreign connection is counted', () => server.server.connections() === 2);
  assert.equal(await looksOf(ask), 1);
  silent.close();
  await until('it is gone', () => server.server.connections() === 1);
  assert.equal(await looksOf(ask), 0);
  assert.equal(await status(server, foreign), 403);
  assert.equal(await status(server, foreign, { target: '/alive' }), 200);
  await until('they are gone', () => server.server.connections() === 1);
  assert.equal(await looksOf(ask), 0);
  good.close();
});

test('through a trusted proxy that may not ask for itself, its clients are told apart on one connection', async (context) => {
  const server = await startToyServer(context, settings);
  const proxy = await connect(server.port, { localAddress: '127.0.0.9' });
  const ask = async (...headers: NonNullable<TestRequest['headers']>) =>
    (await proxy.send(formatRequest({ target: '/toys', headers: [withKey, ...headers] })).response())?.status;
  assert.equal(await ask(['X-Forwarded-For', allowed]), 200);
  assert.equal(await ask(['X-Forwarded-For', '192.0.2.1']), 403);
  assert.equal(await ask(), 403);
  assert.equal(await ask(['X-Forwarded-For', allowed]), 200);
  proxy.close();
});

test('a new allowlist holds for connections that are open already', async (context) => {
  const server = await startToyServer(context, settings);
  const old = await connect(server.port, { localAddress: allowed });
  assert.equal((await old.send(formatRequest(toys)).response())?.status, 200);
  server.access.replace({ ...settings, apiKey, allowedIps: cidrs('127.0.0.66/32') });
  assert.equal((await old.send(formatRequest(toys)).response())?.status, 403);
  assert.equal(await old.closed(), '');
  assert.equal(await status(server, foreign), 200);
  server.access.replace({ ...settings, apiKey });
  assert.equal(await status(server, allowed), 200);
  assert.equal(await status(server, foreign), 403);
});

test('an allowlist of IPv6 addresses holds on a socket for both families', async (context) => {
  const server = await startToyServer(context, { allowedIps: cidrs('::1/128'), trustedProxies: [] });
  const client = await connect(server.port, { host: '::1' });
  assert.equal((await client.send(formatRequest(toys)).response())?.status, 200);
  assert.equal(await status(server, allowed), 403);
  client.close();
});

// Connects, asks on every other connection, and resets them all.
const resetMany = `
const { connect } = require('node:net');
for (let count = 0; count < 20; count++) {
  const socket = connect(Number(process.argv[1]), '127.0.0.1', () => {
    if (count % 2 === 0) socket.resetAndDestroy();
    else socket.write('GET /toys HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n', () => socket.resetAndDestroy());
  });
}`;

test('connections that were reset before they were taken do no harm', async (context) => {
  for (const allowedIps of [settings.allowedIps, cidrs('127.0.0.66/32'), null]) {
    const server = await startToyServer(context, { ...settings, allowedIps });
    // This process, and with it the server, stands still meanwhile.
    const reset = spawnSync(process.execPath, ['-e', resetMany, String(server.port)]);
    assert.equal(reset.status, 0, String(reset.stderr));
    assert.equal(await status(server, allowed, { target: '/alive' }), 200);
    await until('they are gone', () => server.server.connections() === 0);
    const letsIn = allowedIps === null || allowedIps === settings.allowedIps;
    assert.equal(await status(server, allowed), letsIn ? 200 : 403);
    assert.deepEqual(
      server.log.lines.filter(({ level }) => level === 'error'),
      [],
    );
  }
});
