// Requests answered in this process, without a socket.
import assert from 'node:assert/strict';
import test from 'node:test';
import { constantHeaders, findFaults, httpCases } from '../../fixtures/http-cases.ts';
import { askDispatch, flatten, ipv4, readHead, withKey } from '../../fixtures/http-request.ts';
import { apiKey, cidrs, createToy } from '../../fixtures/toy-api.ts';

const local = ipv4('127.0.0.1');
const code = (body: string) => (JSON.parse(body) as { code?: string }).code;

for (const expected of httpCases) {
  test(`in process: ${expected.name}`, async () => {
    assert.deepEqual(findFaults(expected, await askDispatch(createToy(), expected.request, local)), []);
  });
}

test('an id that is no UUID v4 is replaced by a fresh one', async () => {
  const toy = createToy();
  const seen = new Set<string>();
  for (const sent of [
    '',
    'x',
    '7c2f3f7a-6b4e-1f3f-8b2a-1a9b3c2d4e5f',
    `${'0'.repeat(36)}`,
    'a\r\nX-Evil: 1',
  ]) {
    const { headers } = await askDispatch(toy, { target: '/alive', headers: [['X-Request-Id', sent]] });
    seen.add(headers.get('x-request-id') ?? '');
    assert.notEqual(headers.get('x-request-id'), sent);
  }
  assert.equal(seen.size, 5);
});

test('an operation and its caller see the same request id', async () => {
  const response = await askDispatch(createToy(), {
    method: 'POST',
    target: '/toys',
    headers: [withKey],
    body: '{}',
  });
  assert.equal(response.headers.get('x-request-id'), JSON.parse(response.body).requestId);
});

test('details are sent in debug only', async () => {
  const request = { target: '/toys/none', headers: [withKey] };
  assert.equal(JSON.parse((await askDispatch(createToy(), request)).body).detail, undefined);
  const debugged = await askDispatch(createToy({ debug: true }), request);
  assert.equal(JSON.parse(debugged.body).detail, 'looked everywhere');
});

test("a body's member __proto__ is data and changes nothing", async () => {
  const toy = createToy();
  await askDispatch(toy, {
    method: 'POST',
    target: '/toys',
    headers: [withKey],
    body: '{"__proto__":{"evil":1}}',
  });
  const [made] = toy.toys.made as [object];
  assert.ok(Object.hasOwn(made, '__proto__'));
  assert.equal(Object.getPrototypeOf(made), Object.prototype);
  assert.equal((made as { evil?: number }).evil, undefined);
});

test('under TLS browsers are told to stay with it', async () => {
  const { headers } = await askDispatch(createToy({ tls: true }), { target: '/alive' });
  assert.equal(headers.get('strict-transport-security'), 'max-age=31536000');
  const plain = await askDispatch(createToy(), { target: '/alive' });
  assert.equal(plain.headers.has('strict-transport-security'), false);
});

test('a client may make 30 requests at once and 20 a second', async () => {
  const toy = createToy();
  const request = { target: '/toys', headers: [withKey] };
  for (let count = 0; count < 30; count++) assert.equal((await askDispatch(toy, request)).status, 200);
  const refused = await askDispatch(toy, request);
  assert.equal(refused.status, 429);
  assert.equal(code(refused.body), 'rate_limited');
  assert.equal(refused.headers.get('retry-after'), '1');
  await toy.clock.advance(100);
  assert.equal((await askDispatch(toy, request)).status, 200);
  assert.equal((await askDispatch(toy, request)).status, 200);
  assert.equal((await askDispatch(toy, request)).status, 429);
});

test('unknown paths, wrong methods and wrong keys count for the rate, probes and other clients do not', async () => {
  const toy = createToy();
  const spend = [{ target: '/nowhere' }, { method: 'PUT', target: '/alive' }, { target: '/toys' }];
  for (let count = 0; count < 10; count++) for (const request of spend) await askDispatch(toy, request);
  for (const request of spend) assert.equal((await askDispatch(toy, request)).status, 429);
  assert.equal((await askDispatch(toy, { target: '/alive' })).status, 200);
  assert.equal(
    (await askDispatch(toy, { target: '/toys', headers: [withKey] }, ipv4('192.0.2.8'))).status,
    200,
  );
});

test('behind a trusted proxy the rate is that of the client', async () => {
  const toy = createToy();
  const from = (client: string) => ({
    target: '/toys',
    headers: [withKey, ['X-Forwarded-For', client] as const],
  });
  for (let count = 0; count < 30; count++) await askDispatch(toy, from('198.51.100.1'), local);
  assert.equal((await askDispatch(toy, from('198.51.100.1'), local)).status, 429);
  assert.equal((await askDispatch(toy, from('198.51.100.2'), local)).status, 200);
  // Nobody else's word is taken for it.
  const liar = ipv4('198.51.100.1');
  assert.equal((await askDispatch(toy, from('198.51.100.3'), liar)).status, 429);
});

