// The API's contract without a socket: the real routes on dispatch. The same rows are asked over a socket in contract.socket.test.ts.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { queueMax } from '../../core/limits.ts';
import { fail, ok } from '../../core/result.ts';
import { askInProcess } from '../fixtures/contract-ask.ts';
import { checkAnswer, checkHeaders } from '../fixtures/contract-check.ts';
import { type ContractRequest, type ContractRow, contractWorlds } from '../fixtures/contract-rows.ts';
import { type InProcessSettings, startInProcessApi } from '../fixtures/in-process-api.ts';
import { until } from '../fixtures/until.ts';

const apiKey = 'a-key-of-at-least-32-characters-!!';
const usual: InProcessSettings = {
  apiKey,
  allowedIps: ['127.0.0.1/32'],
  subnets: ['10.7.0.0/24', 'fd07::/112'],
  debug: false,
};

for (const world of contractWorlds) {
  test(`${world.name}, row by row`, async (context) => {
    const api = await startInProcessApi({ ...world, apiKey });
    context.after(api.stop);
    const ask = askInProcess(api.dispatch, apiKey);
    for (const row of world.rows) {
      checkAnswer(row, await ask(row.request));
      if (row.request.method !== undefined) continue;
      const head = await ask({ ...row.request, method: 'HEAD' });
      assert.equal(head.status, row.status, `HEAD of ${row.name}`);
      assert.equal(head.body, '');
      checkHeaders(row, head);
    }
  });
}

test('30 requests at once and 20 a second from one address; probes are not counted', async (context) => {
  const api = await startInProcessApi({ ...usual, allowedIps: null });
  context.after(api.stop);
  const ask = askInProcess(api.dispatch, apiKey);
  const startedMs = performance.now();
  const answers = [];
  for (let count = 0; count < 100; count++) answers.push(await ask({ target: '/stats' }));
  const refilled = Math.ceil((performance.now() - startedMs) / 50);
  const served = answers.filter(({ status }) => status === 200).length;
  assert.ok(served >= 30 && served <= 30 + refilled, `${served} of 100`);
  const limited = answers.find(({ status }) => status !== 200);
  assert.ok(limited !== undefined);
  checkAnswer(row('limited', 429, 'rate_limited', { 'retry-after': '1' }), limited);
  assert.equal((await ask({ target: '/healthz', keyless: true })).status, 200);
  assert.equal((await ask({ target: '/readyz', keyless: true })).status, 200);
  const wrong = await ask({ target: '/nowhere', keyless: true });
  assert.ok(wrong.status === 429 || wrong.status === 404, 'unknown paths are counted');
});

test('a device that can not be read', async (context) => {
  const api = await startInProcessApi({
    ...usual,
    wrapDevice: (device) => ({
      ...device,
      look: async () => fail({ code: 'device_refused', detail: 'no such device' }),
    }),
  });
  context.after(api.stop);
  const ask = askInProcess(api.dispatch, apiKey);
  const id = '7c2f3f7a-6b4e-4f3f-8b2a-1a9b3c2d4e5f';
  checkAnswer(
    {
      ...row('readyz', 503, ''),
      body: { json: { status: 'unhealthy', reason: 'wireguard_unavailable' } },
    },
    await ask({ target: '/readyz', keyless: true }),
  );
  checkAnswer(row('stats', 500, 'stats_unavailable'), await ask({ target: '/stats' }));
  checkAnswer(row('list', 500, 'peers_list_unavailable'), await ask({ target: '/peers' }));
  checkAnswer(row('peer', 404, 'peer_not_found'), await ask({ target: `/peers/${id}` }));
  const later = { 'retry-after': '1' };
  const creation = { method: 'POST', target: '/peers', body: `{"peerId":"${id}"}` };
  checkAnswer(row('create', 503, 'device_unavailable', later), await ask(creation));
  const deletion = { method: 'DELETE', target: `/peers/${id}` };
  checkAnswer(row('delete', 503, 'device_unavailable', later), await ask(deletion));
});

