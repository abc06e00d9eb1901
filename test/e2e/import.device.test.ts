// A WireGuard set-up that somebody made by hand, with a client that sends through it, taken over by the node.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { createPeerKeys, generateKeyPair } from '../../adapters/keys.ts';
import { noPresharedKey, type PeerKeys } from '../../core/peers/peer.ts';
import { type CreatedShape, jsonOf, type PageShape } from '../fixtures/api-client.ts';
import { createNamespace, type Namespace } from '../fixtures/namespace.ts';
import { createNodeHome, type NodeHome, type Start } from '../fixtures/running-node.ts';
import { createSite, type Site } from '../fixtures/tunnel.ts';
import { until } from '../fixtures/until.ts';

const file = '/etc/wireguard/wg0.conf';
const server = generateKeyPair();
// The client has no preshared key, as most that are made by hand.
const [client, other] = [{ ...createPeerKeys(), presharedKey: noPresharedKey }, createPeerKeys()];

const head = `[Interface]
PrivateKey = ${server.privateKey}
Address = 10.7.0.1/24
Address = fd07::1/112
ListenPort = 51820
PostUp = nft 'add table inet mine-%i'
PostDown = nft 'delete table inet mine-%i'
`;

const postDown = "nft 'delete table inet mine-wg0'";

function peerText({ publicKey, presharedKey }: PeerKeys, allowedIPs: string): string {
  const secret = presharedKey === noPresharedKey ? '' : `PresharedKey = ${presharedKey}\n`;
  return `\n[Peer]\nPublicKey = ${publicKey}\n${secret}AllowedIPs = ${allowedIPs}\n`;
}

const clientFile: CreatedShape = {
  server: { publicKey: server.publicKey, listenPort: 51_820 },
  peer: { ...client, peerId: '', allowedIPs: ['10.7.0.2/32', 'fd07::2/128'], addressFamilies: [] },
};
const usualPeers = peerText(client, '10.7.0.2/32, fd07::2/128') + peerText(other, '10.7.0.9/32');

async function write(host: Namespace, path: string, text: string): Promise<void> {
  await host.run('sh', '-c', 'umask 077; printf "%s" "$2" >"$1"', 'sh', path, text);
}

interface World extends Site {
  readonly home: NodeHome;
}

/** The set-up, up, and its client, which has reached the other end. */
async function makeByHand(context: TestContext, peers: string): Promise<World> {
  const site = await createSite(context);
  await write(site.host, file, head + peers);
  await site.host.run('wg-quick', 'up', 'wg0');
  const home = await createNodeHome(context, { namespace: site.host });
  await site.client.become(clientFile);
  await until('the client reaches the other end', () => site.client.reaches('10.7.0.1'));
  return { ...site, home };
}

/** Peers of the device without what changes by itself: key, preshared key, endpoint, allowed IPs. */
async function peersOf(host: Namespace): Promise<readonly string[]> {
  const [, ...lines] = (await host.run('wg', 'show', 'wg0', 'dump')).trim().split('\n');
  return lines.map((line) => line.split('\t').slice(0, 4).join(' ')).sort();
}

const allowedIPsOf = async (host: Namespace) =>
  (await host.run('wg', 'show', 'wg0', 'allowed-ips')).trim().split('\n').sort();
const indexOf = (host: Namespace) => host.run('cat', '/sys/class/net/wg0/ifindex');
const filesOf = async (host: Namespace) => (await host.run('ls', '/etc/wireguard')).trim().split('\n');

