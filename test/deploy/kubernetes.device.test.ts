// A pod's life on a host, played in a namespace: root with the one capability of the manifest, ended and made anew.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadAll } from 'js-yaml';
import type { IDaemonSet } from 'kubernetes-models/apps/v1/DaemonSet';
import { type CreatedShape, jsonOf } from '../fixtures/api-client.ts';
import { dumpFirewall } from '../fixtures/firewall-dump.ts';
import { createNodeHome } from '../fixtures/running-node.ts';
import { createSite } from '../fixtures/tunnel.ts';
import { until } from '../fixtures/until.ts';

const manifest = readFileSync('docs/kubernetes/daemonset.yaml', 'utf8');
const documents = loadAll(manifest);
const daemonSet = documents.at(-1) as IDaemonSet;
const added = daemonSet.spec?.template.spec?.containers[0]?.securityContext?.capabilities?.add ?? [];
const names = added.map((name) => `+${name.toLowerCase()}`);
const prefix = ['setpriv', '--inh-caps', '-all', '--bounding-set', ['-all', ...names].join(',')];

test('with the capabilities of the manifest it makes interface and rules, and the next pod finds them as they were', async (context) => {
  const { host, client } = await createSite(context);
  await host.run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
  const home = await createNodeHome(context, {
    namespace: host,
    settings: { wireguard: { routing: { wan_interface: 'wan0' } } },
  });
  const first = await home.start({ prefix });
  const peerId = '7c2f3f7a-6b4e-4f3f-8b2a-1a9b3c2d4e5f';
  const created = await first.request('POST', '/peers', { body: { peerId } });
  assert.equal(created.status, 200, created.body);
  await client.become(jsonOf<CreatedShape>(created));
  await until('the client reaches the node', () => client.reaches('10.7.0.1'));
  const state = async () => [
    await host.run('cat', '/sys/class/net/wg0/ifindex'),
    await host.run('wg', 'show', 'wg0', 'peers'),
    await host.run('wg', 'show', 'wg0', 'latest-handshakes'),
    await host.run('iptables', '-t', 'nat', '-S'),
  ];
  const before = await state();
  await first.kill('SIGKILL');
  assert.ok(await client.reaches('10.7.0.1'), 'no pod');

  const second = await home.start({ prefix });
  assert.ok(await client.reaches('10.7.0.1'), 'the next pod');
  assert.deepEqual(await state(), before);
  assert.equal((await second.request('GET', `/peers/${peerId}`)).status, 200);

  // As the manifest says it: in the pod, whose server goes on and does not bring anything back.
  const [, command = ''] = /^# +kubectl -n wgkeeper exec POD -- wgkeeper-node (.*)$/m.exec(manifest) ?? [];
  assert.match(await dumpFirewall(host), /wgkeeper/);
  const ended = await home.run({ args: command.split(' '), prefix });
  assert.equal(ended.status, 0, ended.stderr);
  assert.equal((await second.request('GET', '/readyz')).status, 503);
  assert.equal((await second.request('GET', '/healthz')).status, 200);
  await second.kill('SIGTERM');
  assert.doesNotMatch(await dumpFirewall(host), /wgkeeper/i);
  assert.doesNotMatch(await host.run('cat', '/proc/net/dev'), /wg0:/);
});
