// The promises of HTTP over a real socket, and the life of a server: listening, keeping connections, draining.
import assert from 'node:assert/strict';
import net from 'node:net';
import test from 'node:test';
import { startServer } from '../../../core/http/server.ts';
import { findFaults, httpCases } from '../../fixtures/http-cases.ts';
import { formatRequest, withKey } from '../../fixtures/http-request.ts';
import { ask, connect } from '../../fixtures/raw-client.ts';
import { createToy } from '../../fixtures/toy-api.ts';
import { startToyServer } from '../../fixtures/toy-server.ts';
import { until } from '../../fixtures/until.ts';

for (const expected of httpCases) {
  test(`over a socket: ${expected.name}`, async (context) => {
    const { port } = await startToyServer(context);
    const { request } = expected;
    const response = await ask(port, formatRequest(request), request.method === 'HEAD');
    assert.deepEqual(findFaults(expected, response), []);
  });
}

test('an answer to HEAD tells the length that GET would have, and the connection goes on', async (context) => {
  const { port } = await startToyServer(context);
  const client = await connect(port);
  const head = await client.send(formatRequest({ method: 'HEAD', target: '/alive' })).response(true);
  assert.equal(head?.headers.get('content-length'), '15');
  const pieces = await client
    .send(formatRequest({ method: 'HEAD', target: '/pieces', headers: [withKey] }))
    .response(true);
  assert.equal(pieces?.headers.has('content-length'), false);
  assert.equal((await client.send(formatRequest({ target: '/alive' })).response())?.body, '{"status":"ok"}');
  client.close();
});

test('a connection is kept from request to request', async (context) => {
  const { port, server } = await startToyServer(context);
  const client = await connect(port);
  for (let count = 0; count < 5; count++) {
    const response = await client.send(formatRequest({ target: '/toys/a', headers: [withKey] })).response();
    assert.equal(response?.status, 200);
  }
  assert.equal(server.connections(), 1);
  client.close();
  await until('the connection is counted out', () => server.connections() === 0);
});

test('a connection is closed for a caller that asks for it', async (context) => {
  const { port } = await startToyServer(context);
  const client = await connect(port);
  client.send(formatRequest({ target: '/alive', headers: [['Connection', 'close']] }));
  const response = await client.response();
  assert.equal(response?.status, 200);
  assert.equal(response.headers.has('keep-alive'), false);
  assert.equal(await client.closed(), '');
});

test('answers that can be given at once are given to pipelined requests in order', async (context) => {
  const { port } = await startToyServer(context);
  const client = await connect(port);
  const requests = ['a', 'b', 'c'].map((name) =>
    formatRequest({ target: `/toys/${name}`, headers: [withKey] }),
  );
  client.send(Buffer.concat(requests));
  for (const name of ['a', 'b', 'c']) assert.equal((await client.response())?.body, `{"name":"${name}"}`);
  client.close();
});

test('a second request while the first waits for its answer ends the connection', async (context) => {
  const { port, toys } = await startToyServer(context);
  toys.wait = new Promise(() => {});
  const client = await connect(port);
  client.send(formatRequest({ target: '/wait', headers: [withKey] }));
  client.send(formatRequest({ target: '/alive' }));
  assert.equal(await client.closed(), '');
});

test('request line and headers may be 8 KiB', async (context) => {
  const { port } = await startToyServer(context);
  const padded = (length: number) =>
    formatRequest({ target: '/alive', headers: [['X-Pad', 'a'.repeat(length)]] });
  assert.equal((await ask(port, padded(8_000))).status, 200);
  const client = await connect(port);
  client.send(padded(8_300));
  assert.match(await client.closed(), /^HTTP\/1\.1 431 /);
});

test('an address of each family reaches a server without a host', async (context) => {
  const { port } = await startToyServer(context);
  for (const host of ['127.0.0.1', '::1']) {
    const client = await connect(port, { host });
    client.send(formatRequest({ target: '/toys', headers: [withKey] }));
    assert.deepEqual(JSON.parse((await client.response())?.body ?? ''), { query: null, client: host });
    client.close();
  }
});

test('a server with a host listens there alone', async (context) => {
  const { port } = await startToyServer(context, { host: '127.0.0.1' });
  assert.equal((await ask(port, formatRequest({ target: '/alive' }))).status, 200);
  await assert.rejects(connect(port, { host: '::1' }), { code: 'ECONNREFUSED' });
});

