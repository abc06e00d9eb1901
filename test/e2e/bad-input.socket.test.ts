// Requests that nobody should send, to the real program: each is refused with the code that says why, changes nothing, and costs no memory.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inParallel } from '../fixtures/crowd.ts';
import { connect, type RawResponse } from '../fixtures/raw-client.ts';
import { createNodeHome, type RunningNode } from '../fixtures/running-node.ts';

interface BadRequest {
  readonly name: string;
  /** As it goes to the wire; `KEY` stands for the API key. */
  readonly bytes: Buffer;
  readonly status: number;
  /** Null: what the server says before there is a request to route. */
  readonly code: string | null;
}

const id = '7c2f3f7a-6b4e-4f3f-8b2a-1a9b3c2d4e5f';
const good = `{"peerId":"${id}"}`;
const keyLine = 'X-API-Key: KEY\r\n';

/** Anything at all. */
function raw(name: string, text: string | Buffer, status: number, code: string | null = null): BadRequest {
  return { name, bytes: typeof text === 'string' ? Buffer.from(text, 'latin1') : text, status, code };
}

/** A good POST, but for these header lines and what follows them. */
function framed(
  name: string,
  lines: readonly string[],
  rest: string,
  status = 400,
  code: string | null = null,
): BadRequest {
  const head = [
    'POST /peers HTTP/1.1',
    'Host: node',
    'X-API-Key: KEY',
    'Content-Type: application/json',
    ...lines,
  ];
  return raw(name, `${head.join('\r\n')}\r\n\r\n${rest}`, status, code);
}

/** A well-formed POST of this body. */
function body(name: string, content: string | Buffer, code: string, status = 400, lines = ''): BadRequest {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const head = `POST /peers HTTP/1.1\r\nHost: node\r\n${keyLine}${lines}Content-Length: ${bytes.length}\r\n\r\n`;
  return raw(name, Buffer.concat([Buffer.from(head, 'latin1'), bytes]), status, code);
}

/** A well-formed request without a body. */
function target(name: string, line: string, status: number, code: string, lines = keyLine): BadRequest {
  return raw(name, `${line} HTTP/1.1\r\nHost: node\r\n${lines}\r\n`, status, code);
}