test('it is taken over under a client that pings all the while, and no ping is lost', async (context) => {
  const { host, client: vpn, home } = await makeByHand(context, usualPeers);
  const before = [await peersOf(host), await indexOf(host)];
  const ping = vpn.namespace.spawn(['ping', '-n', '-i', '0.05', '10.7.0.1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  ping.stdout?.on('data', (piece) => {
    said += piece;
  });
  await until('the first ping is answered', () => said.includes('icmp_seq=1 '));

  const shown = await home.run({ args: ['import', file] });
  assert.equal(shown.status, 0, shown.stderr);
  assert.match(shown.stdout, /^\/etc\/wireguard\/wg0.conf: 2 peers; wg0 is up with 2$/m);
  assert.match(shown.stdout, /no preshared key until/);
  assert.match(shown.stdout, /^not taken over: PostUp, PostDown$/m);
  assert.match(shown.stdout, /^Nothing was changed\./m);
  assert.deepEqual(await filesOf(host), ['wg0.conf']);
  assert.equal(await host.run('cat', file), head + usualPeers);

  const done = await home.run({ args: ['import', file, '--apply'] });
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stdout, /^Done: 2 peers stored/m);
  for (const { stdout } of [shown, done]) assert.ok(stdout.includes(`:\n  ${postDown}\n`), stdout);
  assert.deepEqual([await peersOf(host), await indexOf(host)], before);
  for (const secret of [server.privateKey, other.presharedKey, client.privateKey]) {
    assert.ok(!`${shown.stdout}${shown.stderr}${done.stdout}${done.stderr}`.includes(secret));
  }

  const node = await home.start();
  assert.deepEqual([await peersOf(host), await indexOf(host)], before);
  const audited = node.logLines().filter(({ audit }) => audit === true);
  assert.deepEqual(audited, [], 'the start found nothing to change');
  const page = jsonOf<PageShape>(await node.request('GET', '/peers'));
  const own = page.data.find(({ publicKey }) => publicKey === client.publicKey);
  assert.deepEqual(own?.allowedIPs, ['10.7.0.2/32', 'fd07::2/128']);
  assert.equal(own.active, true);

  ping.kill('SIGINT');
  await once(ping, 'exit');
  // The very last one may have been on its way.
  const answered = [...said.matchAll(/icmp_seq=(\d+) /g)].map(([, number]) => Number(number));
  assert.deepEqual(
    answered,
    answered.map((_, index) => index + 1),
  );

  // The node leaves what PostUp made, and the line that was shown removes it.
  assert.match(await host.run('nft', 'list', 'tables'), /inet mine-wg0/);
  await host.run('sh', '-c', postDown);
  assert.doesNotMatch(await host.run('nft', 'list', 'tables'), /inet mine-wg0/);

  const rotated = await node.request('POST', '/peers', { body: { peerId: own.peerId } });
  await vpn.become(jsonOf<CreatedShape>(rotated));
  await until('the client reaches it with new keys', () => vpn.reaches('10.7.0.1'));
  const [copy, ...rest] = (await filesOf(host)).filter((name) => name.endsWith('.bak'));
  assert.deepEqual(rest, []);
  assert.equal(await host.run('cat', `/etc/wireguard/${copy}`), head + usualPeers);
  assert.equal(await host.run('stat', '-c', '%a', `/etc/wireguard/${copy}`), '600\n');

  // A second time, from the copy, with one peer rotated since: nothing to do. Not while a node serves.
  const serving = await home.run({ args: ['import', `/etc/wireguard/${copy}`, '--apply'] });
  assert.match(serving.stderr, /another process serves wg0/);
  assert.equal((await node.kill('SIGTERM')).status, 0);
  const again = await home.run({ args: ['import', `/etc/wireguard/${copy}`, '--apply'] });
  assert.equal(again.status, 0, again.stderr);
  assert.match(again.stdout, /^Nothing to do\.$/m);
  assert.ok(again.stdout.includes(`:\n  ${postDown}\n`), 'what undoes the old rules is not lost');
});

test('what wg-quick saved is taken over, the address that the kernel gave by itself left out', async (context) => {
  const { host, home } = await makeByHand(context, usualPeers);
  const before = await peersOf(host);
  await host.run('wg-quick', 'save', 'wg0');
  assert.match(await host.run('cat', file), /^Address = fe80::/m);
  const done = await home.run({ args: ['import', file, '--apply'] });
  assert.equal(done.status, 0, done.stderr);
  await home.start();
  assert.deepEqual(await peersOf(host), before);
});

test('whoever starts the node before the import is told so, and no peer is lost', async (context) => {
  const { host, home } = await makeByHand(context, usualPeers);
  const before = await peersOf(host);
  const foreign = `2 peers that this node did not make.*wgkeeper-node import ${file}`;
  const refuses = async (start: Start, what: string) => {
    const { status, stdout, stderr } = await home.run(start);
    assert.equal(status, 1, stdout);
    assert.match(`${stdout}${stderr}`, new RegExp(`${what} has ${foreign}`));
    assert.deepEqual(await peersOf(host), before);
  };
  await refuses({ args: ['up'] }, file);
  await refuses({}, file);
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const rights = '-all,+net_admin,+dac_override';
  const caps = [`--inh-caps=${rights}`, `--ambient-caps=${rights}`, `--bounding-set=${rights}`];
  await refuses({ prefix: ['setpriv', ...nobody, ...caps] }, 'wg0');
  assert.equal((await home.run({ args: ['import', file, '--apply'] })).status, 0);
  await home.start();
  assert.deepEqual(await peersOf(host), before);
});

test('peers that no file names leave an interface made by hand, as unknown ones do', async (context) => {
  const { host, home } = await makeByHand(context, usualPeers);
  await write(host, file, head);
  await home.start();
  assert.deepEqual(await peersOf(host), []);
});

