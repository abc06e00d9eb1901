// The node on a real interface, and a client that sends through it: what an operator and his users see of the whole product.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import {
  type CreatedShape,
  jsonOf,
  outcomeOf,
  type PageShape,
  type PeerShape,
} from '../fixtures/api-client.ts';
import { createNamespace, type Namespace } from '../fixtures/namespace.ts';
import { createNodeHome, type NodeHome, type RunningNode } from '../fixtures/running-node.ts';
import { createSite, type VpnClient } from '../fixtures/tunnel.ts';
import { until } from '../fixtures/until.ts';

const ends = ['10.7.0.1', 'fd07::1'] as const;

async function createWorld(
  context: TestContext,
): Promise<{ host: Namespace; client: VpnClient; home: NodeHome; node: RunningNode }> {
  const { host, client } = await createSite(context);
  const home = await createNodeHome(context, { namespace: host });
  return { host, client, home, node: await home.start() };
}

async function post(node: RunningNode, body: Readonly<Record<string, unknown>>): Promise<CreatedShape> {
  const answer = await node.request('POST', '/peers', { body });
  assert.equal(answer.status, 200, answer.body);
  return jsonOf<CreatedShape>(answer);
}

async function look(node: RunningNode, peerId: string): Promise<PeerShape> {
  const answer = await node.request('GET', `/peers/${peerId}`);
  assert.equal(answer.status, 200, answer.body);
  return jsonOf<PeerShape>(answer);
}

async function peerIds(node: RunningNode): Promise<readonly string[]> {
  const answer = await node.request('GET', '/peers');
  assert.equal(answer.status, 200, answer.body);
  return jsonOf<PageShape>(answer).data.map((peer) => peer.peerId);
}

const keysOn = async (host: Namespace) =>
  (await host.run('wg', 'show', 'wg0', 'peers')).split('\n').filter((key) => key !== '');
const indexOf = async (host: Namespace) =>
  (JSON.parse(await host.run('ip', '-json', 'link', 'show', 'wg0')) as [{ ifindex: number }])[0].ifindex;

async function mustReach(client: VpnClient): Promise<void> {
  for (const end of ends) await until(`${end} answers`, () => client.reaches(end));
}

/** With the session of before a client would notice only after 15 s that it is gone (WireGuard paper, section 6.5). */
async function mustReachAnew(client: VpnClient, created: CreatedShape): Promise<void> {
  await client.become(created);
  await mustReach(client);
}

async function mustNotReach(client: VpnClient): Promise<void> {
  const reached = await Promise.all(ends.map((end) => client.reaches(end)));
  assert.deepEqual(reached, [false, false]);
}

const unready = '{"status":"unhealthy","reason":"wireguard_unavailable"}';
const readiness = async (node: RunningNode) => (await node.request('GET', '/readyz')).body;
const ready = '{"status":"ok"}';

test('a client that has only the answer of a POST sends through the tunnel, in both families', async (context) => {
  const { client, node } = await createWorld(context);
  const peerId = randomUUID();
  const created = await post(node, { peerId });
  assert.deepEqual(created.peer.allowedIPs, ['10.7.0.2/32', 'fd07::2/128']);
  const before = await look(node, peerId);
  assert.deepEqual(
    [before.active, before.lastHandshakeAt, before.receiveBytes, before.transmitBytes],
    [false, null, 0, 0],
  );

  const sentFrom = Date.now();
  await client.become(created);
  await mustReach(client);

  await until('the handshake is seen', async () => (await look(node, peerId)).active);
  const seen = await look(node, peerId);
  assert.ok(Math.abs(Date.parse(seen.lastHandshakeAt ?? '') - sentFrom) < 20_000, `${seen.lastHandshakeAt}`);
  // Two pings of 84 and 104 bytes at least, and the same back.
  assert.ok(seen.receiveBytes > 188 && seen.transmitBytes > 188, JSON.stringify(seen));
  const stats = jsonOf<{ peers: { issued: number; active: number } }>(await node.request('GET', '/stats'));
  assert.deepEqual({ ...stats.peers, possible: 0 }, { possible: 0, issued: 1, active: 1 });

  await mustReach(client);
  await until('the counters move', async () => {
    const now = await look(node, peerId);
    return now.receiveBytes > seen.receiveBytes && now.transmitBytes > seen.transmitBytes;
  });
});

test('after a rotation the old key is dead, and the new one has the same addresses', async (context) => {
  const { host, client, node } = await createWorld(context);
  const peerId = randomUUID();
  const first = await post(node, { peerId });
  await client.become(first);
  await mustReach(client);

  const second = await post(node, { peerId });
  assert.deepEqual(second.peer.allowedIPs, first.peer.allowedIPs);
  assert.deepEqual(await keysOn(host), [second.peer.publicKey]);
  assert.notEqual(second.peer.presharedKey, first.peer.presharedKey);
  await mustNotReach(client);

  await client.become(second);
  await mustReach(client);
});

