// SIGHUP: what a server that runs takes from a changed configuration, what it leaves alone, and that it keeps the old one on any error.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { makeCertificate } from '../fixtures/certificate.ts';
import { connect, RawClient } from '../fixtures/raw-client.ts';
import { createNodeHome, type NodeHome, type RunningNode, type Settings } from '../fixtures/running-node.ts';
import { until } from '../fixtures/until.ts';

const done = 'the configuration was reloaded';
const refused = 'the configuration was not reloaded: all of the old one stays in force';

/** Changes the file and reloads it; the lines of the log that tell of it. */
async function reload(home: NodeHome, node: RunningNode, settings: Settings) {
  home.configure(settings);
  return hangUp(node);
}

async function hangUp(node: RunningNode) {
  const told = () => node.logLines().filter(({ msg }) => msg === done || msg === refused);
  const before = told().length;
  process.kill(node.pid, 'SIGHUP');
  await until('it is reloaded or not', () => told().length > before);
  const lines = node.logLines();
  return lines.slice(lines.findLastIndex(({ msg }) => msg === done || msg === refused));
}

/** Status of `GET /peers` on this connection; null: it has ended instead. */
async function ask(client: RawClient, apiKey: string, forwardedFor?: string): Promise<number | null> {
  const forwarded = forwardedFor === undefined ? '' : `X-Forwarded-For: ${forwardedFor}\r\n`;
  client.send(`GET /peers HTTP/1.1\r\nHost: node\r\nX-API-Key: ${apiKey}\r\n${forwarded}\r\n`);
  return (await client.response())?.status ?? null;
}

const anybody = { server: { allowed_ips: ['127.0.0.0/8'] } };

test('a new key in a file replaces the old one, on open connections too', async (context) => {
  const home = await createNodeHome(context);
  const keyPath = join(home.folder, 'key');
  const [first, second] = ['1'.repeat(40), '2'.repeat(40)] as const;
  writeFileSync(keyPath, `${first}\n`, { mode: 0o600 });
  home.configure({ auth: { api_key: undefined, api_key_file: 'key' } });
  const node = await home.start();
  const client = await connect(home.port);
  context.after(() => client.close());
  assert.deepEqual([await ask(client, first), await ask(client, second)], [200, 401]);
  writeFileSync(keyPath, `${second}\n`);
  await hangUp(node);
  assert.deepEqual([await ask(client, first), await ask(client, second)], [401, 200]);
  assert.ok(!node.stdout().includes(first) && !node.stdout().includes(second));
});

test('a new allowlist holds for connections that are open, in both directions', async (context) => {
  // Not 127.0.0.1, which is a trusted proxy and so may always speak for others.
  const [one, other] = ['127.0.0.65', '127.0.0.66'] as const;
  const home = await createNodeHome(context, { settings: { server: { allowed_ips: [one] } } });
  const node = await home.start();
  const allowed = await connect(home.port, { localAddress: one });
  // Silent, since a refusal ends the connection.
  const foreign = await connect(home.port, { localAddress: other });
  assert.equal(await ask(allowed, home.apiKey), 200);
  await reload(home, node, { server: { allowed_ips: [other] } });
  assert.equal(await ask(allowed, home.apiKey), 403);
  assert.equal(await allowed.closed(), '');
  assert.equal(await ask(foreign, home.apiKey), 200);

  await reload(home, node, { server: { allowed_ips: undefined } });
  const late = await connect(home.port, { localAddress: one });
  assert.deepEqual([await ask(foreign, home.apiKey), await ask(late, home.apiKey)], [200, 200]);
  await reload(home, node, { server: { allowed_ips: [one] } });
  assert.deepEqual([await ask(foreign, home.apiKey), await ask(late, home.apiKey)], [403, 200]);
  assert.equal(await foreign.closed(), '');
  late.close();
});

test('proxies are trusted, and trusted no more', async (context) => {
  const home = await createNodeHome(context, {
    settings: { server: { allowed_ips: ['203.0.113.9'], trusted_proxies: [] } },
  });
  const node = await home.start();
  const proxy = () => connect(home.port);
  assert.equal(await ask(await proxy(), home.apiKey, '203.0.113.9'), 403);
  await reload(home, node, { server: { trusted_proxies: ['127.0.0.1'] } });
  const kept = await proxy();
  assert.equal(await ask(kept, home.apiKey, '203.0.113.9'), 200);
  await reload(home, node, { server: { trusted_proxies: [] } });
  assert.equal(await ask(kept, home.apiKey, '203.0.113.9'), 403);
});

test('the level of the log changes', async (context) => {
  const home = await createNodeHome(context, { settings: { log: { level: 'info' } } });
  const node = await home.start();
  home.configure({ log: { level: 'error' } });
  process.kill(node.pid, 'SIGHUP');
  // Refusals are warnings: when one is not logged, the level is another.
  await until('warnings are silent', async () => {
    const before = node.stdout().length;
    await node.request('GET', '/peers', { headers: { 'X-API-Key': 'wrong' } });
    return node.stdout().length === before;
  });
  const [line] = await reload(home, node, { log: { level: 'info' } });
  assert.deepEqual(line?.['changed'], ['log.level']);
});

