// Traffic through the node to a third machine, and what the firewall of the host has to say: client, host and world.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { type CreatedShape, jsonOf } from '../fixtures/api-client.ts';
import { dumpFirewall } from '../fixtures/firewall-dump.ts';
import { connect, createNamespace, type Namespace } from '../fixtures/namespace.ts';
import { createNodeHome } from '../fixtures/running-node.ts';
import { createSite } from '../fixtures/tunnel.ts';
import { until } from '../fixtures/until.ts';

// The world knows no way to the peers' networks, so only masqueraded packets are answered.
const world = [
  { own: '198.51.100.2', host: '198.51.100.1', network: '198.51.100.0/24', peers: '10.7.0.0/24' },
  { own: '2001:db8:f::2', host: '2001:db8:f::1', network: '2001:db8:f::/64', peers: 'fd07::/112' },
] as const;

async function createWorld(context: TestContext) {
  const { host, client } = await createSite(context);
  const outside = await createNamespace(context);
  await connect(
    { namespace: host, name: 'out0', addresses: ['198.51.100.1/24', '2001:db8:f::1/64'] },
    { namespace: outside, name: 'out0', addresses: ['198.51.100.2/24', '2001:db8:f::2/64'] },
  );
  for (const namespace of [client.namespace, outside]) await serveAddresses(namespace);
  return { host, client, outside };
}

