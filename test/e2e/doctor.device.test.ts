// The doctor on a real host, well and with one thing wrong at a time: what an operator reads, and the exit code.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { jsonOf } from '../fixtures/api-client.ts';
import { makeCertificate, type TestPair } from '../fixtures/certificate.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import {
  createNodeHome,
  type Ended,
  type NodeHome,
  type Settings,
  type Start,
} from '../fixtures/running-node.ts';
import { createSite } from '../fixtures/tunnel.ts';

interface World {
  readonly host: Namespace;
  readonly home: NodeHome;
}

/** A host whose interface is up as configured, behind `wan0`. */
async function createWorld(context: TestContext, settings: Settings = {}): Promise<World> {
  const { host } = await createSite(context);
  const wireguard = { routing: { wan_interface: 'wan0' }, ...settings['wireguard'] };
  const home = await createNodeHome(context, { namespace: host, settings: { ...settings, wireguard } });
  const up = await home.run({ args: ['up'] });
  assert.equal(up.status, 0, up.stderr);
  return { host, home };
}

/** What the doctor prints, by check: `fail: …`. */
type Lines = Readonly<Record<string, string>>;

function linesOf({ stdout }: Ended): Lines {
  const lines = stdout.split('\n').slice(0, -1);
  return Object.fromEntries(
    lines.map((line) => {
      const [, status, check, rest] = /^(ok|warn|fail) +(\w+): (.+)$/.exec(line) ?? assert.fail(line);
      return [check, `${status}: ${rest}`];
    }),
  );
}

/** Those that are not ok. Which WireGuard a kernel has is not for a test to say. */
function troublesOf(ended: Ended): Lines {
  const troubles = Object.entries(linesOf(ended)).filter(
    ([check, line]) => !line.startsWith('ok') && check !== 'wireguard',
  );
  return Object.fromEntries(troubles);
}

const ask = ({ home }: World, start: Start = {}) => home.run({ args: ['doctor'], ...start });

/** Just this is wrong, in these words, and with the exit code of it. */
function assertOnly(ended: Ended, troubles: Readonly<Record<string, RegExp>>): void {
  const found = troublesOf(ended);
  assert.deepEqual(Object.keys(found), Object.keys(troubles), ended.stdout + ended.stderr);
  for (const [check, pattern] of Object.entries(troubles)) assert.match(found[check] ?? '', pattern);
  assert.equal(ended.status, Object.values(found).some((line) => line.startsWith('fail')) ? 1 : 0);
}

/** One thing that goes wrong, and how it is put right again. */
interface Fault {
  readonly what: string;
  readonly happens: (world: World) => unknown;
  readonly troubles: Readonly<Record<string, RegExp>>;
  readonly mended: (world: World) => unknown;
}

const shell =
  (script: string) =>
  async ({ host }: World) =>
    void (await host.run('sh', '-c', script));
const file = '/etc/wireguard/wg0.conf';