test('traffic stops with a delete and with an expiry', async (context) => {
  const { host, client, node } = await createWorld(context);
  const peerId = randomUUID();
  await client.become(await post(node, { peerId }));
  await mustReach(client);
  assert.equal((await node.request('DELETE', `/peers/${peerId}`)).status, 200);
  assert.deepEqual(await keysOn(host), []);
  await mustNotReach(client);

  const expiresAtMs = Date.now() + 3_000;
  const guest = randomUUID();
  await client.become(await post(node, { peerId: guest, expiresAt: new Date(expiresAtMs).toISOString() }));
  await mustReach(client);
  await until('the peer has expired', async () => !(await peerIds(node)).includes(guest));
  assert.ok(Date.now() >= expiresAtMs, 'not before its time');
  assert.deepEqual(await keysOn(host), []);
  await mustNotReach(client);
});

test('an interface made anew gets all peers back, by the command and by hand, without a restart', async (context) => {
  const { host, client, home, node } = await createWorld(context);
  const created = await post(node, { peerId: randomUUID() });
  const other = await post(node, { peerId: randomUUID() });
  const both = [created.peer.publicKey, other.peer.publicKey].sort();
  await client.become(created);
  await mustReach(client);

  await host.run('ip', 'link', 'delete', 'wg0');
  await until('the loss is noticed', async () => (await readiness(node)) === unready);
  assert.equal((await node.request('GET', '/readyz')).status, 503);
  assert.equal((await node.request('GET', '/healthz')).status, 200);
  const refused = await node.request('POST', '/peers', { body: { peerId: randomUUID() } });
  assert.equal(refused.status, 503, refused.body);
  assert.equal(outcomeOf(refused), 'device_unavailable');
  assert.equal(refused.headers['retry-after'], '1');

  const up = await home.run({ args: ['up'] });
  assert.equal(up.status, 0, up.stderr);
  await until('the node works again', async () => (await readiness(node)) === ready);
  assert.deepEqual([...(await keysOn(host))].sort(), both);
  await mustReachAnew(client, created);

  // Nobody asks this time, so nothing but the interface itself tells the node.
  await host.run('ip', 'link', 'delete', 'wg0');
  await host.run('wg-quick', 'up', 'wg0');
  await until('the peers are back', async () => (await keysOn(host)).length === 2);
  assert.deepEqual([...(await keysOn(host))].sort(), both);
  await until('the node works again', async () => (await readiness(node)) === ready);
  await mustReachAnew(client, created);
});

test('an interface that somebody sets down is not ready until somebody sets it up', async (context) => {
  const { host, client, home, node } = await createWorld(context);
  const created = await post(node, { peerId: randomUUID() });
  await client.become(created);
  await mustReach(client);
  assert.equal(await readiness(node), ready);
  await host.run('ip', 'link', 'set', 'wg0', 'down');
  await until('its being down is noticed', async () => (await readiness(node)) === unready);
  assert.match(await host.run('ip', 'link', 'show', 'wg0'), /state DOWN/, 'the node leaves it as it is');
  await post(node, { peerId: randomUUID() });
  await host.run('ip', 'link', 'set', 'wg0', 'up');
  await until('the node works again', async () => (await readiness(node)) === ready);
  await host.run('ip', 'link', 'set', 'wg0', 'down');
  await until('its being down is noticed again', async () => (await readiness(node)) === unready);
  const up = await home.run({ args: ['up'] });
  assert.equal(up.status, 0, up.stderr);
  await until('the command has set it up', async () => (await readiness(node)) === ready);
  await mustReach(client);
});

test('what was done by hand is undone by a restart', async (context) => {
  const { host, client, home, node } = await createWorld(context);
  const created = await post(node, { peerId: randomUUID() });
  await client.become(created);
  const stranger = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA=';
  await host.run('wg', 'set', 'wg0', 'peer', stranger, 'allowed-ips', '10.7.0.77/32');
  await host.run('wg', 'set', 'wg0', 'peer', created.peer.publicKey, 'remove');
  assert.deepEqual(await keysOn(host), [stranger]);
  await node.kill('SIGTERM');
  const again = await home.start();
  await until('it is ready', async () => (await readiness(again)) === ready);
  assert.deepEqual(await keysOn(host), [created.peer.publicKey]);
  await mustReachAnew(client, created);
});