test('a device that refuses one change, and a store that fails', async (context) => {
  let refusals = 0;
  let storeFails = false;
  const api = await startInProcessApi({
    ...usual,
    wrapDevice: (device) => ({
      ...device,
      apply: async (changes) =>
        refusals-- > 0 ? fail({ code: 'device_refused', detail: 'no' }) : device.apply(changes),
    }),
    wrapStore: (store) => {
      const failed = fail({ code: 'store_failed', detail: 'ENOSPC' } as const);
      return {
        ...store,
        commit: async (...args) => (storeFails ? failed : store.commit(...args)),
        rewrite: async (...args) => (storeFails ? failed : store.rewrite(...args)),
      };
    },
  });
  context.after(api.stop);
  const ask = askInProcess(api.dispatch, apiKey);
  const creation = (digit: number) => ({
    method: 'POST',
    target: '/peers',
    body: `{"peerId":"00000000-0000-4000-8000-00000000000${digit}"}`,
  });
  refusals = 1;
  checkAnswer(row('refused', 500, 'wireguard_error'), await ask(creation(1)));
  assert.equal((await ask(creation(2))).status, 200);
  storeFails = true;
  checkAnswer(row('store', 500, 'store_error'), await ask(creation(3)));
  checkAnswer(row('later', 503, 'store_unavailable', { 'retry-after': '1' }), await ask(creation(3)));
  const unready = await ask({ target: '/readyz', keyless: true });
  assert.equal(unready.status, 503);
  assert.equal(unready.body, '{"status":"unhealthy","reason":"store_unavailable"}');
  assert.equal((await ask({ target: '/peers' })).status, 200, 'reads go on');
});

test('a device that does not end in time, and one that has no key', async (context) => {
  let timesOut = true;
  const slow = await startInProcessApi({
    ...usual,
    wrapDevice: (device) => ({
      ...device,
      apply: async (changes) => {
        const applied = await device.apply(changes);
        return timesOut ? fail({ code: 'device_timeout', detail: 'late' }) : applied;
      },
    }),
  });
  context.after(slow.stop);
  const ask = askInProcess(slow.dispatch, apiKey);
  const id = '7c2f3f7a-6b4e-4f3f-8b2a-1a9b3c2d4e5f';
  checkAnswer(row('late', 504, 'deadline_exceeded'), await ask(creationOf(id)));
  timesOut = false;
  assert.equal((await ask({ target: `/peers/${id}` })).status, 200, 'a GET tells');

  const keyless = await startInProcessApi({
    ...usual,
    wrapDevice: (device) => ({
      ...device,
      look: async (visit) => {
        const looked = await device.look(visit);
        return looked.ok ? ok({ ...looked.value, publicKey: null }) : looked;
      },
    }),
  });
  context.after(keyless.stop);
  const answer = await askInProcess(keyless.dispatch, apiKey)(creationOf(id));
  checkAnswer(row('keyless', 503, 'device_unavailable', { 'retry-after': '1' }), answer);
});

test('more callers than may wait are told at once', async (context) => {
  const held: (() => void)[] = [];
  const api = await startInProcessApi({
    ...usual,
    subnets: ['10.0.0.0/8'],
    wrapDevice: (device) => ({
      ...device,
      apply: async (changes) => {
        await new Promise<void>((resolve) => held.push(resolve));
        return device.apply(changes);
      },
    }),
  });
  const ask = askInProcess(api.dispatch, apiKey);
  const first = ask(creationOf(randomUUID()));
  await until('the first is at the device', () => held.length === 1);
  // Changes that are soon decided, since thousands of them have to wait.
  const waiting = Array.from({ length: queueMax }, () => ask(deletionOf(randomUUID())));
  for (const request of [creationOf(randomUUID()), deletionOf(randomUUID())]) {
    checkAnswer(row('too many', 503, 'overloaded', { 'retry-after': '1' }), await ask(request));
  }
  const releasing = setInterval(() => {
    for (const release of held.splice(0)) release();
  });
  context.after(() => clearInterval(releasing));
  assert.equal((await first).status, 200);
  assert.ok((await Promise.all(waiting)).every(({ status }) => status === 404));
  await api.stop();
});

test('a node that shuts down', async (context) => {
  const api = await startInProcessApi(usual);
  context.after(api.stop);
  const ask = askInProcess(api.dispatch, apiKey);
  api.dispatch.drain();
  const headers = { 'keep-alive': null, 'retry-after': '1' };
  checkAnswer(row('stats', 503, 'shutting_down', headers), await ask({ target: '/stats' }));
  checkAnswer(
    row('create', 503, 'shutting_down', headers),
    await ask({ method: 'POST', target: '/peers', body: '{}' }),
  );
  assert.equal((await ask({ target: '/healthz', keyless: true })).status, 200);
});

function row(
  name: string,
  status: number,
  code: string,
  headers: NonNullable<ContractRow['headers']> = {},
): ContractRow {
  return { name, request: { target: '/' }, status, body: { code }, headers };
}

function creationOf(peerId: string): ContractRequest {
  return { method: 'POST', target: '/peers', body: JSON.stringify({ peerId }) };
}

function deletionOf(peerId: string): ContractRequest {
  return { method: 'DELETE', target: `/peers/${peerId}` };
}
