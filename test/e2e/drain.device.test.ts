// A node that is told to stop while it works, and the commands that bring its interface up and down, on a real interface.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CreatedShape, jsonOf, type PageShape } from '../fixtures/api-client.ts';
import { createFakeWg, honestWg } from '../fixtures/fake-wg.ts';
import { createNamespace } from '../fixtures/namespace.ts';
import { RawClient } from '../fixtures/raw-client.ts';
import { createNodeHome } from '../fixtures/running-node.ts';
import { until } from '../fixtures/until.ts';

/** Holds up every change from when the file `hold` is there until it is gone. */
const slowWg = `case $1 in
  set | addconf) while [ -e $folder/hold ]; do sleep 0.02; done ;;
esac
${honestWg}`;

test('what is under way is answered after SIGTERM; what comes then is refused', async (context) => {
  const host = await createNamespace(context);
  const wg = createFakeWg(context, slowWg);
  const home = await createNodeHome(context, { namespace: host });
  const node = await home.start({ env: { PATH: wg.path } });
  assert.ok('socketPath' in node.place);
  const place = node.place.socketPath;
  const [idle, probe] = [0, 1].map(() => new RawClient(net.connect(place))) as [RawClient, RawClient];
  context.after(() => [idle, probe].map((client) => client.close()));
  const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: node\r\nX-API-Key: ${home.apiKey}\r\n\r\n`;
  assert.equal((await idle.send(request('/peers')).response())?.status, 200);
  assert.equal((await probe.send(request('/readyz')).response())?.status, 200);

  writeFileSync(join(wg.folder, 'hold'), '');
  const peerId = randomUUID();
  const slow = node.request('POST', '/peers', { body: { peerId } });
  await until('the change is under way', () => wg.calls().some((call) => call.startsWith('addconf')));
  const startedMs = performance.now();
  process.kill(node.pid, 'SIGTERM');
  await until('nobody new is let in', async () =>
    host.run('curl', '-s', '-m', '2', 'http://127.0.0.1:51821/healthz').then(
      () => false,
      () => true,
    ),
  );
  const refused = await idle.send(request('/peers')).response();
  assert.equal(refused?.status, 503);
  assert.equal(jsonOf<{ code: string }>({ ...refused, headers: {} }).code, 'shutting_down');
  assert.equal(refused.headers.get('connection'), 'close');
  assert.equal(refused.headers.get('keep-alive'), undefined);
  await until('its connection is closed', () => idle.ended);
  const ready = await probe.send(request('/readyz')).response();
  assert.equal(ready?.status, 503);
  assert.equal(ready.body, '{"status":"unhealthy","reason":"shutting_down"}');

  rmSync(join(wg.folder, 'hold'));
  const answer = await slow;
  assert.equal(answer.status, 200, answer.body);
  const ended = await node.ended;
  assert.equal(ended.status, 0);
  assert.ok(performance.now() - startedMs < 5_000, `${performance.now() - startedMs} ms`);
  const { peer } = jsonOf<CreatedShape>(answer);
  assert.equal((await host.run('wg', 'show', 'wg0', 'peers')).trim(), peer.publicKey);
  const again = await home.start();
  assert.deepEqual(
    jsonOf<PageShape>(await again.request('GET', '/peers')).data.map((each) => each.peerId),
    [peerId],
  );
});

test('a device that hangs does not keep it from ending within 5 s', async (context) => {
  const host = await createNamespace(context);
  const wg = createFakeWg(context, slowWg);
  const home = await createNodeHome(context, { namespace: host });
  const node = await home.start({ env: { PATH: wg.path } });
  writeFileSync(join(wg.folder, 'hold'), '');
  const slow = node.request('POST', '/peers', { body: { peerId: randomUUID() } }).catch(() => null);
  await until('the change is under way', () => wg.calls().some((call) => call.startsWith('addconf')));
  const startedMs = performance.now();
  const ended = await node.kill('SIGTERM');
  assert.equal(ended.status, 0);
  assert.ok(performance.now() - startedMs < 5_500, `${performance.now() - startedMs} ms`);
  const answer = await slow;
  assert.notEqual(answer?.status, 200, 'nobody was told that it was done');
});

test('init --print-path prints the path alone; up, up again and down', async (context) => {
  const host = await createNamespace(context);
  const home = await createNodeHome(context, { namespace: host });
  const init = await home.run({ args: ['init', '--print-path'], env: { DEBUG: '1' } });
  assert.deepEqual([init.status, init.stdout], [0, '/etc/wireguard/wg0.conf\n']);
  assert.match(init.stderr, /WireGuard file made/);
  const text = await host.run('cat', '/etc/wireguard/wg0.conf');
  const again = await home.run({ args: ['init'] });
  assert.deepEqual([again.status, again.stdout], [0, '']);
  assert.equal(await host.run('cat', '/etc/wireguard/wg0.conf'), text);
  await assert.rejects(host.run('ip', 'link', 'show', 'wg0'), 'init makes no interface');

  for (let time = 0; time < 2; time++) {
    const up = await home.run({ args: ['up'] });
    assert.deepEqual([up.status, up.stdout], [0, ''], up.stderr);
  }
  const index = (await host.run('cat', '/sys/class/net/wg0/ifindex')).trim();
  const node = await home.start();
  assert.equal((await host.run('cat', '/sys/class/net/wg0/ifindex')).trim(), index, 'not bounced');
  await node.kill('SIGTERM');
  assert.equal((await home.run({ args: ['down'] })).status, 0);
  await assert.rejects(host.run('ip', 'link', 'show', 'wg0'));
  assert.equal((await home.run({ args: ['down'] })).status, 0, 'what is down stays down');
  assert.equal(existsSync(join(home.folder, 'wireguard')), false);
});

test('a changed port reaches the live interface at the next start, and no tunnel is dropped', async (context) => {
  const host = await createNamespace(context);
  const home = await createNodeHome(context, { namespace: host });
  const first = await home.start();
  const created = await first.request('POST', '/peers', { body: { peerId: randomUUID() } });
  const before = jsonOf<CreatedShape>(created);
  await first.kill('SIGTERM');
  const index = (await host.run('cat', '/sys/class/net/wg0/ifindex')).trim();
  home.configure({ wireguard: { listen_port: 51_999 } });
  const second = await home.start();
  assert.equal((await host.run('wg', 'show', 'wg0', 'listen-port')).trim(), '51999');
  assert.equal((await host.run('cat', '/sys/class/net/wg0/ifindex')).trim(), index);
  const rotated = await second.request('POST', '/peers', { body: { peerId: before.peer.peerId } });
  const after = jsonOf<CreatedShape>(rotated);
  assert.deepEqual(after.server, { publicKey: before.server.publicKey, listenPort: 51_999 });
  assert.deepEqual(after.peer.allowedIPs, before.peer.allowedIPs);
});