test('on any error all the old is kept, and every reason is in the log', async (context) => {
  const home = await createNodeHome(context, { settings: anybody });
  const node = await home.start();
  const [bad] = await reload(home, node, {
    server: { allowed_ips: ['127.0.0.66', 'nonsense'], port: 70_000 },
    auth: { api_key: 'too-short-but-secret' },
    log: { level: 'loud' },
  });
  assert.deepEqual([bad?.['level'], bad?.['msg']], ['error', refused]);
  const problems = bad?.['problems'] as readonly string[];
  for (const key of ['server.port', 'server.allowed_ips[1]', 'auth.api_key', 'log.level']) {
    assert.ok(
      problems.some((problem) => problem.startsWith(home.configPath) && problem.includes(key)),
      `${key} in ${problems.join('\n')}`,
    );
  }
  assert.equal((await node.request('GET', '/peers')).status, 200);
  writeFileSync(home.configPath, '{');
  const [unreadable] = await hangUp(node);
  assert.equal(unreadable?.['msg'], refused);
  assert.equal((await node.request('GET', '/peers')).status, 200);
  assert.ok(!node.stdout().includes('too-short-but-secret'));
});

test('what needs a restart is named, and the rest is taken', async (context) => {
  const home = await createNodeHome(context, { settings: anybody });
  const node = await home.start();
  const lines = await reload(home, node, {
    server: { port: home.port + 1, trusted_proxies: [] },
    wireguard: { subnet: '10.9.0.0/24' },
  });
  assert.deepEqual(lines[0]?.['changed'], ['server.trusted_proxies']);
  assert.deepEqual(
    lines.slice(1).map(({ level, keys }) => ({ level, keys })),
    [{ level: 'warn', keys: ['server.port', 'wireguard.subnet'] }],
  );
  assert.equal((await node.request('GET', '/peers')).status, 200);
});

test('a certificate is replaced, and an unfit one is not taken', async (context) => {
  const home = await createNodeHome(context, { settings: anybody });
  const write = ({ certPem, keyPem }: ReturnType<typeof makeCertificate>) => {
    writeFileSync(join(home.folder, 'cert.pem'), certPem);
    writeFileSync(join(home.folder, 'key.pem'), keyPem, { mode: 0o600 });
    return new X509Certificate(certPem).fingerprint256;
  };
  const first = makeCertificate();
  const firstPrint = write(first);
  home.configure({ server: { tls_cert: 'cert.pem', tls_key: 'key.pem' } });
  const node = home.launch();
  await until('it serves', () => node.logLines().some(({ msg }) => msg === 'the API is served'));
  const shown = async () => {
    const socket = connectTls({ port: home.port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const client = new RawClient(socket);
    assert.equal(await ask(client, home.apiKey), 200);
    const { fingerprint256 } = socket.getPeerCertificate();
    client.close();
    return fingerprint256;
  };
  assert.equal(await shown(), firstPrint);
  const same = await hangUp(node);
  assert.deepEqual(same[0]?.['changed'], []);

  const second = makeCertificate();
  write({ ...second, keyPem: first.keyPem });
  const [mismatch] = await reload(home, node, { auth: { api_key: 'n'.repeat(40) } });
  assert.equal(mismatch?.['msg'], refused);
  assert.match(String(mismatch?.['problems']), /the key is not the key of the certificate/);
  assert.equal(await shown(), firstPrint, 'and the key is the old one too');

  home.configure({ auth: { api_key: home.apiKey } });
  const secondPrint = write(second);
  const [taken] = await hangUp(node);
  assert.deepEqual(taken?.['changed'], ['server.tls_cert']);
  assert.equal(await shown(), secondPrint);
  const [missing] = await reload(home, node, { server: { tls_cert: 'none.pem', tls_key: 'none.key' } });
  assert.match(
    String(missing?.['problems']),
    /server\.tls_cert none\.pem: there is no such file; .*,server\.tls_key none\.key: there is no/,
  );
  assert.equal(await shown(), secondPrint);
});

test('of many signals none is lost, and none does harm while it stops', async (context) => {
  const home = await createNodeHome(context, { settings: anybody });
  const node = await home.start();
  for (let count = 0; count < 20; count++) {
    home.configure({ auth: { api_key: `${count}`.padStart(40, 'k') } });
    process.kill(node.pid, 'SIGHUP');
  }
  const headers = { 'X-API-Key': '19'.padStart(40, 'k') };
  await until('the last key holds', async () => {
    return (await node.request('GET', '/peers', { headers })).status === 200;
  });
  process.kill(node.pid, 'SIGTERM');
  process.kill(node.pid, 'SIGHUP');
  const ended = await node.ended;
  assert.deepEqual([ended.status, ended.signal, ended.stderr], [0, null, '']);
});

test('a signal during the start does no harm', async (context) => {
  const home = await createNodeHome(context, { settings: anybody });
  const node = home.launch();
  // Its first line of the log comes after it has begun to hear signals.
  let sent = 0;
  await until('it serves', () => {
    if (node.stdout() !== '' && sent++ < 5) process.kill(node.pid, 'SIGHUP');
    return node.logLines().some(({ msg }) => msg === 'the API is served');
  });
  assert.equal((await node.request('GET', '/peers')).status, 200);
});
