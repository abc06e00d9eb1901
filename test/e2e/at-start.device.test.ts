// What a server makes of the interface that it finds, and of another server on it. Userspace WireGuard has its control
// socket as a file of root's, so a capability to open it stands in for the CAP_NET_ADMIN that a kernel device asks for.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { chownSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type CreatedShape, jsonOf } from '../fixtures/api-client.ts';
import { makeCertificate } from '../fixtures/certificate.ts';
import { createFakeWg, honestWg } from '../fixtures/fake-wg.ts';
import { createNamespace } from '../fixtures/namespace.ts';
import { createNodeHome, type NodeHome, type RunningNode } from '../fixtures/running-node.ts';
import { until } from '../fixtures/until.ts';

const nobody = 65_534;

/** Runs the program as a user who may read every file, or with `reaching` open the control socket too. */
function asNobody(reaching: boolean): readonly string[] {
  const rights = reaching ? '-all,+net_admin,+dac_override' : '-all,+dac_read_search';
  const user = [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'];
  return ['setpriv', ...user, `--inh-caps=${rights}`, `--ambient-caps=${rights}`, `--bounding-set=${rights}`];
}

async function createHost(context: TestContext) {
  const host = await createNamespace(context);
  return { host, home: await createNodeHome(context, { namespace: host }) };
}

function giveToNobody({ folder }: NodeHome): void {
  chownSync(folder, nobody, nobody);
}

const readiness = async (node: RunningNode) => {
  const { status, body } = await node.request('GET', '/readyz');
  return `${status} ${/"reason":"(\w+)"/.exec(body)?.[1] ?? ''}`.trim();
};
const isReady = async (node: RunningNode) => (await readiness(node)) === '200';
const create = (node: RunningNode) => node.request('POST', '/peers', { body: { peerId: randomUUID() } });
const messages = (node: RunningNode, level: string) =>
  node.logLines().flatMap((line) => (line['level'] === level ? String(line['msg']) : []));

test('a start reads the device once, and puts right what is not as stored', async (context) => {
  const { host, home } = await createHost(context);
  const first = await home.start();
  const { peer } = jsonOf<CreatedShape>(await create(first));
  await first.kill('SIGTERM');
  const startsWithOneLook = async () => {
    // The watch on the interface asks for another one once it is there.
    const wg = createFakeWg(
      context,
      `if [ $1 = show ] && ! mkdir $folder/first 2>/dev/null; then until [ -e $folder/more ]; do sleep 0.05; done; fi
${honestWg}`,
    );
    const node = await home.start({ env: { PATH: wg.path } });
    assert.equal(await readiness(node), '200');
    assert.equal((await host.run('wg', 'show', 'wg0', 'peers')).trim(), peer.publicKey);
    writeFileSync(join(wg.folder, 'more'), '');
    await node.kill('SIGTERM');
  };
  await startsWithOneLook();
  await host.run('wg', 'set', 'wg0', 'peer', peer.publicKey, 'remove');
  await startsWithOneLook();
});

test('one server an interface, whatever port and store the second one has, and a killed one is in no way', async (context) => {
  const { host, home } = await createHost(context);
  const second = await createNodeHome(context, { namespace: host });
  second.configure({ server: { port: 51_822 }, wireguard: { listen_port: 51_999, subnet: '10.9.0.0/24' } });
  const node = await home.start();
  assert.equal((await create(node)).status, 200);
  const before = await host.run('wg', 'show', 'wg0', 'dump');

  const refused = await second.run();
  assert.equal(refused.status, 1);
  const lines = refused.stdout.split('\n').filter(Boolean);
  assert.equal(lines.length, 1, refused.stdout);
  assert.match(lines[0] ?? '', /"level":"fatal".*another process serves wg0/);
  assert.equal(await host.run('wg', 'show', 'wg0', 'dump'), before);
  assert.ok(!existsSync(second.storePath), 'no store was made');

  const elsewhere = await createHost(context);
  await (await elsewhere.home.start()).kill('SIGTERM');

  await node.kill('SIGKILL');
  const again = await home.start();
  assert.equal(jsonOf<{ data: unknown[] }>(await again.request('GET', '/peers')).data.length, 1);
});

test('a certificate and ports that will not do are named together, and nothing is made', async (context) => {
  const { host, home } = await createHost(context);
  const elsewhere = await createNodeHome(context, { namespace: host });
  elsewhere.configure({
    server: { port: home.port },
    wireguard: { backend: 'memory' },
    metrics: { port: home.port + 1, token: 't'.repeat(32) },
  });
  await elsewhere.start();
  const [certPath, keyPath] = [join(home.folder, 'cert.pem'), join(home.folder, 'key.pem')];
  writeFileSync(certPath, makeCertificate().certPem);
  writeFileSync(keyPath, makeCertificate().keyPem);
  home.configure({
    server: { tls_cert: certPath, tls_key: keyPath },
    metrics: { port: home.port + 1, token: 't'.repeat(32) },
  });
  const refused = await home.run();
  assert.equal(refused.status, 1);
  const lines = refused.stdout.split('\n').filter(Boolean);
  assert.equal(lines.length, 3, refused.stdout);
  assert.match(lines[0] ?? '', /"level":"fatal".*the key is not the key of the certificate/);
  assert.match(lines[1] ?? '', new RegExp(`"level":"fatal".*port ${home.port}: another program`));
  assert.match(lines[2] ?? '', new RegExp(`"level":"fatal".*port ${home.port + 1}: another program`));
  await assert.rejects(host.run('ip', 'link', 'show', 'wg0'));
  await assert.rejects(host.run('cat', '/etc/wireguard/wg0.conf'));
  assert.ok(!existsSync(home.storePath));
});

test('without root a server serves the interface that root brought up, and leaves it and its file alone', async (context) => {
  const { host, home } = await createHost(context);
  giveToNobody(home);
  const node = await home.start({ prefix: asNobody(true) });
  assert.equal(await readiness(node), '503 wireguard_unavailable');
  assert.match(
    messages(node, 'error')[0] ?? '',
    /no interface wg0.*wgkeeper-node up" as root.*systemctl restart wgkeeper-node-interface/,
  );
  assert.equal((await home.run({ args: ['up'] })).status, 0);
  await until('it found the interface', () => isReady(node));
  assert.equal((await create(node)).status, 200);
  await node.kill('SIGTERM');

  const file = await host.run('cat', '/etc/wireguard/wg0.conf');
  home.configure({ wireguard: { listen_port: 51_999 } });
  const again = await home.start({ prefix: asNobody(true) });
  await until('it is ready', () => isReady(again));
  const warning = again.logLines().find((line) => 'differences' in line);
  assert.match(String(warning?.['msg']), /systemctl reload wgkeeper-node-interface/);
  assert.deepEqual(warning?.['differences'], ['it listens on port 51820, not on 51999']);
  assert.equal((await host.run('wg', 'show', 'wg0', 'listen-port')).trim(), '51820');
  assert.equal(await host.run('cat', '/etc/wireguard/wg0.conf'), file);
  assert.ok(!existsSync(join(home.folder, 'wireguard')));
});

test('a server of root that may not write names who does', async (context) => {
  const { host, home } = await createHost(context);
  assert.equal((await home.run({ args: ['up'] })).status, 0);
  home.configure({ wireguard: { listen_port: 51_999 } });
  await host.run('mount', '-o', 'remount,ro', '/etc/wireguard');
  const refused = await home.run();
  assert.equal(refused.status, 1);
  assert.match(refused.stdout, /"fatal".*EROFS.*systemctl reload wgkeeper-node-interface/);
});

test('without the right to use the interface a server serves, and says which right', async (context) => {
  const { home } = await createHost(context);
  assert.equal((await home.run({ args: ['up'] })).status, 0);
  giveToNobody(home);
  const node = await home.start({ prefix: asNobody(false) });
  assert.equal(await readiness(node), '503 wireguard_unavailable');
  assert.match(messages(node, 'error')[0] ?? '', /wg show wg0 dump.*This needs root.*CAP_NET_ADMIN/);
});

test('without root init makes a file of its own, and up says what it may not do', async (context) => {
  const { home } = await createHost(context);
  giveToNobody(home);
  const prefix = asNobody(false);
  const printed = await home.run({ args: ['init', '--print-path'], prefix });
  assert.equal(printed.stdout, `${join(home.folder, 'wireguard/wg0.conf')}\n`);
  const up = await home.run({ args: ['up'], prefix });
  assert.equal(up.status, 1);
  assert.match(up.stderr, /net\.ipv4\.ip_forward .*can't be set/);
});
