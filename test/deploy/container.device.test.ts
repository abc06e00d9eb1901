// What the compose files promise of containers, played in namespaces: `node` comes and goes, and the tunnels stay.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { service } from '../../core/version.ts';
import {
  type ApiClient,
  type CreatedShape,
  createApiClient,
  jsonOf,
  type PageShape,
} from '../fixtures/api-client.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { createNodeHome } from '../fixtures/running-node.ts';
import { createSite } from '../fixtures/tunnel.ts';
import { until } from '../fixtures/until.ts';
import { type Container, makeBuild, startContainer } from './container.ts';

async function createWorld(context: TestContext) {
  const { host, client } = await createSite(context);
  // In the place of the kernel's WireGuard, whose interfaces belong to the namespace: they end with no container.
  await host.addWireGuard('wg0');
  const storePath = process.env['IMAGE_ROOT'] === undefined ? {} : { peer_store_file: './data/peers.db' };
  const settings = { wireguard: { ...storePath, routing: { wan_interface: 'wan0' } } };
  const home = await createNodeHome(context, { namespace: host, settings });
  const api = createApiClient({ socketPath: `${home.folder}/relay.sock` }, home.apiKey);
  context.after(() => api.close());
  const start = async (build: string | null = null) => {
    const container = await startContainer(home, host, build);
    const isReady = async () => (await api.request('GET', '/readyz')).status === 200;
    await until('it is ready', () => isReady().catch(() => false)).catch((error: Error) => {
      throw new Error(`${error.message}: ${container.said()}`);
    });
    return container;
  };
  return {
    host,
    client,
    api,
    start,
    makeBuild: (version: string) => makeBuild(join(home.folder, version), version),
  };
}

/** Pings until it is told to stop; resolves with the numbers of the pings that were answered. */
function pingOn(namespace: Namespace, address: string): { stop(): Promise<readonly number[]> } {
  let output = '';
  const ping = namespace.spawn(['ping', '-n', '-i', '0.01', address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  ping.stdout?.on('data', (piece) => {
    output += piece;
  });
  const closed = once(ping, 'close');
  return {
    async stop() {
      ping.kill('SIGINT');
      await closed;
      return [...output.matchAll(/icmp_seq=(\d+) ttl/g)].map((match) => Number(match[1]));
    },
  };
}

async function lookAt(host: Namespace): Promise<{ index: number; received: number; rules: string }> {
  const [link] = JSON.parse(await host.run('ip', '-json', 'link', 'show', 'wg0')) as [{ ifindex: number }];
  const received = Number((await host.run('wg', 'show', 'wg0', 'transfer')).split('\t')[1]);
  const rules = await host.run('nft', 'list', 'ruleset');
  return { index: link.ifindex, received, rules };
}

async function versionOf(api: ApiClient): Promise<string> {
  return jsonOf<{ service: { version: string } }>(await api.request('GET', '/stats')).service.version;
}

/** Processes that share a container's process ids, ended ones that nobody asked about included. */
function processesIn(container: Container): readonly string[] {
  return readdirSync(`/proc/${container.pid}/root/proc`).filter((name) => /^[0-9]+$/.test(name));
}

test('node is stopped, killed, and replaced by another build and back, and no ping through the tunnel is lost', async (context) => {
  const { host, client, api, start, makeBuild } = await createWorld(context);
  let container = await start();
  const peerId = randomUUID();
  const created = await api.request('POST', '/peers', { body: { peerId } });
  assert.equal(created.status, 200, created.body);
  await client.become(jsonOf<CreatedShape>(created));
  await until('the tunnel carries', () => client.reaches('10.7.0.1'));

  const before = await lookAt(host);
  const pings = pingOn(client.namespace, '10.7.0.1');
  assert.equal(await container.kill('SIGTERM'), 0, container.said());
  container = await start();
  assert.notEqual(await container.kill('SIGKILL'), 0);
  container = await start(makeBuild('3.4.5'));
  assert.equal(await versionOf(api), '3.4.5');
  assert.equal(await container.kill('SIGTERM'), 0, container.said());
  await start();
  assert.equal(await versionOf(api), service.version);
  const answered = await pings.stop();
  assert.ok(answered.length > 50, `${answered.length} pings`);
  assert.deepEqual(
    answered,
    answered.map((_, place) => place + 1),
  );

  const after = await lookAt(host);
  assert.equal(after.index, before.index);
  assert.ok(after.received >= before.received + answered.length * 84, JSON.stringify({ before, after }));
  assert.match(after.rules, / masquerade /);
  assert.equal(after.rules, before.rules);
  const peers = jsonOf<PageShape>(await api.request('GET', '/peers')).data;
  assert.deepEqual(
    peers.map((peer) => peer.peerId),
    [peerId],
  );
  // A file of the image, beside what is compiled.
  assert.equal((await api.request('GET', '/openapi.json')).status, 200);
});

test('a container that stops takes all that it started with it, in its own time', async (context) => {
  const { start } = await createWorld(context);
  const container = await start();
  assert.ok(processesIn(container).includes('1'));
  assert.equal(await container.kill('SIGINT'), 0, container.said());
  assert.throws(() => process.kill(container.pid, 0), { code: 'ESRCH' });
});

test('its health check tells whether the interface is there', async (context) => {
  const { host, start } = await createWorld(context);
  const container = await start();
  assert.equal(await container.isHealthy(), true);
  await host.run('ip', 'link', 'delete', 'wg0');
  await until('it is unhealthy', async () => !(await container.isHealthy()));
});
