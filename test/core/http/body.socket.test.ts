// Bodies over a socket: those that are too large are refused in a way that their senders get to read.
import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';
import { formatRequest, withKey } from '../../fixtures/http-request.ts';
import { connect } from '../../fixtures/raw-client.ts';
import { startToyServer } from '../../fixtures/toy-server.ts';

const chunkedHead = `POST /toys HTTP/1.1\r\nHost: toys\r\nX-API-Key: ${withKey[1]}\r\nTransfer-Encoding: chunked\r\n\r\n`;
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

test('a body in chunks is put together', async (context) => {
  const { port, toys } = await startToyServer(context);
  const client = await connect(port);
  client.send(chunkedHead + chunk('{"a":') + chunk('"b') + chunk('c"}') + chunk(''));
  assert.equal((await client.response())?.status, 200);
  assert.deepEqual(toys.made, [{ a: 'bc' }]);
  client.close();
});

test('a body byte by byte, in packets of their own, is put together', async (context) => {
  const { port, toys } = await startToyServer(context);
  const client = await connect(port);
  const bytes = formatRequest({ method: 'POST', target: '/toys', headers: [withKey], body: '{"a":"é"}' });
  for (const byte of bytes) {
    client.send(Uint8Array.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal((await client.response())?.status, 200);
  assert.deepEqual(toys.made, [{ a: 'é' }]);
  client.close();
});

test('a body that says it is too large is refused before it comes, and the connection goes on', async (context) => {
  const { port, toys } = await startToyServer(context);
  const client = await connect(port);
  const size = 1_000_000;
  client.send(
    formatRequest({ method: 'POST', target: '/toys', headers: [withKey, ['Content-Length', String(size)]] }),
  );
  const response = await client.response();
  assert.equal(response?.status, 413);
  assert.equal(JSON.parse(response?.body ?? '').code, 'body_too_large');
  client.send(Buffer.alloc(size, 'a')).send(formatRequest({ target: '/alive' }));
  assert.equal((await client.response())?.body, '{"status":"ok"}');
  assert.deepEqual(toys.made, []);
  client.close();
});

test('a body in chunks that becomes too large is refused when it has come, and the connection goes on', async (context) => {
  const { port, toys } = await startToyServer(context);
  const client = await connect(port);
  client.send(chunkedHead);
  for (let count = 0; count < 10; count++) client.send(chunk('a'.repeat(100_000)));
  client.send(chunk('')).send(formatRequest({ target: '/alive' }));
  assert.equal((await client.response())?.status, 413);
  assert.equal((await client.response())?.body, '{"status":"ok"}');
  assert.deepEqual(toys.made, []);
  client.close();
});

test('a body in chunks without an end is cut', async (context) => {
  const { port } = await startToyServer(context);
  const client = await connect(port);
  client.send(chunkedHead);
  const feed = () => {
    while (!client.ended && client.socket.write(chunk('a'.repeat(100_000))));
  };
  client.socket.on('drain', feed);
  feed();
  assert.equal(await client.closed(), '');
  assert.ok(client.socket.bytesWritten < 64 * 1_024 * 1_024, String(client.socket.bytesWritten));
});

for (const length of ['known', 'unknown']) {
  test(`Node's own client reads the 413 for a body of ${length} length, each time`, async (context) => {
    const { port } = await startToyServer(context);
    const body = Buffer.alloc(600_000, 'a');
    const statuses = await Promise.all(
      Array.from({ length: 10 }, () => {
        return new Promise((resolve) => {
          const request = http.request({
            port,
            method: 'POST',
            path: '/toys',
            agent: false,
            headers: {
              'X-API-Key': withKey[1],
              ...(length === 'known' && { 'Content-Length': body.length }),
            },
          });
          request.on('response', (response) => resolve(response.resume().statusCode));
          request.on('error', (error) => resolve(error));
          request.end(body);
        });
      }),
    );
    assert.deepEqual(statuses, Array(10).fill(413));
  });
}

test('a sender that breaks off in its body leaves nothing', async (context) => {
  const { port, server, toys } = await startToyServer(context);
  const client = await connect(port);
  client.send(chunkedHead + chunk('{"a":1}'));
  client.socket.end();
  await client.closed();
  assert.deepEqual(toys.made, []);
  assert.equal(server.connections(), 0);
});

test('a refused request may bring a body, which is dropped', async (context) => {
  const { port } = await startToyServer(context);
  const client = await connect(port);
  client.send(formatRequest({ method: 'POST', target: '/toys', body: 'x'.repeat(400_000) }));
  assert.equal((await client.response())?.status, 401);
  client.send(
    formatRequest({ method: 'POST', target: '/nowhere', headers: [['Transfer-Encoding', 'chunked']] }),
  );
  client.send(chunk('x'.repeat(100)) + chunk('')).send(formatRequest({ target: '/alive' }));
  assert.equal((await client.response())?.status, 404);
  assert.equal((await client.response())?.status, 200);
  client.close();
});
