// What an API counts about its requests, by way of dispatch. Connections and bytes: server.socket.test.ts.
import assert from 'node:assert/strict';
import test from 'node:test';
import { rateBurst } from '../../../core/limits.ts';
import { askDispatch, withKey } from '../../fixtures/http-request.ts';
import { createToy, type Toy } from '../../fixtures/toy-api.ts';

const headers = [withKey];

function requests({ counts }: Toy): readonly string[] {
  return [...counts.requests()].map(
    ({ method, route, statusClass, count }) => `${method} ${route} ${statusClass}xx ${count}`,
  );
}

test('requests count by method, template and class of status, whatever their path holds', async () => {
  const toy = createToy();
  assert.deepEqual(requests(toy), []);
  for (const name of ['a', 'b', 'none']) await askDispatch(toy, { target: `/toys/${name}`, headers });
  await askDispatch(toy, { target: '/toys/a' });
  await askDispatch(toy, { method: 'HEAD', target: '/toys/a', headers });
  await askDispatch(toy, { target: '/busy', headers });
  await askDispatch(toy, { method: 'POST', target: '/toys', headers, body: '{' });
  assert.deepEqual(requests(toy), [
    'GET /toys/:name 2xx 2',
    'GET /toys/:name 4xx 2',
    'HEAD /toys/:name 2xx 1',
    'POST /toys 4xx 1',
    'GET /busy 5xx 1',
  ]);
});

test('paths and methods that callers make up share a few counters', async () => {
  const toy = createToy();
  for (const target of ['/x', '/y', '/toys/a/b']) await askDispatch(toy, { target, headers });
  for (const method of ['BREW', 'PROPFIND']) await askDispatch(toy, { method, target: '/toys', headers });
  assert.deepEqual(requests(toy), ['GET null 4xx 3', 'other null 4xx 2']);
});

test('what no operation was asked for counts by its code', async () => {
  const toy = createToy();
  await askDispatch(toy, { target: '/x', headers });
  for (let asked = 1; asked < rateBurst + 2; asked++) await askDispatch(toy, { target: '/toys' });
  assert.deepEqual(
    [...toy.counts.refusals()],
    [
      ['not_found', 1],
      ['unauthorized', rateBurst - 1],
      ['rate_limited', 2],
    ],
  );
});