const faults: readonly Fault[] = [
  {
    what: 'no forwarding of IPv4',
    happens: shell('echo 0 >/proc/sys/net/ipv4/ip_forward'),
    troubles: { forwarding: /^fail: net\.ipv4\.ip_forward is 0 → .*sysctl -w net\.ipv4\.ip_forward=1$/ },
    mended: shell('echo 1 >/proc/sys/net/ipv4/ip_forward'),
  },
  {
    what: 'no forwarding of IPv6',
    happens: shell('echo 0 >/proc/sys/net/ipv6/conf/all/forwarding'),
    troubles: { forwarding: /^fail: net\.ipv6\.conf\.all\.forwarding is 0 → / },
    mended: shell('echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'),
  },
  {
    what: 'forwarding that loses the IPv6 route',
    happens: shell('echo 1 >/proc/sys/net/ipv6/conf/wan0/accept_ra'),
    troubles: {
      forwarding:
        /^warn: net\.ipv6\.conf\.wan0\.accept_ra is 1 while the host forwards.* → wgkeeper-node up sets 2/,
    },
    mended: ({ home }) => home.run({ args: ['up'] }),
  },
  {
    what: 'another key on the interface',
    happens: shell(
      `cp ${file} /etc/wireguard/before; wg genkey >/etc/wireguard/key; wg set wg0 private-key /etc/wireguard/key`,
    ),
    troubles: {
      interface: /^fail: its key is not that of its file.* → to keep the key of wg0, move its file away/,
    },
    mended: shell(
      `sed -n 's/^PrivateKey = //p' ${file} >/etc/wireguard/key; wg set wg0 private-key /etc/wireguard/key`,
    ),
  },
  {
    what: 'another port on the interface, and another program on its own',
    happens: async (world) => {
      await shell('wg set wg0 listen-port 51999')(world);
      await occupy(world, 'udp', 51_820);
    },
    troubles: {
      interface: /^fail: it listens on port 51999, not on 51820 → /,
      udp_port: /^fail: UDP 51820 is taken by node \(pid \d+\) → .*wireguard\.listen_port/,
    },
    mended: async (world) => {
      await leave(world);
      await shell('wg set wg0 listen-port 51820')(world);
    },
  },
  {
    what: 'an address too many and one too few',
    happens: shell('ip address delete 10.7.0.1/24 dev wg0; ip address add 10.7.0.9/24 dev wg0'),
    troubles: {
      interface:
        /^fail: wg0 lacks the address 10\.7\.0\.1\/24; wg0 has the address 10\.7\.0\.9\/24, which is not configured → /,
    },
    mended: shell('ip address delete 10.7.0.9/24 dev wg0; ip address add 10.7.0.1/24 dev wg0'),
  },
  {
    what: 'another program on the port of the API',
    happens: (world) => occupy(world, 'tcp', 51_821),
    troubles: { api_port: /^fail: TCP 51821 is taken by node \(pid \d+\) → .*server\.port/ },
    mended: (world) => leave(world),
  },
  {
    what: 'a WAN interface of smaller packets',
    happens: shell('ip link set wan0 mtu 1400'),
    troubles: {
      mtu: /^warn: 1420 bytes, more than 1400 of wan0 less 80 for WireGuard.* → ip link set wg0 mtu 1320$/,
    },
    mended: shell('ip link set wan0 mtu 1500'),
  },
  {
    what: 'a route into the subnet',
    happens: shell('ip route add 10.7.0.128/25 dev wan0'),
    troubles: { subnets: /^warn: 10\.7\.0\.0\/24 overlaps 10\.7\.0\.128\/25 of wan0 → / },
    mended: shell('ip route delete 10.7.0.128/25 dev wan0'),
  },
  {
    what: 'a program that is gone',
    happens: shell('mount --bind /dev/null /usr/bin/wg'),
    troubles: {
      programs: /^fail: missing: wg → install wireguard-tools$/,
      interface: /^warn: its key and port could not be seen/,
      udp_port: /^warn: UDP 51820 is taken by wireguard-go/,
    },
    mended: shell('umount /usr/bin/wg'),
  },
  {
    what: 'a configuration that others can read',
    happens: ({ home }) => chmodSync(home.configPath, 0o644),
    troubles: { config: /^warn: .*holds a secret and its mode 0644 lets other users at it; chmod 600/ },
    mended: ({ home }) => chmodSync(home.configPath, 0o600),
  },
  {
    what: 'a key that others can read',
    happens: shell(`chmod 644 ${file}`),
    troubles: { interface_file: /^warn: .* has mode 0644 and holds the node's key → chmod 600/ },
    mended: shell(`chmod 600 ${file}`),
  },
  {
    what: 'a configuration that has changed',
    happens: ({ home }) => home.configure({ server: { port: 51_822 }, wireguard: { subnet: '10.8.0.0/24' } }),
    troubles: {
      interface: /^fail: wg0 lacks the address 10\.8\.0\.1\/24; /,
      interface_file:
        /^warn: .* was written before the configuration changed: Address is 10\.7\.0\.1\/24 in the file, 10\.8\.0\.1\/24 by wireguard/,
      firewall: /^fail: rules are missing/,
    },
    mended: ({ home }) => home.configure({ server: { port: 51_821 }, wireguard: { subnet: '10.7.0.0/24' } }),
  },
  {
    what: 'a file that somebody edited',
    happens: shell(
      `cp -p ${file} /etc/wireguard/before; sed -i 's/^ListenPort = .*/ListenPort = 51999/' ${file}`,
    ),
    troubles: {
      interface_file:
        /^fail: .*, not written by the node or edited since: ListenPort is 51999 in the file, wireguard\.listen_port 51820 in the configuration → set ListenPort = 51820/,
    },
    mended: shell(`mv /etc/wireguard/before ${file}`),
  },
  {
    what: 'a firewall that was flushed',
    happens: shell('nft flush ruleset'),
    troubles: { firewall: /^fail: rules are missing \(nftables\)/ },
    mended: ({ home }) => home.run({ args: ['up'] }),
  },
  {
    what: 'a firewall of others that drops',
    happens: shell(
      "nft 'add table inet theirs; add chain inet theirs f { type filter hook forward priority 0; policy drop; }'",
    ),
    troubles: {
      firewall:
        /^warn: every rule is there \(nftables\), but others drop forwarded packets: inet theirs f → .*: nft 'insert rule inet theirs f iifname wg0 oifname wan0 accept'; nft /,
    },
    mended: shell('nft delete table inet theirs'),
  },
  {
    what: 'a disk that is full',
    happens: async (world) => {
      const folder = join(world.home.storePath, '..');
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      await shell(`mount -t tmpfs -o size=64k tmpfs ${folder}; head -c 60000 /dev/zero >${folder}/filler`)(
        world,
      );
    },
    troubles: { store_folder: /^fail: the disk of .*\/data has too little room: 0\.0 MiB free → make room/ },
    mended: ({ host, home }) => host.run('umount', join(home.storePath, '..')),
  },
  {
    what: 'a disk without inodes',
    happens: ({ host, home }) =>
      host.run('mount', '-t', 'tmpfs', '-o', 'nr_inodes=2', 'tmpfs', join(home.storePath, '..')),
    troubles: { store_folder: /^fail: the disk of .*\/data has 1 inodes free/ },
    mended: ({ host, home }) => host.run('umount', join(home.storePath, '..')),
  },
  {
    what: 'a store that is damaged',
    happens: ({ home }) => writeFileSync(home.storePath, 'not a store', { mode: 0o600 }),
    troubles: { store: /^fail: .*\/peers\.db is no valid store: byte 0: not a peer store → / },
    mended: ({ host, home }) => host.run('rm', home.storePath),
  },
  {
    what: 'another program at the lock of the store',
    happens: async (world) => {
      const holder = world.host.spawn(
        ['flock', `${world.home.storePath}.lock`, 'sh', '-c', 'echo locked; exec cat'],
        {
          stdio: ['pipe', 'pipe', 'inherit'],
        },
      );
      occupants.set(world, holder);
      if (holder.stdout !== null) await once(holder.stdout, 'data');
    },
    troubles: { store_lock: /^fail: (flock|sh|cat) \(pid \d+\) has .*\.lock open/ },
    mended: (world) => leave(world),
  },
  {
    what: 'a certificate that has expired',
    happens: (world) => certify(world, makeCertificate({ notAfter: new Date('2025-01-01T00:00:00Z') })),
    troubles: { certificate: /^fail: .*cert\.pem expired on 2025-01-01T00:00:00Z → renew it$/ },
    mended: withoutCertificate,
  },
  {
    what: 'a certificate that expires soon',
    happens: (world) => certify(world, makeCertificate({ notAfter: new Date(Date.now() + 20 * 86_400_000) })),
    troubles: { certificate: /^warn: .*cert\.pem expires on .* → renew it$/ },
    mended: withoutCertificate,
  },
  {
    what: "another certificate's key",
    happens: (world) => certify(world, { ...makeCertificate(), keyPem: makeCertificate().keyPem }),
    troubles: { certificate: /^fail: .*cert\.pem: the key is not the key of the certificate → / },
    mended: withoutCertificate,
  },
  {
    what: "a certificate's key that others can read",
    happens: (world) => {
      certify(world, makeCertificate());
      chmodSync(join(world.home.folder, 'key.pem'), 0o644);
    },
    troubles: {
      certificate: /^warn: .*key\.pem holds a secret and its mode 0644 .* → chmod 600 .*key\.pem$/,
    },
    mended: (world) => {
      chmodSync(join(world.home.folder, 'key.pem'), 0o600);
      withoutCertificate(world);
    },
  },
  {
    what: 'a certificate that is not there, and a folder for a key',
    happens: ({ home }) => home.configure({ server: { tls_cert: '/none.pem', tls_key: '/etc' } }),
    troubles: {
      certificate:
        /^fail: server\.tls_cert \/none\.pem: there is no such file; correct the path.*; server\.tls_key \/etc: a folder, not a file; name a file$/,
    },
    mended: withoutCertificate,
  },
  {
    what: 'no such WAN interface',
    happens: ({ home }) => home.configure({ wireguard: { routing: { wan_interface: 'eth9' } } }),
    troubles: {
      interface_file: /^warn: .*rules of another configuration/,
      wan_interface: /^fail: eth9 does not exist → set wireguard\.routing\.wan_interface to one of wan0$/,
      firewall: /^fail: rules are missing/,
    },
    mended: ({ home }) => home.configure({ wireguard: { routing: { wan_interface: 'wan0' } } }),
  },
  {
    what: 'a policy that has gone again for which up took the other back end',
    happens: async (world) => {
      await world.host.run('iptables', '-P', 'FORWARD', 'DROP');
      assert.equal((await world.home.run({ args: ['up'] })).status, 0);
      await world.host.run('iptables', '-P', 'FORWARD', 'ACCEPT');
      assert.match(await world.host.run('iptables-save'), /WGKEEPER-wg0/);
    },
    troubles: {},
    mended: ({ home }) => home.run({ args: ['up'] }),
  },
  {
    what: 'an interface that is down',
    happens: shell('ip link set wg0 down'),
    troubles: { interface: /^fail: wg0 is down/ },
    mended: ({ home }) => home.run({ args: ['up'] }),
  },
  {
    what: 'no interface',
    happens: ({ home }) => home.run({ args: ['down'] }),
    troubles: {
      interface: /^fail: wg0 does not exist → wgkeeper-node up makes it$/,
      firewall: /^fail: rules are missing/,
      mtu: /^warn: there is no wg0 to look at → see the check interface$/,
    },
    mended: ({ home }) => home.run({ args: ['up'] }),
  },
];

const occupants = new WeakMap<World, ChildProcess>();

async function occupy(world: World, protocol: 'tcp' | 'udp', port: number): Promise<void> {
  const listen = {
    tcp: `require('net').createServer().listen(${port}, () => console.log('listening'))`,
    udp: `require('dgram').createSocket('udp4').bind(${port}, () => console.log('listening'))`,
  };
  const program = world.host.spawn([process.execPath, '-e', listen[protocol]], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  occupants.set(world, program);
  if (program.stdout !== null) await once(program.stdout, 'data');
}

async function leave(world: World): Promise<void> {
  const program = occupants.get(world);
  if (program === undefined) return;
  const ended = once(program, 'exit');
  program.stdin?.end();
  program.kill();
  await ended;
}

function certify({ home }: World, { certPem, keyPem }: TestPair): void {
  const [cert, key] = [join(home.folder, 'cert.pem'), join(home.folder, 'key.pem')];
  writeFileSync(cert, certPem);
  writeFileSync(key, keyPem, { mode: 0o600 });
  home.configure({ server: { tls_cert: cert, tls_key: key } });
}

function withoutCertificate({ home }: World): void {
  home.configure({ server: { tls_cert: undefined, tls_key: undefined } });
}

test('one thing wrong at a time is named, and nothing else', async (context) => {
  const world = await createWorld(context);
  assertOnly(await ask(world), {});
  for (const { what, happens, troubles, mended } of faults) {
    await context.test(what, async () => {
      await happens(world);
      try {
        assertOnly(await ask(world), troubles);
      } finally {
        await mended(world);
      }
    });
  }
  assertOnly(await ask(world), {});
});

// As on Oracle's images.
const oracle = (program: string) =>
  [
    '-m state --state RELATED,ESTABLISHED -j ACCEPT',
    '-p icmp -j ACCEPT',
    '-i lo -j ACCEPT',
    '-p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT',
    '-j REJECT --reject-with icmp-host-prohibited',
  ]
    .map((rule) => `${program} -A INPUT ${rule}`)
    .join('; ');

test("a firewall that drops what comes to WireGuard's port is named, and the advice opens it", async (context) => {
  const world = await createWorld(context);
  const firewalls = [
    ['iptables INPUT', oracle('iptables')],
    ['iptables-legacy INPUT', oracle('iptables-legacy')],
    ['ip6tables INPUT', 'ip6tables -P INPUT DROP'],
    [
      'inet filter input',
      `nft 'table inet filter { chain input { type filter hook input priority 0; policy drop; ct state established,related accept
       iifname "lo" accept
       tcp dport 22 accept
       }; }'`,
    ],
  ] as const;
  for (const [name, made] of firewalls) {
    await context.test(name, async () => {
      await shell(made)(world);
      const said = await ask(world);
      assertOnly(said, { udp_port: /^warn: UDP 51820 is ours: wg0 has it, but this host's firewall drops / });
      const [, chains, advice = ''] =
        /packets to it: (.*) → let them in, or no client gets a handshake: (.*)$/.exec(
          linesOf(said)['udp_port'] ?? '',
        ) ?? [];
      assert.equal(chains, name);
      await shell(advice)(world);
      assertOnly(await ask(world), {});
    });
  }
});

test('of a firewall that drops nothing at the port, or was not looked at, nobody is warned', async (context) => {
  const world = await createWorld(context);
  await shell(
    `iptables -N f2b-sshd; iptables -A f2b-sshd -s 192.0.2.9 -j REJECT; iptables -A f2b-sshd -j RETURN
     iptables -A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd; iptables -A INPUT -m conntrack --ctstate INVALID -j DROP
     nft 'table inet filter { chain input { type filter hook input priority 0; policy drop; iifname "wan0" udp dport { 53, 51820 } accept; }; }'`,
  )(world);
  assertOnly(await ask(world), {});
  await shell('nft flush chain inet filter input')(world);
  const said = await ask(world, {
    prefix: ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-all'],
  });
  assert.doesNotMatch(linesOf(said)['udp_port'] ?? '', /firewall/);
});

const token = 'metrics-token-0123456789-0123456789';

test('while the node serves its ports and its lock are its own, and over HTTP it says the same', async (context) => {
  const world = await createWorld(context, { metrics: { port: 51_829, token } });
  const node = await world.home.start();
  for (let count = 0; count < 3; count++) {
    const created = await node.request('POST', '/peers', { body: { peerId: randomUUID() } });
    assert.equal(created.status, 200, created.body);
  }
  const said = await ask(world);
  assertOnly(said, {});
  const lines = linesOf(said);
  assert.match(lines['udp_port'] ?? '', /^ok: UDP 51820 is ours: wg0 has it$/);
  assert.equal(lines['api_port'], `ok: TCP 51821 is ours: wgkeeper-node (pid ${node.pid}) has it`);
  assert.match(
    lines['store_lock'] ?? '',
    new RegExp(`^ok: the running node has it: wgkeeper-node \\(pid ${node.pid}\\)$`),
  );
  assert.equal(lines['metrics_port'], `ok: TCP 51829 is ours: wgkeeper-node (pid ${node.pid}) has it`);
  assert.match(lines['server'] ?? '', new RegExp(`^ok: wgkeeper-node \\(pid ${node.pid}\\) serves wg0$`));
  assert.match(lines['store'] ?? '', /^ok: .* holds 3 peers$/);

  const answer = await node.request('GET', '/diagnostics');
  assert.equal(answer.status, 200, answer.body);
  const json = await ask(world, { args: ['doctor', '--json'] });
  const [served, printed] = [jsonOf<DiagnosisShape>(answer), JSON.parse(json.stdout) as DiagnosisShape];
  assert.deepEqual(served.checks.filter(isSteady), printed.checks.filter(isSteady));
  assert.deepEqual(Object.keys(printed), ['status', 'checkedAt', 'service', 'checks']);
  assert.deepEqual(
    printed.checks.map(({ check, status }) => [check, status]),
    Object.entries(lines).map(([check, line]) => [check, line.split(':')[0]]),
  );

  // Everything secret of this node, and not a trace of it.
  const secrets = [world.home.apiKey, token, await world.host.run('wg', 'show', 'wg0', 'private-key')];
  for (const secret of secrets) {
    for (const text of [said.stdout, json.stdout, answer.body, node.stdout()])
      assert.ok(!text.includes(secret.trim()));
  }
  // The document says what is wrong, and its status is that of the request.
  await world.host.run('sh', '-c', 'echo 0 >/proc/sys/net/ipv4/ip_forward');
  const wrong = await ask(world, { args: ['doctor', '--json'] });
  assert.equal((JSON.parse(wrong.stdout) as DiagnosisShape).status, 'fail');
  assert.equal(wrong.status, 1);
});

interface DiagnosisShape {
  readonly status: string;
  readonly checkedAt: string;
  readonly checks: readonly { readonly check: string; readonly status: string; readonly seen: string }[];
}

/** Free space and the time are others a moment later. */
const isSteady = ({ check }: { readonly check: string }) => check !== 'clock' && check !== 'store_folder';

test("another node's port is not taken for ours", async (context) => {
  const world = await createWorld(context);
  const wireguard = { backend: 'memory', peer_store_file: undefined };
  const other = await createNodeHome(context, { namespace: world.host, settings: { wireguard } });
  const { pid } = await other.start();
  assertOnly(await ask(world), {
    api_port: new RegExp(`^fail: TCP 51821 is taken by wgkeeper-node \\(pid ${pid}\\) `),
  });
});

test('a file that is gone is a failure once peers are stored', async (context) => {
  const world = await createWorld(context);
  const node = await world.home.start();
  assert.equal((await node.request('POST', '/peers', { body: { peerId: randomUUID() } })).status, 200);
  await node.kill('SIGTERM');
  await world.host.run('rm', file);
  assertOnly(await ask(world), { interface_file: /^fail: there is no .*wg0\.conf, and peers are stored/ });
});

test('a device that hangs is named, and the other checks come to their end', async (context) => {
  const { host } = await createSite(context);
  const device = await host.addWireGuard('wg0');
  const home = await createNodeHome(context, { namespace: host });
  const up = await home.run({ args: ['up'] });
  assert.equal(up.status, 0, up.stderr);
  device.process.kill('SIGSTOP');
  context.after(() => device.process.kill('SIGCONT'));
  const said = await ask({ host, home });
  assert.match(linesOf(said)['interface'] ?? '', /^fail: wg0 does not answer/);
  assert.match(
    linesOf(said)['udp_port'] ?? '',
    /^warn: UDP 51820 is taken by wireguard-go \(pid \d+\), for this/,
  );
  assert.match(linesOf(said)['store'] ?? '', /^ok/);
  assert.equal(said.status, 1);
});

test('with a configuration that is wrong it says so first, and what else it can', async (context) => {
  const world = await createWorld(context, { wireguard: { listen_port: 51_820 } });
  world.home.configure({ wireguard: { listen_port: 0, mtu: 1_420 } });
  const said = await ask(world);
  assert.equal(said.status, 1);
  const lines = said.stdout.split('\n').slice(0, -1);
  assert.match(
    lines[0] ?? '',
    /^fail {2}config: .*:\d+: wireguard\.listen_port: got 0, want .*; .*wireguard\.mtu/,
  );
  assert.deepEqual(Object.keys(linesOf(said)), [
    'config',
    'node',
    'privileges',
    'clock',
    'programs',
    'wireguard',
  ]);
  const elsewhere = await ask(world, { env: { NODE_CONFIG: join(world.home.folder, 'none.yaml') } });
  assert.match(elsewhere.stdout, /^fail {2}config: .*none\.yaml: there is no such file/);
});

test('a user who may not read the configuration is told so, and what can be seen without it', async (context) => {
  const { host } = await createSite(context);
  // Where the project lies, nobody may be let in.
  await host.run('mount', '--bind', process.cwd(), '/mnt');
  const home = await createNodeHome(context, { namespace: host, program: '/mnt/dist/adapters/main.js' });
  const world = { host, home };
  chmodSync(home.folder, 0o755);
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const keyFile = join(world.home.folder, 'key');
  for (const [readable, forbidden] of [
    [keyFile, world.home.configPath],
    [world.home.configPath, keyFile],
  ] as const) {
    writeFileSync(keyFile, world.home.apiKey);
    world.home.configure({ auth: { api_key: undefined, api_key_file: keyFile } });
    chmodSync(readable, 0o644);
    chmodSync(forbidden, 0o600);
    const said = await ask(world, { prefix: nobody });
    const { config, node, wireguard, ...others } = linesOf(said);
    assert.match(
      config ?? '',
      /^warn: .*this user may not read it.* → run doctor as root or as the node's user: the checks that need it/,
    );
    assert.ok(
      node?.startsWith('ok') && wireguard !== undefined && others['store'] === undefined,
      said.stdout,
    );
    assert.ok(!said.stdout.includes(world.home.apiKey));
    assert.doesNotMatch(said.stdout, /^fail (?! *wireguard)/m);
  }
});

test('where no WireGuard can be had it fails, and promises no interface', async (context) => {
  const { host } = await createSite(context);
  const home = await createNodeHome(context, { namespace: host });
  // Of the kernel's modules nothing is to be seen, loaded or not.
  await host.run(
    'sh',
    '-c',
    'for folder in /sys/module /lib/modules; do [ ! -d $folder ] || mount -t tmpfs tmpfs $folder; done',
  );
  await host.run('sh', '-c', 'mount --bind /dev/null "$(command -v wireguard-go)"');
  const lines = linesOf(await ask({ host, home }));
  assert.match(lines['wireguard'] ?? '', /^fail: this kernel has .*, and userspace lacks wireguard-go → /);
  assert.match(lines['interface'] ?? '', /^fail: wg0 does not exist → .*once there is a WireGuard/);
});

test('of a lock that is not there yet nobody is warned', async (context) => {
  const { host } = await createSite(context);
  await host.run('mount', '--bind', process.cwd(), '/mnt');
  const home = await createNodeHome(context, { namespace: host, program: '/mnt/dist/adapters/main.js' });
  chmodSync(home.folder, 0o755);
  chmodSync(home.configPath, 0o644);
  const said = await ask({ host, home }, { prefix: ['setpriv', '--reuid=65534', '--clear-groups'] });
  assert.match(linesOf(said)['store_lock'] ?? '', /^ok: there is no .*\.lock yet$/);
});

test('of a device in memory nothing is asked that only another one needs', async (context) => {
  const home = await createNodeHome(context, { settings: { wireguard: { peer_store_file: undefined } } });
  const said = await home.run({ args: ['doctor'], prefix: ['/usr/bin/env', 'PATH=/nowhere'] });
  assert.deepEqual(Object.keys(linesOf(said)), [
    'config',
    'node',
    'clock',
    'programs',
    'wireguard',
    'api_port',
    'metrics_port',
    'store',
    'store_folder',
    'store_lock',
    'certificate',
    'open_files',
  ]);
  assert.equal(linesOf(said)['programs'], 'ok: none are needed');
  assert.match(linesOf(said)['wireguard'] ?? '', /^warn: .*no traffic flows → /);
  assert.equal(said.status, 0, said.stdout);
});

// Each line of it stays the same on a host where nothing happens.
const everything = `find "$1" /etc/wireguard -type f ! -name 'std*' -printf '%p %m %s %T@\\n' | sort
find "$1" -type d -printf '%p %m\\n'
ip -4 -oneline address; ip -oneline link; wg show wg0 dump; nft list ruleset; sysctl net.ipv4.ip_forward`;

test('it changes nothing, and makes nothing that is missing', async (context) => {
  const world = await createWorld(context);
  const see = () => world.host.run('sh', '-c', everything, 'sh', world.home.folder);
  for (const happens of [
    () => {},
    shell('nft flush ruleset'),
    shell('ip link set wg0 down'),
    shell(`rm ${file}`),
  ]) {
    await happens(world);
    const before = await see();
    await ask(world);
    assert.equal(await see(), before);
  }
});

test('root without CAP_NET_ADMIN is told to get it', async (context) => {
  const world = await createWorld(context);
  const said = await ask(world, {
    prefix: ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-all'],
  });
  assert.match(linesOf(said)['privileges'] ?? '', /^fail: root without CAP_NET_ADMIN → give the container/);
});