async function freePort(): Promise<number> {
  const probe = net.createServer();
  await new Promise<void>((resolve) => probe.listen(0, resolve));
  const { port } = probe.address() as net.AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

test('a port is had by one server alone, and a second is told', async (context) => {
  // By its number: one that the system picked is never shared, whatever the server says.
  const { port } = await startToyServer(context, { port: await freePort() });
  const refusal = async (host: string | null, at: number) => {
    const started = await startServer({ ...createToy(), host, port: at, tls: null, connectionsMax: 10 });
    return started.ok ? null : started.failure;
  };
  assert.deepEqual(await refusal(null, port), {
    code: 'address_in_use',
    detail: `every address, port ${port}: another program listens there`,
  });
  assert.equal((await refusal('127.0.0.1', port))?.code, 'address_in_use');
  assert.equal((await refusal('192.0.2.1', 0))?.code, 'address_not_available');
});

test("a port that another program has is refused, whatever that program's server is", async (context) => {
  const other = net.createServer();
  context.after(() => other.close());
  await new Promise<void>((resolve) => other.listen(0, resolve));
  const { port } = other.address() as net.AddressInfo;
  const started = await startServer({ ...createToy(), host: null, port, tls: null, connectionsMax: 10 });
  assert.equal(started.ok ? null : started.failure.code, 'address_in_use');
});

test('one connection too many is closed as it comes', async (context) => {
  const { port, server, log } = await startToyServer(context, { connectionsMax: 100 });
  const clients = await Promise.all(Array.from({ length: 100 }, () => connect(port)));
  await until('all are counted', () => server.connections() === 100);
  const extra = await connect(port);
  extra.send(formatRequest({ target: '/alive' }));
  assert.equal(await extra.closed(), '');
  assert.deepEqual(log.lines[0]?.fields, { code: 'too_many_connections', connectionsMax: 100 });
  assert.equal((await clients[7]?.send(formatRequest({ target: '/alive' })).response())?.status, 200);
  for (const client of clients) client.close();
  await until('all are gone', () => server.connections() === 0);
  assert.equal((await ask(port, formatRequest({ target: '/alive' }))).status, 200);
});

test('a caller that gives up is forgotten', async (context) => {
  const { port, toys, server, clock, answered } = await startToyServer(context);
  let settle = (_: Awaited<typeof toys.wait>) => {};
  toys.wait = new Promise((resolve) => {
    settle = resolve;
  });
  const client = await connect(port);
  client.send(formatRequest({ target: '/wait', headers: [withKey] }));
  await until('the request is under way', () => clock.timers > 0);
  client.close();
  await until('the connection is gone', () => server.connections() === 0);
  settle({ ok: true, value: { status: 200, body: '{}' } });
  await until('its answer came to nothing', () => answered.length === 1);
  assert.equal((await ask(port, formatRequest({ target: '/alive' }))).status, 200);
});

test('a long answer for a caller that gave up is not begun', async (context) => {
  const { port, toys, server, clock, log } = await startToyServer(context);
  let settle = (_: Awaited<typeof toys.wait>) => {};
  toys.wait = new Promise((resolve) => {
    settle = resolve;
  });
  const client = await connect(port);
  client.send(formatRequest({ target: '/wait', headers: [withKey] }));
  await until('the request is under way', () => clock.timers > 0);
  client.close();
  await until('the connection is gone', () => server.connections() === 0);
  settle({ ok: true, value: { status: 200, body: ['a', 'b'] } });
  await clock.settle();
  assert.equal(clock.timers, 0);
  assert.deepEqual(log.lines, []);
});

test('draining lets a request finish, ends its connection and takes no new one', async (context) => {
  const { port, toys, server, clock } = await startToyServer(context);
  let settle = (_: Awaited<typeof toys.wait>) => {};
  toys.wait = new Promise((resolve) => {
    settle = resolve;
  });
  const busy = await connect(port);
  busy.send(formatRequest({ target: '/wait', headers: [withKey] }));
  const kept = await connect(port);
  await kept.send(formatRequest({ target: '/alive' })).response();
  await until('the request is under way', () => clock.timers > 0);

  let drained = false;
  const asked = server.drain(60_000);
  const draining = server.drain(60_000).then(() => {
    drained = true;
  });
  await assert.rejects(connect(port), { code: 'ECONNREFUSED' });
  const refused = await kept.send(formatRequest({ target: '/toys', headers: [withKey] })).response();
  assert.equal(refused?.status, 503);
  assert.equal(refused?.headers.get('connection'), 'close');
  await kept.closed();
  await clock.advance(5_000);
  assert.equal(drained, false, 'not even after the time that idle connections get');

  settle({ ok: true, value: { status: 200, body: '{"waited":1}' } });
  assert.equal((await busy.response())?.body, '{"waited":1}');
  await busy.closed();
  await draining;
  await asked;
  await server.drain(60_000);
  assert.equal(server.connections(), 0);
});

test('draining does not wait for idle connections longer than answers need', async (context) => {
  const { port, server, clock } = await startToyServer(context);
  const idle = await connect(port);
  await idle.send(formatRequest({ target: '/alive' })).response();
  const draining = server.drain(60_000);
  await clock.advance(999);
  assert.equal(idle.ended, false);
  await clock.advance(1);
  await draining;
  await idle.closed();
});

test('draining ends at its deadline, whatever is under way', async (context) => {
  const { port, server, clock, toys } = await startToyServer(context);
  toys.wait = new Promise(() => {});
  const busy = await connect(port);
  busy.send(formatRequest({ target: '/wait', headers: [withKey] }));
  await until('the request is under way', () => clock.timers > 0);
  const draining = server.drain(3_000);
  await clock.advance(3_000);
  await draining;
  assert.equal(await busy.closed(), '');
  assert.equal(clock.timers > 1, false, 'nothing but the deadline of the request is left');
});

test('a request that takes too long is answered over the socket too', async (context) => {
  const { port, clock, toys } = await startToyServer(context);
  toys.wait = new Promise(() => {});
  const client = await connect(port);
  client.send(formatRequest({ target: '/wait', headers: [withKey] }));
  await until('the request is under way', () => clock.timers > 0);
  await clock.advance(15_000);
  assert.equal((await client.response())?.status, 504);
  client.close();
});

test('the client of an operation is known when its body has come', async (context) => {
  const { port } = await startToyServer(context);
  const client = await connect(port);
  const request = formatRequest({
    method: 'POST',
    target: '/toys',
    headers: [withKey, ['X-Forwarded-For', '1.1.1.1'], ['X-Forwarded-For', '192.0.2.9']],
    body: '{"a":1}',
  });
  // Head and body apart, with another request between them.
  client.send(request.subarray(0, -7));
  await ask(port, formatRequest({ target: '/alive', headers: [['X-Forwarded-For', '203.0.113.1']] }));
  client.send(request.subarray(-7));
  assert.equal(JSON.parse((await client.response())?.body ?? '').client, '192.0.2.9');
  client.close();
});
