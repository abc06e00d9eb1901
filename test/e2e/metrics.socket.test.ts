// The metrics listener of the real program: who may read it, what it says, and how it starts and stops.
import assert from 'node:assert/strict';
import { randomUUID, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { type CreatedShape, jsonOf } from '../fixtures/api-client.ts';
import { makeCertificate } from '../fixtures/certificate.ts';
import { createMetricsHome, metricOf } from '../fixtures/metrics.ts';
import { RawClient } from '../fixtures/raw-client.ts';
import { createNodeHome } from '../fixtures/running-node.ts';
import { until } from '../fixtures/until.ts';

test('only the bearer token opens it, and the API key does not', async (context) => {
  const home = await createMetricsHome(context);
  const node = await home.start();
  const { ask, token } = home;
  for (const headers of [
    { Authorization: null },
    { Authorization: `Bearer ${token}x` },
    { Authorization: `Bearer ${home.apiKey}` },
    { Authorization: `Basic ${token}` },
    { Authorization: null, 'X-API-Key': token },
    { Authorization: null, 'X-API-Key': home.apiKey },
  ]) {
    const refused = await ask('GET', '/metrics', headers);
    assert.equal(refused.status, 401, JSON.stringify(headers));
    assert.equal(refused.headers['www-authenticate'], 'Bearer');
    assert.equal(jsonOf<{ code: string }>(refused).code, 'unauthorized');
  }
  const good = await ask('GET', '/metrics');
  assert.equal(good.status, 200);
  assert.equal(good.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  assert.equal((await ask('GET', '/metrics/')).status, 200);
  const stats = await node.request('GET', '/stats', { headers: { 'X-API-Key': token } });
  assert.equal(stats.status, 401, 'and its token opens nothing else');
});

test('there is nothing but /metrics, and HEAD works', async (context) => {
  const home = await createMetricsHome(context);
  await home.start();
  for (const path of ['/', '/peers', '/healthz', '/metrics/x']) {
    assert.equal((await home.ask('GET', path)).status, 404, path);
  }
  const head = await home.ask('HEAD', '/metrics');
  assert.deepEqual([head.status, head.body], [200, '']);
  assert.ok(Number(head.headers['content-length']) > 1_000);
  const post = await home.ask('POST', '/metrics');
  assert.deepEqual([post.status, post.headers.allow], [405, 'GET, HEAD']);
});

test('it tells what the API and the node did', async (context) => {
  const home = await createMetricsHome(context, {
    settings: { metrics: { per_peer: true, per_peer_max: 2 } },
  });
  const node = await home.start();
  const peerId = randomUUID();
  const created = await node.request('POST', '/peers', { body: { peerId } });
  for (let more = 0; more < 2; more++)
    await node.request('POST', '/peers', { body: { peerId: randomUUID() } });
  await node.request('POST', '/peers', { body: { peerId } });
  await node.request('DELETE', `/peers/${randomUUID()}`);
  const page = await node.request('GET', '/peers');
  await node.request('GET', `/peers/${peerId}`, { headers: { 'X-API-Key': 'wrong' } });

  const text = await home.scrape();
  const value = (series: string) => metricOf(text, series);
  assert.equal(value('wgkeeper_ready'), 1);
  assert.equal(value('wgkeeper_peers_issued'), 3);
  assert.equal(value('wgkeeper_peers_possible'), 253);
  assert.equal(value('wgkeeper_peers_active'), 0);
  assert.equal(value('wgkeeper_peers_stale'), 3);
  assert.equal(value('wgkeeper_operations_total{operation="create",result="ok"}'), 3);
  assert.equal(value('wgkeeper_operations_total{operation="rotate",result="ok"}'), 1);
  assert.equal(value('wgkeeper_operations_total{operation="delete",result="peer_not_found"}'), 1);
  assert.equal(value('wgkeeper_operation_duration_seconds_count{operation="create"}'), 3);
  assert.equal(value('wgkeeper_batch_commands_sum'), 5);
  assert.equal(value('wgkeeper_store_writes_total{kind="batch",result="ok"}'), 4);
  assert.ok((value('wgkeeper_store_bytes') ?? 0) > 300);
  assert.ok((value('wgkeeper_device_looks_total{result="ok"}') ?? 0) > 0);
  assert.equal(value('wgkeeper_http_requests_total{method="POST",route="/peers",status="2xx"}'), 4);
  assert.equal(value('wgkeeper_http_requests_total{method="DELETE",route="/peers/:peerId",status="4xx"}'), 1);
  assert.equal(value('wgkeeper_http_refusals_total{code="unauthorized"}'), 1);
  assert.ok((value('wgkeeper_http_response_body_bytes_total') ?? 0) > created.body.length + page.body.length);
  assert.ok((value('wgkeeper_http_request_body_bytes_total') ?? 0) >= 4 * JSON.stringify({ peerId }).length);
  assert.ok((value('wgkeeper_http_connections') ?? 0) > 0);
  assert.ok((value('process_resident_memory_bytes') ?? 0) > 1e7);
  assert.equal(value('wgkeeper_peer_series_omitted'), 1);
  assert.equal(text.match(/^wgkeeper_peer_receive_bytes_total\{/gm)?.length, 2);

  const { peer, server } = jsonOf<CreatedShape>(created);
  for (const secret of [
    peer.privateKey,
    peer.presharedKey,
    peer.publicKey,
    server.publicKey,
    home.apiKey,
    home.token,
  ]) {
    assert.ok(!text.includes(secret), 'no key is in it');
  }
  assert.doesNotMatch(text, /10\.7\.0\.|fd07:/, 'nor an address');
});

test('without metrics.per_peer no peer is named', async (context) => {
  const home = await createMetricsHome(context);
  const node = await home.start();
  await node.request('POST', '/peers', { body: { peerId: randomUUID() } });
  assert.doesNotMatch(await home.scrape(), /wgkeeper_peer_/);
});

test('a taken metrics port is one clear line and exit 1, before anything is touched', async (context) => {
  const home = await createMetricsHome(context);
  const other = createServer().listen(home.metricsPort, '127.0.0.1');
  context.after(() => other.close());
  const ended = await home.run();
  assert.equal(ended.status, 1);
  const fatal = ended.stdout.split('\n').filter((line) => line.includes('"fatal"'));
  assert.equal(fatal.length, 1, ended.stdout);
  assert.match(fatal[0] ?? '', new RegExp(`${home.metricsPort}.*another program`));
  assert.ok(!existsSync(home.storePath), 'nothing was stored');
});

test('it stops with the node', async (context) => {
  const home = await createMetricsHome(context);
  const node = await home.start();
  await home.scrape();
  assert.equal((await node.kill('SIGTERM')).status, 0);
  await assert.rejects(home.scrape());
});

test('without metrics in the configuration nothing of theirs is loaded', async (context) => {
  const home = await createNodeHome(context);
  const hook = `export function resolve(name, importer, next) {
    if (name.startsWith('prom-client')) throw new Error('trapped');
    return next(name, importer);
  }`;
  const dataUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
  const trap = `import { register } from 'node:module'; register(${JSON.stringify(dataUrl(hook))});`;
  const env = { NODE_OPTIONS: `--import=${dataUrl(trap)}` };
  const node = await home.start({ env });
  assert.equal((await node.request('GET', '/stats')).status, 200);

  const measured = await createMetricsHome(context);
  const trapped = await measured.run({ env });
  assert.equal(trapped.status, 1);
  assert.match(trapped.stdout, /trapped/);
});

test('metrics come with the certificate of the API, and with its successor after a reload', async (context) => {
  const home = await createMetricsHome(context);
  const write = ({ certPem, keyPem }: ReturnType<typeof makeCertificate>) => {
    writeFileSync(join(home.folder, 'cert.pem'), certPem);
    writeFileSync(join(home.folder, 'key.pem'), keyPem, { mode: 0o600 });
    return new X509Certificate(certPem).fingerprint256;
  };
  const firstPrint = write(makeCertificate());
  home.configure({ server: { tls_cert: 'cert.pem', tls_key: 'key.pem' } });
  const node = home.launch();
  const said = (message: string) => node.logLines().some(({ msg }) => msg === message);
  await until('it serves', () => said('the API is served'));
  const shown = async () => {
    const socket = connectTls({ port: home.metricsPort, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const client = new RawClient(socket);
    client.send(`GET /metrics HTTP/1.1\r\nHost: node\r\nAuthorization: Bearer ${home.token}\r\n\r\n`);
    assert.equal((await client.response())?.status, 200);
    const { fingerprint256 } = socket.getPeerCertificate();
    client.close();
    return fingerprint256;
  };
  assert.equal(await shown(), firstPrint);
  const secondPrint = write(makeCertificate());
  process.kill(node.pid, 'SIGHUP');
  await until('it is reloaded', () => said('the configuration was reloaded'));
  assert.equal(await shown(), secondPrint);
});