test('an allowlist holds for everything but probes, and takes the place of the rate limit', async () => {
  const toy = createToy({ allowedIps: cidrs('10.0.0.0/8') });
  const inside = ipv4('10.1.2.3');
  const outside = ipv4('192.0.2.7');
  for (let count = 0; count < 40; count++) {
    assert.equal((await askDispatch(toy, { target: '/toys', headers: [withKey] }, inside)).status, 200);
  }
  const refused = await askDispatch(toy, { target: '/toys', headers: [withKey] }, outside);
  assert.equal(refused.status, 403);
  assert.equal(code(refused.body), 'forbidden');
  assert.equal(
    (await askDispatch(toy, { target: '/toys' }, outside)).status,
    403,
    'before the key is looked at',
  );
  assert.equal((await askDispatch(toy, { target: '/alive' }, outside)).status, 200);
  assert.equal((await askDispatch(toy, { target: '/nowhere' }, outside)).status, 404);
});

test('an allowlist sees through trusted proxies, and nothing else', async () => {
  const toy = createToy({ allowedIps: cidrs('10.0.0.0/8', '127.0.0.1/32') });
  const status = async (remote: Uint8Array, ...forwarded: string[]) => {
    const lines = forwarded.map((line) => ['X-Forwarded-For', line] as const);
    return (await askDispatch(toy, { target: '/toys', headers: [withKey, ...lines] }, remote)).status;
  };
  assert.equal(await status(local), 200);
  assert.equal(await status(local, '10.0.0.1'), 200);
  assert.equal(await status(local, '192.0.2.7'), 403);
  assert.equal(await status(local, '10.0.0.1, 192.0.2.7'), 403);
  assert.equal(await status(local, '10.0.0.1', '192.0.2.7'), 403, 'in several lines');
  assert.equal(await status(local, '', '192.0.2.7'), 403, 'behind an empty line');
  assert.equal(await status(ipv4('192.0.2.7'), '10.0.0.1'), 403, 'from somebody who is no proxy');
});

test('what is known of a connection does not outweigh what a proxy says', async () => {
  const toy = createToy({ allowedIps: cidrs('127.0.0.1/32') });
  const forwarded = { target: '/toys', headers: [withKey, ['X-Forwarded-For', '192.0.2.7'] as const] };
  const head = { ...readHead(forwarded, local), fromAllowed: true };
  assert.equal(flatten(await toy.dispatch.handle(head, null)).status, 403);
});

test('new access settings hold from the next request on', async () => {
  const toy = createToy();
  const request = { target: '/toys', headers: [withKey] };
  const trustedProxies = cidrs('127.0.0.1/32');
  toy.access.replace({ apiKey: 'another-key-0123456789-0123456789', allowedIps: null, trustedProxies });
  assert.equal((await askDispatch(toy, request)).status, 401);
  toy.access.replace({ apiKey, allowedIps: cidrs('10.0.0.0/8'), trustedProxies });
  assert.equal((await askDispatch(toy, request)).status, 403);
  toy.access.replace({ apiKey, allowedIps: null, trustedProxies });
  assert.equal((await askDispatch(toy, request)).status, 200);
});

test('an operation that takes too long is answered for, and its own answer is dropped', async () => {
  const toy = createToy();
  let settle = (_: Awaited<typeof toy.toys.wait>) => {};
  toy.toys.wait = new Promise((resolve) => {
    settle = resolve;
  });
  const pending = askDispatch(toy, { target: '/wait', headers: [withKey] });
  await toy.clock.advance(14_999);
  assert.equal(toy.answered.length, 0);
  await toy.clock.advance(1);
  const response = await pending;
  assert.equal(response.status, 504);
  assert.equal(code(response.body), 'deadline_exceeded');
  settle({ ok: true, value: { status: 200, body: '{}' } });
  await toy.clock.settle();
  assert.equal(toy.answered.length, 1);
});

test('no timer outlives an answer in time', async () => {
  const toy = createToy();
  await askDispatch(toy, { target: '/wait', headers: [withKey] });
  assert.equal(toy.clock.timers, 0);
});

test('while draining, operations are refused, probes are not, and every answer ends its connection', async () => {
  const toy = createToy();
  const before = askDispatch(toy, { target: '/wait', headers: [withKey] });
  toy.dispatch.drain();
  const refused = await toy.dispatch.handle(readHead({ target: '/toys', headers: [withKey] }), null);
  assert.equal(refused.head.status, 503);
  assert.equal(code(flatten(refused).body), 'shutting_down');
  assert.equal(flatten(refused).headers.get('retry-after'), '1');
  assert.equal(refused.head.closes, true);
  assert.equal(flatten(refused).headers.has('keep-alive'), false);
  assert.equal((await before).status, 200, 'what was under way is finished');
  assert.equal((await askDispatch(toy, { target: '/alive' })).status, 200);
  assert.equal((await askDispatch(toy, { target: '/toys' })).status, 401);
});