const length = `Content-Length: ${good.length}`;
const chunk = `${good.length.toString(16)}\r\n${good}\r\n0\r\n\r\n`;
const framing: readonly BadRequest[] = [
  framed('two lengths', [length, 'Content-Length: 5'], good),
  framed('the same length twice', [length, length], good),
  framed('two lengths in one line', [`${length}, ${good.length}`], good),
  framed('a length and chunks', [length, 'Transfer-Encoding: chunked'], chunk),
  framed('chunks and a length', ['Transfer-Encoding: chunked', length], chunk),
  framed('chunks twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], chunk),
  framed('an unknown coding', ['Transfer-Encoding: gzip, chunked'], chunk),
  framed('no coding at all', ['Transfer-Encoding: identity'], chunk),
  framed('a coding with a tail', ['Transfer-Encoding: chunked, identity'], chunk),
  framed('an empty length', ['Content-Length: '], good),
  framed('a negative length', ['Content-Length: -1'], good),
  framed('a length with a sign', [`Content-Length: +${good.length}`], good),
  framed('a length in hex', [`Content-Length: 0x${good.length.toString(16)}`], good),
  framed('a length with an exponent', ['Content-Length: 1e2'], good),
  framed('a length beyond all numbers', [`Content-Length: ${'9'.repeat(40)}`], good),
  framed('a header without a colon', [length, 'nonsense'], good),
  framed('a blank before the colon', ['Content-Length : 5'], good),
  framed('a NUL in a value', [length, 'X-A: a\0b'], good),
  raw('no version', 'GET /stats\r\n\r\n', 505),
  raw('another protocol', 'GET /stats FTP/1.1\r\nHost: node\r\n\r\n', 505),
  raw('a whole URL', `GET http://elsewhere/stats HTTP/1.1\r\nHost: node\r\n${keyLine}\r\n`, 505),
  raw('no host', `GET /stats HTTP/1.1\r\n${keyLine}\r\n`, 400),
  raw('a TLS greeting', Buffer.from('16030100a5010000a10303', 'hex'), 505),
  raw('a long path', `GET /${'a'.repeat(9_000)} HTTP/1.1\r\nHost: node\r\n\r\n`, 431),
  raw('many headers', `GET /stats HTTP/1.1\r\nHost: node\r\n${keyLine}${'A: b\r\n'.repeat(150)}\r\n`, 431),
];

const json: readonly BadRequest[] = [
  ['nothing', ''],
  ['a blank', ' '],
  ['half an object', '{"peerId":'],
  ['a trailing comma', `{"peerId":"${id}",}`],
  ['two objects', `${good}${good}`],
  ['a comment', `/* */${good}`],
  ['single quotes', `{'peerId':'${id}'}`],
  ['NaN', `{"peerId":NaN}`],
  ['a list', `[${good}]`],
  ['a text', `"${id}"`],
  ['a number', '1e999'],
  ['null', 'null'],
  ['a lone quote', '"'],
  ['UTF-16', Buffer.from(good, 'utf16le')],
  ['broken UTF-8', Buffer.concat([Buffer.from('{"peerId":"'), Buffer.of(0xc3, 0x28), Buffer.from('"}')])],
  ['a NUL behind it', `${good}\0`],
  ['5,000 lists in each other', '['.repeat(5_000) + ']'.repeat(5_000)],
  ['5,000 lists without an end', '['.repeat(5_000)],
].map(([name = '', content = '']) => body(`a body of ${name}`, content, 'invalid_json'));

const fields: readonly BadRequest[] = [
  body('__proto__', `{"peerId":"${id}","__proto__":{"admin":true}}`, 'unknown_field'),
  body('constructor', `{"peerId":"${id}","constructor":{"prototype":{}}}`, 'unknown_field'),
  body('a mistyped field', `{"peerId":"${id}","expires_at":"2099-01-01T00:00:00Z"}`, 'unknown_field'),
  body('another case', `{"PeerId":"${id}"}`, 'unknown_field'),
  body('an escape in a name', `{"peerId":"${id}","\\u001b[31m\\r\\nX":1}`, 'unknown_field'),
  body('5,000 objects in each other', `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`, 'unknown_field'),
  body(
    '5,000 fields',
    `{${Array.from({ length: 5_000 }, (_, n) => `"f${n}":1`).join(',')}}`,
    'unknown_field',
  ),
  body('no field', '{}', 'invalid_peer_id'),
  ...[
    ['null', 'null'],
    ['a number', '7'],
    ['1e999', '1e999'],
    ['a list', `["${id}"]`],
    ['an object', `{"toString":"${id}"}`],
    ['an empty text', '""'],
    ['no dashes', `"${id.replaceAll('-', '')}"`],
    ['braces', `"{${id}}"`],
    ['a URN', `"urn:uuid:${id}"`],
    ['a blank behind it', `"${id} "`],
    ['a line end behind it', `"${id}\\n"`],
    ['a NUL behind it', `"${id}\\u0000"`],
    ['version 1', '"c232ab00-9414-11ec-b3c8-9f6bdeced846"'],
    ['another variant', '"7c2f3f7a-6b4e-4f3f-cb2a-1a9b3c2d4e5f"'],
    ['the nil UUID', '"00000000-0000-0000-0000-000000000000"'],
    ['the max UUID', '"ffffffff-ffff-ffff-ffff-ffffffffffff"'],
    ['digits of another script', `"${id.replace('7', '٧')}"`],
    ['a path', '"../../../../etc/passwd"'],
    ['100,000 letters', `"${'a'.repeat(100_000)}"`],
  ].map(([name, value]) => body(`an id of ${name}`, `{"peerId":${value}}`, 'invalid_peer_id')),
  ...[
    ['a number', '4070908800'],
    ['a number as text', '"4070908800"'],
    ['1e999', '1e999'],
    ['true', 'true'],
    ['an empty text', '""'],
    ['no zone', '"2099-01-01T00:00:00"'],
    ['a day alone', '"2099-01-01"'],
    ['a blank for the T', '"2099-01-01 00:00:00Z"'],
    ['a day that is not', '"2099-02-30T00:00:00Z"'],
    ['25 o’clock', '"2099-01-01T25:00:00Z"'],
    ['words', '"tomorrow"'],
    ['another style', '"Thu, 01 Jan 2099 00:00:00 GMT"'],
    ['six digits of year', '"+275760-09-13T00:00:00Z"'],
    ['the past', '"2020-01-01T00:00:00Z"'],
    ['long before', '"0001-01-01T00:00:00Z"'],
    ['a list', '["2099-01-01T00:00:00Z"]'],
    ['100,000 digits', `"2099-01-01T00:00:00.${'0'.repeat(100_000)}Z"`],
  ].map(([name, value]) =>
    body(`an expiry of ${name}`, `{"peerId":"${id}","expiresAt":${value}}`, 'invalid_expires_at'),
  ),
  ...[
    ['none', '[]'],
    ['one twice', '["IPv4","IPv4"]'],
    ['an unknown one', '["IPv4","IPX"]'],
    ['another case', '["ipv4"]'],
    ['a text', '"IPv4"'],
    ['numbers', '[4,6]'],
    ['null in a list', '[null]'],
    ['an object', '{"0":"IPv4","length":1}'],
    ['50,000 of them', `[${'"IPv4",'.repeat(20_000)}"IPv4"]`],
  ].map(([name, value]) =>
    body(`families: ${name}`, `{"peerId":"${id}","addressFamilies":${value}}`, 'invalid_address_families'),
  ),
];

const large = `{"peerId":"${id}"${' '.repeat(300_000)}}`;
const http: readonly BadRequest[] = [
  body('300 KB', large, 'body_too_large', 413),
  framed(
    '300 KB in chunks',
    ['Transfer-Encoding: chunked'],
    `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`,
    413,
    'body_too_large',
  ),
  body(
    'a form',
    'peerId=1',
    'unsupported_media_type',
    415,
    'Content-Type: application/x-www-form-urlencoded\r\n',
  ),
  body(
    'a compressed body',
    Buffer.from('1f8b0800', 'hex'),
    'unsupported_media_type',
    415,
    'Content-Encoding: gzip\r\n',
  ),
  body(
    'several parts',
    '--x--',
    'unsupported_media_type',
    415,
    'Content-Type: multipart/form-data; boundary=x\r\n',
  ),
  target('a key twice', 'GET /peers?limit=1&limit=2', 400, 'invalid_pagination'),
  target('a key twice, once encoded', 'GET /peers?limit=1&%6cimit=1', 400, 'invalid_pagination'),
  target('an exponent', 'GET /peers?limit=1e3', 400, 'invalid_pagination'),
  target('a NUL in a number', 'GET /peers?offset=1%00', 400, 'invalid_pagination'),
  target('a number too large', 'GET /peers?offset=9007199254740993', 400, 'invalid_pagination'),
  target('digits of another script', 'GET /peers?limit=%D9%A7', 400, 'invalid_pagination'),
  target('a bad escape', 'GET /peers?limit=%zz', 400, 'invalid_pagination'),
  target('a NUL in an id', `GET /peers/${id}%00`, 400, 'invalid_peer_id'),
  target('a slash in an id', `DELETE /peers/${id}%2F..`, 400, 'invalid_peer_id'),
  target('a bad escape in an id', 'DELETE /peers/%zz', 400, 'invalid_peer_id'),
  target('bytes that are no text in an id', 'GET /peers/%ff%fe', 400, 'invalid_peer_id'),
  target('an id that is a path', 'GET /peers/..%2f..%2fetc%2fpasswd', 400, 'invalid_peer_id'),
  target('a path with dots', 'GET /peers/../stats', 404, 'not_found'),
  target('a double slash', 'GET //stats', 404, 'not_found'),
  target('a method of nobody', 'BREW /peers', 405, 'method_not_allowed'),
  target('TRACE', 'TRACE /healthz', 405, 'method_not_allowed'),
  target('a method in lower case', 'delete /peers', 405, 'method_not_allowed'),
  target('a key with a blank', 'GET /stats', 401, 'unauthorized', 'X-API-Key: KEY KEY\r\n'),
  target(
    'a key in two lines, the wrong one first',
    'GET /stats',
    401,
    'unauthorized',
    'X-API-Key: x\r\nX-API-Key: KEY\r\n',
  ),
  raw(
    'an end of line in a request id',
    'GET /nowhere HTTP/1.1\r\nHost: node\r\nX-Request-Id: a\r\n X-Evil: 1\r\n\r\n',
    400,
  ),
  raw(
    'a lone LF in a request id',
    'GET /nowhere HTTP/1.1\r\nHost: node\r\nX-Request-Id: a\nX-Evil: 1\r\n\r\n',
    400,
  ),
  target(
    'escaped line ends in a request id',
    'GET /nowhere',
    404,
    'not_found',
    'X-Request-Id: a%0d%0aX-Evil: 1\r\n',
  ),
];

const all = [...framing, ...json, ...fields, ...http];

/** Null: the connection was closed without an answer. */
async function send(port: number, apiKey: string, { bytes }: BadRequest): Promise<RawResponse | null> {
  const client = await connect(port);
  const text = bytes.toString('latin1').replaceAll('KEY', apiKey);
  const answer = await client.send(Buffer.from(text, 'latin1')).response();
  client.close();
  return answer;
}

/** What is wrong with an answer. */
function findProblems(request: BadRequest, answer: RawResponse | null): readonly string[] {
  const place = `${request.name}: ${answer?.status} ${answer?.body.slice(0, 200)}`;
  if (answer?.status !== request.status) return [place];
  if (['server', 'uwebsockets', 'x-evil'].some((name) => answer.headers.has(name))) return [place];
  if (request.code === null) return [];
  const error = JSON.parse(answer.body) as { code: string; error: string };
  const isSentence = error.error.length < 300 && /^[\x20-\x7e]*$/.test(error.error);
  return error.code === request.code && isSentence ? [] : [place];
}

function residentBytes({ pid }: RunningNode): number {
  const [, kilobytes = ''] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1_024;
}

test(`${all.length} bad requests are refused, each with its code, and change nothing`, async (context) => {
  const home = await createNodeHome(context);
  const node = await home.start();
  for (let count = 0; count < 3; count++) {
    await node.request('POST', '/peers', { body: { peerId: randomUUID() } });
  }
  const store = readFileSync(home.storePath);
  const before = (await node.request('GET', '/peers')).body;
  const problems: string[] = [];
  for (const request of all)
    problems.push(...findProblems(request, await send(home.port, home.apiKey, request)));
  assert.deepEqual(problems, []);
  assert.equal((await node.request('GET', '/peers')).body, before);
  assert.deepEqual(readFileSync(home.storePath), store);
  assert.deepEqual(
    node.logLines().filter(({ level }) => level === 'error' || level === 'fatal'),
    [],
  );

  const rounds = async (count: number) => {
    await inParallel(4, count * all.length, async (index) => {
      await send(home.port, home.apiKey, all[index % all.length] ?? raw('', '', 0));
    });
    return residentBytes(node);
  };
  await rounds(10);
  const sizes = [await rounds(1)];
  for (let time = 0; time < 3; time++) sizes.push(await rounds(8));
  const grownBytes = Math.max(...sizes) - (sizes[0] ?? 0);
  context.diagnostic(
    `${all.length * 35} requests; MB: ${sizes.map((size) => Math.round(size / 1e6)).join(' ')}`,
  );
  assert.ok(grownBytes < 32e6, `grew by ${grownBytes} bytes`);
  assert.equal((await node.request('GET', '/peers')).body, before);
});