/** Answers every request with the address that it came from. */
async function serveAddresses(namespace: Namespace): Promise<void> {
  const script = `require('node:http').createServer((request, response) =>
    response.end(request.socket.remoteAddress.replace('::ffff:', ''))).listen(8080, '::', () => console.log('up'))`;
  const server = namespace.spawn([process.execPath, '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  assert.ok(server.stdout !== null);
  await once(server.stdout, 'data');
}

/** The address under which the server at another one sees this machine; null: no connection within two seconds. */
function seenBy(address: string, namespace: Namespace): Promise<string | null> {
  const url = `http://${address.includes(':') ? `[${address}]` : address}:8080/`;
  return namespace.run('curl', '-sS', '--noproxy', '*', '--max-time', '2', url).catch(() => null);
}

const iptablesPolicy = (policy: string) =>
  `for program in iptables ip6tables; do $program -P FORWARD ${policy.toUpperCase()}; $program -t nat -P POSTROUTING ACCEPT; done`;
const nftablesPolicy = (policy: string) =>
  `nft 'table inet filter { chain forward { type filter hook forward priority 0; policy ${policy}; }; }'`;

// As firewalld and RHEL's iptables-services have it: the policy accepts, and the last rule rejects.
const nftablesLastRule = (policy: string) =>
  `nft 'table inet filter { chain forward { type filter hook forward priority 0; }; }; flush chain inet filter forward' && ${policy === 'accept' ? 'true' : 'nft add rule inet filter forward reject with icmpx type admin-prohibited'}`;
const iptablesLastRule = (policy: string) =>
  `for program in iptables ip6tables; do $program -${policy === 'accept' ? 'D' : 'A'} FORWARD -j REJECT; $program -t nat -P POSTROUTING ACCEPT; done`;

for (const { backend, of, policy, own, rules } of [
  {
    backend: 'nftables',
    of: 'nftables',
    policy: nftablesPolicy,
    rules: /table inet wgkeeper-wg0/,
    // What a host asks of its operator whose own chain drops.
    own: `nft 'add rule inet filter forward iifname "wg0" oifname "out0" accept; add rule inet filter forward ct state established,related accept'`,
  },
  {
    backend: 'iptables',
    of: 'iptables',
    policy: iptablesPolicy,
    rules: /-A FORWARD -j WGKEEPER-wg0/,
    own: 'true',
  },
  {
    backend: 'auto',
    of: 'iptables',
    policy: iptablesPolicy,
    rules: /-A FORWARD -j WGKEEPER-wg0/,
    own: 'true',
  },
  {
    backend: 'auto',
    of: 'iptables',
    policy: iptablesLastRule,
    rules: /-A FORWARD -j WGKEEPER-wg0\n-A FORWARD -j REJECT/,
    own: 'true',
  },
] as const) {
  test(`with backend ${backend} a client reaches the world as the host, beside an ${of} firewall that ${policy === iptablesLastRule ? 'rejects at its end' : 'drops'}, and the world not the client`, async (context) => {
    const { host, client, outside } = await createWorld(context);
    await host.run('sh', '-c', `${policy('drop')}; ${own}`);
    const before = await dumpFirewall(host);
    const settings = { wireguard: { routing: { wan_interface: 'out0', backend } } };
    const home = await createNodeHome(context, { namespace: host, settings });
    const node = await home.start();
    const created = await node.request('POST', '/peers', { body: { peerId: randomUUID() } });
    assert.equal(created.status, 200, created.body);
    const { peer, server } = jsonOf<CreatedShape>(created);
    await client.become({ peer, server });
    await until('the tunnel carries', () => client.reaches('10.7.0.1'));
    assert.match(await dumpFirewall(host), rules);

    for (const end of world) {
      await client.namespace.run('ip', 'route', 'replace', end.network, 'dev', 'vpn0');
      assert.equal(await seenBy(end.own, client.namespace), end.host);
      await outside.run('ip', 'route', 'add', end.peers, 'via', end.host);
    }
    const clientAddresses = peer.allowedIPs.map((address) => address.split('/')[0] ?? '');
    for (const address of clientAddresses) assert.equal(await seenBy(address, outside), null, address);

    // It was the policy that kept the world out.
    await host.run('sh', '-c', policy('accept'));
    for (const [place, address] of clientAddresses.entries()) {
      assert.equal(await seenBy(address, outside), world[place]?.own);
    }
    await host.run('sh', '-c', policy('drop'));

    await node.kill('SIGTERM');
    assert.equal((await home.run({ args: ['down'] })).status, 0);
    assert.equal(await dumpFirewall(host), before);
  });
}

interface DiagnosisShape {
  readonly checks: readonly { readonly check: string; readonly status: string; readonly advice?: string }[];
}

for (const [what, policy] of [
  ['a chain of nftables', nftablesPolicy('drop')],
  ['FORWARD of iptables', iptablesPolicy('drop')],
  ['the last rule of a chain of nftables', nftablesLastRule('drop')],
  ['the last rule of FORWARD of iptables', iptablesLastRule('drop')],
  [
    'FORWARD of the other iptables',
    iptablesPolicy('drop').replace('iptables ip6tables', 'iptables-legacy ip6tables-legacy'),
  ],
  [
    'the last rule of FORWARD of the other iptables',
    iptablesLastRule('drop').replace('iptables ip6tables', 'iptables-legacy ip6tables-legacy'),
  ],
] as const) {
  test(`what the doctor advises where ${what} drops lets clients through, and then it is content`, async (context) => {
    const { host, client } = await createWorld(context);
    await host.run('sh', '-c', policy);
    const settings = { wireguard: { routing: { wan_interface: 'out0', backend: 'nftables' } } };
    const home = await createNodeHome(context, { namespace: host, settings });
    const node = await home.start();
    const created = await node.request('POST', '/peers', { body: { peerId: randomUUID() } });
    await client.become(jsonOf<CreatedShape>(created));
    await until('the tunnel carries', () => client.reaches('10.7.0.1'));
    for (const end of world) await client.namespace.run('ip', 'route', 'replace', end.network, 'dev', 'vpn0');
    assert.equal(await seenBy(world[0].own, client.namespace), null);

    const firewall = async () => {
      const { stdout } = await home.run({ args: ['doctor', '--json'] });
      return (JSON.parse(stdout) as DiagnosisShape).checks.find(({ check }) => check === 'firewall');
    };
    const { status, advice = '' } = (await firewall()) ?? assert.fail('no check of the firewall');
    assert.equal(status, 'warn');
    await host.run('sh', '-c', advice.slice(advice.indexOf(': ') + 2));
    for (const end of world) assert.equal(await seenBy(end.own, client.namespace), end.host);
    assert.deepEqual([(await firewall())?.status, (await firewall())?.advice], ['ok', undefined]);
  });
}
