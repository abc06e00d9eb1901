// What is read from a native request's head, and which framing is refused.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Header } from '../../../core/http/contract.ts';
import { HeadReader } from '../../../core/http/head-reader.ts';
import { fakeNative, ipv4 } from '../../fixtures/http-request.ts';

function read(headers: readonly Header[], target = '/x'): HeadReader {
  const head = new HeadReader('x-api-key');
  const [req, res] = fakeNative({ target, headers });
  head.read(req, res);
  return head;
}

const framings: readonly [good: boolean, ...Header[]][] = [
  [true],
  [true, ['Content-Length', '0']],
  [true, ['Content-Length', '5']],
  [true, ['Transfer-Encoding', 'chunked']],
  [true, ['Transfer-Encoding', 'Chunked']],
  [false, ['Content-Length', '']],
  [false, ['Content-Length', ''], ['Content-Length', '5']],
  [false, ['Content-Length', '5'], ['Content-Length', '5']],
  [false, ['Content-Length', '5'], ['Content-Length', '6']],
  [false, ['Content-Length', '+5']],
  [false, ['Content-Length', '-5']],
  [false, ['Content-Length', '0x5']],
  [false, ['Content-Length', '5, 5']],
  [false, ['Content-Length', '5 ']],
  [false, ['Content-Length', '9999999999999999']],
  [false, ['Transfer-Encoding', '']],
  [false, ['Transfer-Encoding', 'identity']],
  [false, ['Transfer-Encoding', 'gzip, chunked']],
  [false, ['Transfer-Encoding', 'xchunked']],
  [false, ['Transfer-Encoding', 'chunked'], ['Transfer-Encoding', 'chunked']],
  [false, ['Transfer-Encoding', 'chunked'], ['Content-Length', '5']],
  [false, ['Content-Length', '5'], ['Transfer-Encoding', 'chunked']],
];

for (const [good, ...headers] of framings) {
  test(`framing ${good ? 'taken' : 'refused'}: ${JSON.stringify(headers)}`, () => {
    assert.equal(read(headers).framedWell, good);
  });
}

test('everything that dispatch needs is read', () => {
  const head = read(
    [
      ['X-API-Key', 'k'],
      ['X-Request-Id', 'r'],
      ['Content-Type', 't'],
      ['Content-Encoding', 'e'],
      ['Content-Length', '12'],
      ['X-Forwarded-For', '1.1.1.1'],
      ['X-Forwarded-For', '2.2.2.2, 3.3.3.3'],
    ],
    '/x?y=1?z',
  );
  const {
    method,
    path,
    query,
    apiKey,
    requestId,
    contentType,
    contentEncoding,
    contentLength,
    forwardedFor,
  } = head;
  assert.deepEqual(
    { method, path, query, apiKey, requestId, contentType, contentEncoding, contentLength, forwardedFor },
    {
      method: 'GET',
      path: '/x',
      query: 'y=1?z',
      apiKey: 'k',
      requestId: 'r',
      contentType: 't',
      contentEncoding: 'e',
      contentLength: 12,
      forwardedFor: '1.1.1.1,2.2.2.2, 3.3.3.3',
    },
  );
});

test('of a repeated header the first line counts, and an empty forwarding line is not lost', () => {
  assert.equal(
    read([
      ['X-API-Key', 'first'],
      ['X-API-Key', 'second'],
    ]).apiKey,
    'first',
  );
  assert.equal(
    read([
      ['X-Forwarded-For', ''],
      ['X-Forwarded-For', '1.1.1.1'],
    ]).forwardedFor,
    ',1.1.1.1',
  );
  assert.equal(read([['X-Forwarded-For', '']]).forwardedFor, '');
});

test('a client says in any letters and among other words that it closes', () => {
  for (const value of ['close', 'Close', 'TE, close']) assert.ok(read([['Connection', value]]).isLast, value);
  for (const value of ['keep-alive', 'disclose', '']) assert.ok(!read([['Connection', value]]).isLast, value);
});

test('nothing of one request is left for the next', () => {
  const head = new HeadReader('x-api-key');
  head.read(
    ...fakeNative(
      {
        method: 'POST',
        target: '/a?b',
        headers: [
          ['Connection', 'close'],
          ['X-API-Key', 'k'],
          ['X-Request-Id', 'r'],
          ['Content-Type', 't'],
          ['Content-Encoding', 'e'],
          ['Content-Length', ''],
          ['X-Forwarded-For', '1.1.1.1'],
        ],
      },
      ipv4('192.0.2.1'),
    ),
  );
  head.fromAllowed = true;
  head.closes = true;
  assert.deepEqual([...head.remoteAddress()], [192, 0, 2, 1]);
  const second = fakeNative({ target: '/c' }, ipv4('192.0.2.2'));
  head.read(...second);
  const fresh = new HeadReader('x-api-key');
  fresh.read(...second);
  assert.deepEqual({ ...head, remoteAddress: null }, { ...fresh, remoteAddress: null });
  assert.deepEqual([...head.remoteAddress()], [192, 0, 2, 2]);
});

test('the native response is not touched once it is released', () => {
  const head = new HeadReader('x-api-key');
  const [req, res] = fakeNative({ target: '/a' });
  head.read(req, res);
  head.release();
  assert.deepEqual([...head.remoteAddress()], [0, 0, 0, 0]);
});

test('under the scheme of bearer tokens the key stands in Authorization, and in no other header', () => {
  const head = new HeadReader('bearer');
  const read = (...headers: readonly Header[]) => {
    head.read(...fakeNative({ target: '/', headers }));
    return head.apiKey;
  };
  assert.equal(read(['Authorization', 'Bearer t0ken'], ['Authorization', 'Bearer other']), 't0ken');
  assert.equal(read(['X-API-Key', 't0ken']), '');
  assert.equal(read(['Authorization', 'Basic t0ken']), '');
  const api = new HeadReader('x-api-key');
  api.read(...fakeNative({ target: '/', headers: [['Authorization', 'Bearer t0ken']] }));
  assert.equal(api.apiKey, '');
});
