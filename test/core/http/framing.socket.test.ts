// Requests whose end could be seen differently by whoever stands in front: none may let a second request slip through.
import assert from 'node:assert/strict';
import test from 'node:test';
import { formatRequest, withKey } from '../../fixtures/http-request.ts';
import { connect } from '../../fixtures/raw-client.ts';
import { startToyServer } from '../../fixtures/toy-server.ts';

const key = `X-API-Key: ${withKey[1]}`;
const smuggled = `POST /toys HTTP/1.1\r\nHost: toys\r\n${key}\r\nContent-Length: 9\r\n\r\n{"evil":1}`;

/** Header lines that frame a body, and that body. */
const framings: readonly [what: string, headers: string, body: string][] = [
  ['two lengths', 'Content-Length: 0\r\nContent-Length: 2', '{}'],
  ['two equal lengths', 'Content-Length: 2\r\nContent-Length: 2', '{}'],
  ['an empty length', 'Content-Length:', ''],
  ['an empty length before a good one', 'Content-Length:\r\nContent-Length: 2', '{}'],
  ['a list of lengths', 'Content-Length: 2, 2', '{}'],
  ['a signed length', 'Content-Length: +2', '{}'],
  ['a hexadecimal length', 'Content-Length: 0x2', '{}'],
  ['a length beyond all bounds', 'Content-Length: 99999999999999999999', '{}'],
  ['another coding', 'Transfer-Encoding: identity', '2\r\n{}\r\n0\r\n\r\n'],
  ['two codings', 'Transfer-Encoding: gzip, chunked', '2\r\n{}\r\n0\r\n\r\n'],
  ['a coding that only looks like one', 'Transfer-Encoding: xchunked', '2\r\n{}\r\n0\r\n\r\n'],
  ['an empty coding', 'Transfer-Encoding:', '2\r\n{}\r\n0\r\n\r\n'],
  ['a coding twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', '2\r\n{}\r\n0\r\n\r\n'],
  ['a coding and a length', 'Transfer-Encoding: chunked\r\nContent-Length: 2', '0\r\n\r\n'],
  ['a length and a coding', 'Content-Length: 2\r\nTransfer-Encoding: chunked', '0\r\n\r\n'],
  ['a space before the colon', 'Transfer-Encoding : chunked', '0\r\n\r\n'],
  ['a folded line', 'X-A: 1\r\n Transfer-Encoding: chunked', '0\r\n\r\n'],
  ['a bare line feed', 'X-A: 1\nTransfer-Encoding: chunked', '0\r\n\r\n'],
  ['a chunk extension', 'Transfer-Encoding: chunked', '2;x=y\r\n{}\r\n0\r\n\r\n'],
  ['a chunk size that is none', 'Transfer-Encoding: chunked', '-2\r\n{}\r\n0\r\n\r\n'],
];

for (const method of ['POST', 'GET']) {
  for (const [what, headers, body] of framings) {
    test(`${method} with ${what} ends the connection, and nothing behind it is run`, async (context) => {
      const { port, toys, answered } = await startToyServer(context);
      const client = await connect(port);
      // In one packet, as it would come from a proxy's connection that several clients share.
      client.send(`${method} /toys HTTP/1.1\r\nHost: toys\r\n${key}\r\n${headers}\r\n\r\n${body}${smuggled}`);
      const rest = await client.closed();
      assert.deepEqual(toys.made, []);
      // A broken chunk is noticed after a GET, which has no use for it, was answered.
      const answersMax = what.startsWith('a chunk') ? 1 : 0;
      assert.ok((rest.match(/HTTP\/1\.1 2/g) ?? []).length <= answersMax, rest);
      assert.doesNotMatch(rest.split('\r\n\r\n')[0] ?? '', /uwebsockets/i);
      assert.ok(answered.length <= answersMax);
    });
  }
}

test('a refused framing leaves one warning', async (context) => {
  const { port, log } = await startToyServer(context);
  const client = await connect(port);
  client.send(`POST /toys?secret HTTP/1.1\r\nHost: toys\r\n${key}\r\nContent-Length:\r\n\r\n`);
  assert.match(await client.closed(), /^HTTP\/1\.1 400 /);
  assert.deepEqual(log.lines, [
    {
      level: 'warn',
      fields: { code: 'bad_framing', method: 'POST', path: '/toys', remote: '127.0.0.1' },
      message: 'request refused',
    },
  ]);
});

test('a chunk extension that looks like more digits swallows what follows, and runs none of it', async (context) => {
  const { port, toys } = await startToyServer(context);
  const client = await connect(port);
  const head = `POST /toys HTTP/1.1\r\nHost: toys\r\n${key}\r\nTransfer-Encoding: chunked\r\n\r\n`;
  client.send(`${head}2;a=b\r\n{}\r\n0\r\n\r\n${smuggled}`);
  client.socket.end();
  assert.equal(await client.closed(), '');
  assert.deepEqual(toys.made, []);
});

test('a refusal that ends the connection is the last answer on it', async (context) => {
  const { port, toys, dispatch } = await startToyServer(context);
  dispatch.drain();
  const client = await connect(port);
  const request = formatRequest({ method: 'POST', target: '/toys', headers: [withKey], body: '{}' });
  client.send(Buffer.concat([formatRequest({ target: '/toys', headers: [withKey] }), request, request]));
  const rest = await client.closed();
  assert.ok((rest.match(/HTTP\/1\.1 /g) ?? []).length <= 1, rest);
  assert.deepEqual(toys.made, []);
});

test('a caller can not put lines into an answer', async (context) => {
  const { port } = await startToyServer(context);
  const client = await connect(port);
  client.send(
    `GET /toys/%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: toys\r\n${key}\r\nX-Request-Id: a%0d%0aX-Evil: 1\r\n\r\n`,
  );
  const response = await client.response();
  assert.equal(response?.headers.has('x-evil'), false);
  assert.equal(JSON.parse(response?.body ?? '').name, '\r\nX-Evil: 1');
  client.close();
});

test('the version before 1.1, and requests without a host, are refused', async (context) => {
  const { port } = await startToyServer(context);
  for (const text of ['GET /alive HTTP/1.0\r\n\r\n', 'GET /alive HTTP/1.1\r\n\r\n']) {
    const client = await connect(port);
    client.send(`${text}\r\n\r\n`);
    assert.match(await client.closed(), /^(HTTP\/1\.1 (400|505) |$)/, JSON.stringify(text));
  }
});