test('only reported, unknown peers keep no node from its start', async (context) => {
  const { host, home } = await makeByHand(context, usualPeers);
  const before = await peersOf(host);
  home.configure({ wireguard: { unknown_peers: 'report' } });
  await home.start();
  assert.deepEqual(await peersOf(host), before);
});

test('a node that lost its store starts on the interface that it made, and empties it', async (context) => {
  const host = await createNamespace(context);
  const home = await createNodeHome(context, { namespace: host });
  const node = await home.start();
  await node.request('POST', '/peers', { body: { peerId: randomUUID() } });
  assert.equal((await peersOf(host)).length, 1);
  await node.kill('SIGKILL');
  await host.run('rm', home.storePath);
  await home.start();
  assert.deepEqual(await peersOf(host), []);
});

test('an import that leaves all peers out makes the interface the node’s, too', async (context) => {
  const { host, home } = await makeByHand(context, peerText(client, '10.7.0.2/32, 192.168.5.0/24'));
  assert.equal((await home.run({ args: ['import', file, '--skip', '--apply'] })).status, 0);
  await home.start();
  assert.deepEqual(await peersOf(host), []);
});

test('what the node can not have is named, and left out only when it is told to', async (context) => {
  const network = createPeerKeys();
  const stray = createPeerKeys();
  const {
    host,
    client: vpn,
    home,
  } = await makeByHand(context, usualPeers + peerText(network, '10.7.0.5/32, 192.168.5.0/24'));
  await host.run('wg', 'set', 'wg0', 'peer', stray.publicKey, 'allowed-ips', '10.7.0.6/32');
  const refused = await home.run({ args: ['import', file, '--apply'] });
  assert.equal(refused.status, 1);
  for (const [{ publicKey }, why] of [
    [network, 'has other AllowedIPs'],
    [stray, 'is on the interface and not in the file'],
  ] as const) {
    assert.ok(refused.stdout.includes(`! ${publicKey} ${why}`), refused.stdout);
  }
  assert.deepEqual(await filesOf(host), ['wg0.conf']);

  const skipped = await home.run({ args: ['import', file, '--apply', '--skip'] });
  assert.equal(skipped.status, 0, skipped.stderr);
  assert.match(skipped.stdout, /REMOVED FROM THE INTERFACE when the node starts/);
  assert.ok(await vpn.reaches('10.7.0.1'));

  const again = await home.run({ args: ['import', file] });
  assert.equal(again.status, 0, again.stderr);
  for (const { publicKey } of [network, stray]) {
    const left = `! ${publicKey} is on the interface and was not taken over; left out, and REMOVED FROM`;
    assert.ok(again.stdout.includes(left), again.stdout);
  }
  assert.match(again.stdout, /^Nothing to do\.$/m);
  const copy = (await filesOf(host)).find((name) => name.endsWith('.bak'));
  const ofCopy = await home.run({ args: ['import', `/etc/wireguard/${copy}`] });
  assert.equal(ofCopy.status, 1);
  assert.match(ofCopy.stdout, /^Nothing to do: all but the peers marked "!" are taken over/m);
  await home.start();
  const keys = (await peersOf(host)).map((line) => line.split(' ')[0]);
  assert.deepEqual(keys, [client.publicKey, other.publicKey].sort());
});

test('ids are those of a file where it names them', async (context) => {
  const { host, home } = await makeByHand(context, usualPeers);
  const peerId = '7c2f3f7a-6b4e-4f3f-8b2a-1a9b3c2d4e5f';
  const ids = `${home.folder}/ids.yaml`;
  await write(host, ids, `${client.publicKey}: ${peerId}\n`);
  const apply = () => home.run({ args: ['import', file, '--ids', ids, '--apply'] });
  assert.equal((await apply()).status, 0);
  // The file is the node's now and has no peers, and so it stays right that the ids name one.
  assert.match((await apply()).stdout, /^Nothing to do\.$/m);
  await write(host, `${ids}.wrong`, `${generateKeyPair().publicKey}: ${randomUUID()}\n`);
  const wrong = await home.run({ args: ['import', file, '--ids', `${ids}.wrong`] });
  assert.match(wrong.stderr, /names peers that neither .*wg0\.conf nor the store has:\n- /);
  const node = await home.start();
  const answer = await node.request('GET', `/peers/${peerId}`);
  assert.equal(jsonOf<{ publicKey: string }>(answer).publicKey, client.publicKey);
});

test('an import that was cut off behind the store is taken up by the next', async (context) => {
  const { host, home } = await makeByHand(context, usualPeers);
  const apply = () => home.run({ args: ['import', file, '--apply'] });
  assert.equal((await apply()).status, 0);
  await host.run('sh', '-c', `mv ${file}.*.bak ${file}`);
  const again = await apply();
  assert.match(again.stdout, /^Done: 0 peers stored/m, again.stderr);
  assert.match((await apply()).stdout, /^Nothing to do\.$/m);
  const own = await host.run('cat', file);
  assert.ok(own.includes(server.privateKey) && !own.includes('[Peer]'));
});