test('a refused request leaves one warning, without anything secret', async () => {
  const toy = createToy();
  const wrongKey = 'a-wrong-key-that-may-be-one-somewhere-else';
  await askDispatch(toy, { target: '/toys?key=secret', headers: [['X-API-Key', wrongKey]] });
  const [line, ...more] = toy.log.lines;
  assert.deepEqual(more, []);
  assert.equal(line?.level, 'warn');
  const { requestId, ...fields } = line?.fields ?? {};
  assert.match(String(requestId), /^[0-9a-f-]{36}$/);
  assert.deepEqual(fields, { code: 'unauthorized', method: 'GET', path: '/toys', client: '192.0.2.7' });
  assert.doesNotMatch(JSON.stringify(toy.log.lines), /secret|wrong-key/);
});

test('so does one that its operation refuses, at once or later, and one that finds nothing does not', async () => {
  const toy = createToy();
  await askDispatch(toy, { target: '/toys/none', headers: [withKey] });
  assert.deepEqual(toy.log.lines, []);
  await askDispatch(toy, { target: '/busy', headers: [withKey] });
  await askDispatch(toy, { target: '/busy-later', headers: [withKey] });
  assert.deepEqual(
    toy.log.lines.map(({ level, fields }) => [level, fields['code'], fields['path'], fields['client']]),
    ['/busy', '/busy-later'].map((path) => ['warn', 'toy_broken', path, '192.0.2.7']),
  );
});

test('a bug is logged with its trace and answered without it', async () => {
  const toy = createToy({ debug: true });
  const response = await askDispatch(toy, { target: '/throws', headers: [withKey] });
  assert.deepEqual(Object.keys(JSON.parse(response.body)), ['error', 'code']);
  assert.match(String(toy.log.lines[0]?.fields['trace']), /a bug in a toy/);
  assert.equal(toy.log.lines[0]?.level, 'error');
});

test('every answer is told once, by its route and not by its path', async () => {
  const toy = createToy();
  await askDispatch(toy, { target: '/toys/bear', headers: [withKey] });
  await askDispatch(toy, { target: '/toys/wolf' });
  await askDispatch(toy, { target: '/nowhere' });
  assert.deepEqual(
    toy.answered.map(({ method, route, status }) => [method, route, status]),
    [
      ['GET', '/toys/:name', 200],
      ['GET', '/toys/:name', 401],
      ['GET', null, 404],
    ],
  );
});

test('what needs no waiting is answered without a promise', () => {
  const toy = createToy();
  const response = toy.dispatch.handle(readHead({ target: '/toys/bear', headers: [withKey] }), null);
  assert.equal(response instanceof Promise, false);
});

test('the joined head says the same as the list of headers', async () => {
  const toy = createToy();
  const response = await toy.dispatch.handle(readHead({ target: '/alive' }), null);
  const { head, requestId } = response;
  requestId.copyTo(head.bytes, head.requestIdOffset);
  const [status, ...lines] = Buffer.from(head.bytes).toString('latin1').split('\r\n');
  assert.equal(status, '200 OK');
  assert.deepEqual(
    new Map(
      lines
        .map((line) => line.split(': ') as [string, string])
        .map(([name, value]) => [name.toLowerCase(), value]),
    ),
    flatten(response).headers,
  );
  for (const [name, value] of Object.entries(constantHeaders))
    assert.equal(flatten(response).headers.get(name), value);
});

test('good answers have the content type that was asked for, errors are JSON', async () => {
  const toy = createToy({ contentType: 'text/plain' });
  const good = await askDispatch(toy, { target: '/toys', headers: [withKey] });
  const bad = await askDispatch(toy, { target: '/toys' });
  assert.equal(good.headers.get('content-type'), 'text/plain');
  assert.equal(bad.headers.get('content-type'), 'application/json; charset=utf-8');
});

test('who comes without the right bearer token is told the scheme', async () => {
  const toy = createToy({ keyScheme: 'bearer' });
  const ask = (value: string) => askDispatch(toy, { target: '/toys', headers: [['Authorization', value]] });
  const refused = await ask('Bearer x');
  assert.equal(refused.status, 401);
  assert.equal(refused.headers.get('www-authenticate'), 'Bearer');
  assert.equal((await ask(`Bearer ${apiKey}`)).status, 200);
  const api = await askDispatch(createToy(), { target: '/toys' });
  assert.equal(api.headers.has('www-authenticate'), false);
});