test('what is done by hand while readers come by is undone without a restart, and a changed port is told', async (context) => {
  const { host, client, node } = await createWorld(context);
  const created = await post(node, { peerId: randomUUID() });
  const other = await post(node, { peerId: randomUUID() });
  const both = [created.peer.publicKey, other.peer.publicKey].sort();
  await client.become(created);
  await mustReach(client);
  const undone = async (what: string, hand: readonly string[]) => {
    await host.run('wg', 'set', 'wg0', ...hand);
    // Far below the minute after which it would be found anyway.
    await until(what, async () => {
      await node.request('GET', '/stats');
      const dump = await host.run('wg', 'show', 'wg0', 'allowed-ips');
      return dump.split('\n').filter((line) => /10\.7\.0\.[23].32 fd07::[23].128$/.test(line)).length === 2;
    });
    assert.deepEqual([...(await keysOn(host))].sort(), both);
  };
  await undone('a removed peer is back', ['peer', created.peer.publicKey, 'remove']);
  await mustReachAnew(client, created);
  const stranger = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA=';
  await undone('a taken address is given back', ['peer', stranger, 'allowed-ips', '10.7.0.2/32']);
  await undone('a changed peer is as before', ['peer', other.peer.publicKey, 'allowed-ips', '10.7.0.99/32']);
  const repairs = node.logLines().filter((line) => line['event'] === 'repaired').length;
  assert.ok(repairs >= 3, `${repairs} repairs`);

  await host.run('wg', 'set', 'wg0', 'listen-port', '51999');
  await until('the port is told', async () =>
    (await node.request('GET', '/stats')).body.includes('"listenPort":51999'),
  );
  assert.equal((await post(node, { peerId: randomUUID() })).server.listenPort, 51_999);
});

test('an unknown peer that is only reported keeps its address, and gives it back when it goes', async (context) => {
  const host = await createNamespace(context);
  const settings = { wireguard: { unknown_peers: 'report' } };
  const home = await createNodeHome(context, { namespace: host, settings });
  const first = await home.start();
  const stranger = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA=';
  const held = '10.7.0.2/32,10.7.0.3/32,10.7.0.0/28,fd07::3/128';
  await host.run('wg', 'set', 'wg0', 'peer', stranger, 'allowed-ips', held);
  const possible = async (node: RunningNode) =>
    jsonOf<{ peers: { possible: number } }>(await node.request('GET', '/stats')).peers.possible;
  await until('it is noticed', async () => (await possible(first)) === 251);
  assert.deepEqual((await post(first, { peerId: randomUUID() })).peer.allowedIPs, [
    '10.7.0.4/32',
    'fd07::2/128',
  ]);
  await first.kill('SIGTERM');
  const again = await home.start();
  assert.deepEqual((await post(again, { peerId: randomUUID() })).peer.allowedIPs, [
    '10.7.0.5/32',
    'fd07::4/128',
  ]);
  const allowedIPs = await host.run('wg', 'show', 'wg0', 'allowed-ips');
  const kept = allowedIPs.split('\n').find((line) => line.startsWith(stranger)) ?? '';
  assert.deepEqual(kept.split(/\s/).slice(1).sort(), held.split(',').sort());
  await host.run('wg', 'set', 'wg0', 'peer', stranger, 'remove');
  await until('its going is noticed', async () => (await possible(again)) === 253);
});

test('kill -9 loses nothing, and the tunnel lives on while the node is down', async (context) => {
  const { host, client, home, node } = await createWorld(context);
  const ids = Array.from({ length: 8 }, () => randomUUID());
  const [created] = await Promise.all(ids.map((peerId) => post(node, { peerId })));
  assert.ok(created !== undefined);
  await client.become(created);
  await mustReach(client);
  const before = {
    index: await indexOf(host),
    keys: [...(await keysOn(host))].sort(),
    peers: await Promise.all(ids.map((id) => look(node, id))),
  };
  const server = created.server;

  await node.kill('SIGKILL');
  await mustReach(client);
  assert.deepEqual([...(await keysOn(host))].sort(), before.keys);

  const again = await home.start();
  await until('it is ready', async () => (await readiness(again)) === ready);
  assert.equal(await indexOf(host), before.index);
  assert.deepEqual([...(await keysOn(host))].sort(), before.keys);
  const lasting = ({ peerId, allowedIPs, publicKey, createdAt }: PeerShape) => ({
    peerId,
    allowedIPs,
    publicKey,
    createdAt,
  });
  const after = await Promise.all(ids.map((id) => look(again, id)));
  assert.deepEqual(after.map(lasting), before.peers.map(lasting));
  await mustReach(client);
  assert.deepEqual((await post(again, { peerId: randomUUID() })).server, server);
});

test('a stop leaves interface and peers as they are; what expires meanwhile is gone at the next start', async (context) => {
  const { host, client, home, node } = await createWorld(context);
  const created = await post(node, { peerId: randomUUID() });
  await client.become(created);
  await mustReach(client);
  const expiresAtMs = Date.now() + 1_500;
  const guest = await post(node, { peerId: randomUUID(), expiresAt: new Date(expiresAtMs).toISOString() });
  const index = await indexOf(host);
  const ended = await node.kill('SIGTERM');
  assert.equal(ended.status, 0, ended.stderr);
  assert.deepEqual(
    [...(await keysOn(host))].sort(),
    [created.peer.publicKey, guest.peer.publicKey].sort(),
    'a stopped node expires nobody',
  );
  assert.equal(await indexOf(host), index);
  await mustReach(client);

  await until('its time has come', () => Date.now() >= expiresAtMs);
  const again = await home.start();
  assert.deepEqual(await peerIds(again), [created.peer.peerId]);
  assert.deepEqual(await keysOn(host), [created.peer.publicKey]);
  assert.equal(await indexOf(host), index);
});
