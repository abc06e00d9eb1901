// The node behind Caddy and behind nginx: whom it takes a request to be from, and what the proxy must not spoil.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createBehindProxy, orchestrator, stranger } from '../fixtures/behind-proxy.ts';
import { until } from '../fixtures/until.ts';

const json = ['-H', 'Content-Type: application/json'];
const forged = (address: string) => ['-H', `X-Forwarded-For: ${address}`];

for (const kind of ['caddy', 'nginx'] as const) {
  test(`behind ${kind} the client is who it is, whatever it says`, async (context) => {
    const { home, node, proxy, ask } = await createBehindProxy(context, kind);
    assert.deepEqual(await ask(orchestrator, '/peers'), ['200']);
    assert.deepEqual(await ask(stranger, '/peers'), ['403']);
    assert.deepEqual(await ask(stranger, '/peers', ...forged(orchestrator)), ['403']);
    assert.deepEqual(await ask(stranger, '/peers', ...forged(`${orchestrator}, 10.2.0.1`)), ['403']);
    assert.deepEqual(await ask(orchestrator, '/peers', ...forged('203.0.113.1')), ['200']);
    const direct = ['http://10.2.0.2:51821/peers', '-H', `X-API-Key: ${home.apiKey}`];
    const own = await proxy.run('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', ...direct);
    assert.equal(own, '403', 'the proxy itself may not ask');

    const body = JSON.stringify({ peerId: randomUUID() });
    assert.deepEqual(await ask(orchestrator, '/peers', ...json, '-d', body), ['200']);
    const large = join(home.folder, 'large');
    writeFileSync(large, 'x'.repeat(300_000));
    assert.deepEqual(await ask(orchestrator, '/peers', ...json, '-d', `@${large}`), ['413']);
    assert.deepEqual(await ask(orchestrator, '/peers'), ['200']);

    // Without an allowlist the rate is limited instead, and each client has its own.
    home.configure({ server: { allowed_ips: undefined } });
    process.kill(node.pid, 'SIGHUP');
    await until('strangers are let in', async () => (await ask(stranger, '/stats'))[0] === '200');
    const many = await ask(orchestrator, '/stats?[1-300]', ...forged('203.0.113.1'));
    assert.ok(many.includes('429'), `${many.length} answers`);
    assert.deepEqual(await ask(stranger, '/stats'), ['200']);
  });
}

test('no answer names Caddy, whoever gives it', async (context) => {
  const { node, headersOf } = await createBehindProxy(context, 'caddy');
  const served = await headersOf('https', '/healthz');
  assert.match(served, /^http\/2 200 /);
  const redirected = await headersOf('http', '/peers?limit=1');
  assert.match(
    redirected,
    /^http\/1\.1 308 .*\nlocation: https:\/\/node1\.example\.org\/peers\?limit=1\r\n/s,
  );
  const strange = await headersOf('http', '/healthz', 'node2.example.org');
  assert.match(strange, /^http\/1\.1 421 /);
  const stranger = await headersOf('https', '/healthz', 'node2.example.org');
  assert.match(stranger, /^http\/2 421 /);
  await node.kill('SIGTERM');
  const failed = await headersOf('https', '/healthz');
  assert.match(failed, /^http\/2 502 /);
  for (const answer of [served, redirected, strange, stranger, failed])
    assert.doesNotMatch(answer, /caddy|^(server|via):/m);
  for (const answer of [served, failed]) assert.match(answer, /^strict-transport-security: /m);
});