test('a set-up that is not the one of the configuration, or has another key, is refused', async (context) => {
  const { host, home } = await makeByHand(context, usualPeers);
  home.configure({ wireguard: { listen_port: 51_821, subnet: '10.7.0.0/16' } });
  const differs = await home.run({ args: ['import', file] });
  assert.equal(differs.status, 1);
  assert.match(
    differs.stderr,
    /^- ListenPort is 51820 in the file, wireguard.listen_port 51821 in the configuration → set /m,
  );
  assert.match(
    differs.stderr,
    /^- Address is 10.7.0.1\/24 in the file, 10.7.0.1\/16 by wireguard.subnet and .* in the configuration → set /m,
  );

  home.configure({ wireguard: { listen_port: 51_820, subnet: '10.7.0.0/24' } });
  const stranger = generateKeyPair();
  const copy = `${home.folder}/copy.conf`;
  await write(host, copy, (head + usualPeers).replace(server.privateKey, stranger.privateKey));
  const otherFile = await home.run({ args: ['import', copy] });
  assert.match(otherFile.stderr, /wg0.conf has another key than the file/);
  await host.run('mv', file, `${file}.away`);
  const otherKey = await home.run({ args: ['import', copy] });
  assert.match(otherKey.stderr, /the interface is up with another key/);
  assert.deepEqual(await filesOf(host), ['wg0.conf.away']);
});

test('one that is down is taken over too, and comes up with its peers', async (context) => {
  const { host, client: vpn, home } = await makeByHand(context, usualPeers);
  await host.run('wg-quick', 'down', 'wg0');
  assert.equal((await home.run({ args: ['import', file, '--apply'] })).status, 0);
  await home.start();
  // With the session of before it would notice only after 15 s that it is gone (WireGuard paper, section 6.5).
  await vpn.become(clientFile);
  await until('the client is back', () => vpn.reaches('10.7.0.1'));
  assert.equal((await peersOf(host)).length, 2);
});

test('a file that can not be read is named with the argument, what is wrong and what to do', async (context) => {
  const { host, home } = await makeByHand(context, usualPeers);
  const complaint = async (...args: readonly string[]) =>
    (await home.run({ args: ['import', ...args] })).stderr;
  assert.equal(
    await complaint('/none.conf'),
    'wgkeeper-node: import /none.conf: there is no such file; correct the path, or put the file there\n',
  );
  assert.match(await complaint('/etc'), /import \/etc: a folder, not a file; name a file$/m);
  assert.match(await complaint(file, '--ids', '/none.yaml'), /--ids \/none\.yaml: there is no such file; /);
  // It has no size to go by, and no end.
  assert.match(await complaint('/dev/zero'), /import \/dev\/zero: larger than \d+ bytes; /);
  assert.deepEqual(await filesOf(host), ['wg0.conf']);
});

test('a peer that comes twice is taken over as wg made it', async (context) => {
  const twice = usualPeers + peerText({ ...client, presharedKey: noPresharedKey }, '10.7.0.3/32');
  const { host, home } = await makeByHand(context, usualPeers);
  await host.run('wg-quick', 'down', 'wg0');
  await write(host, file, head + twice);
  await host.run('wg-quick', 'up', 'wg0');
  const before = await peersOf(host);
  const done = await home.run({ args: ['import', file, '--apply'] });
  assert.equal(done.status, 0, done.stderr);
  assert.match(
    done.stdout,
    /^\+ \S+ 10\.7\.0\.3\/32 .*; comes 2 times, .*the AllowedIPs of the last count; /m,
  );
  await home.start();
  assert.deepEqual(await peersOf(host), before);
});

test('of two peers with one address the last has it, as wg gave it, also while the interface is down', async (context) => {
  const shared = usualPeers + peerText(createPeerKeys(), '10.7.0.9/32');
  const { host, home } = await makeByHand(context, usualPeers);
  await host.run('wg-quick', 'down', 'wg0');
  await write(host, file, head + shared);
  await host.run('wg-quick', 'up', 'wg0');
  const before = (await allowedIPsOf(host)).filter((line) => !line.startsWith(other.publicKey));
  await host.run('wg-quick', 'down', 'wg0');
  const done = await home.run({ args: ['import', file, '--skip', '--apply'] });
  assert.match(
    done.stdout,
    /^! (\S+) has no AllowedIPs; 10\.7\.0\.9\/32 goes to \S+, the last to name it, .*; left out$/m,
  );
  await home.start();
  assert.deepEqual(await allowedIPsOf(host), before);
});
