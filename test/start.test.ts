import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { copyProject, makePrograms } from './fixtures/project-copy.ts';

// What scripts need of any system. /usr/sbin is on their PATH whatever a test says, /usr/bin is not.
const basics =
  'cat cut dirname find getconf grep head ls mkdir mktemp od rm ln sed sort stat tail touch tr uname'.split(
    ' ',
  );

interface Ended {
  readonly status: number | null;
  readonly output: string;
  readonly calls: readonly string[];
  readonly folder: string;
  readonly files: readonly string[];
}

/** A configuration that NODE_CONFIG names. */
interface Config {
  readonly name: string;
  readonly text: string;
}

async function start(
  context: TestContext,
  scripts: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  input = '',
  config: Config | null = null,
): Promise<Ended> {
  const folder = await copyProject(context);
  if (config !== null) await writeFile(join(folder, 'dist', config.name), config.text);
  const { path, calls } = await makePrograms(folder, basics, scripts);
  // One that names a configuration is started from another folder than its own.
  const child = spawn('/bin/sh', [config === null ? './start' : '../start', ...args], {
    cwd: config === null ? folder : join(folder, 'dist'),
    env: { PATH: path, ...(config !== null && { NODE_CONFIG: config.name }) },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // Most of what is started here reads nothing, and may be gone before it could.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (piece) => {
      output += piece;
    });
  }
  const [status] = await once(child, 'close');
  const lines = (await readFile(calls, 'utf8')).split('\n').filter(Boolean);
  return { status, output, calls: lines, folder, files: await readdir(folder) };
}

const root = { id: 'echo 0' };
const user = { id: 'echo 1000' };
const goodNode = { node: 'echo v20.11.0', npm: '' };
const apt = (candidate: string) => ({
  'apt-get': '',
  'apt-cache': `echo "  Candidate: ${candidate}"`,
});

test('an unknown argument is refused', async (context) => {
  const { status, output, calls } = await start(context, root, ['--memroy']);
  assert.equal(status, 2);
  assert.match(output, /unknown argument --memroy/);
  assert.deepEqual(calls, []);
});

test('without Node.js it installs the system’s when that is new enough', async (context) => {
  const { calls } = await start(context, { ...root, ...apt('20.19.2+dfsg-1') });
  const installed = calls.filter((line) => line.startsWith('apt-get'));
  assert.equal(installed[0], 'apt-get update -qq');
  assert.equal(
    installed[1],
    'apt-get install -o DPkg::Lock::Timeout=120 -y -qq --no-install-recommends nodejs npm',
  );
});

test('without Node.js and with an old one in the packages it says which to get', async (context) => {
  const { status, output, calls } = await start(context, { ...root, ...apt('18.20.4+dfsg-1~deb12u1') });
  assert.equal(status, 1);
  assert.match(output, /no Node\.js on the PATH.*18\.20\.4.*Get Node\.js 20\.11 or newer/);
  assert.ok(!calls.some((line) => line.includes('install')));
});

test('a Node.js that is too old is named', async (context) => {
  for (const version of ['18.20.4', '20.10.0']) {
    const { status, output } = await start(context, { ...root, node: `echo v${version}`, npm: '' });
    assert.equal(status, 1);
    assert.match(output, new RegExp(`Node\\.js ${version} is too old`));
  }
});

test('a Node.js that stays too old beside the installed one is named with its place', async (context) => {
  const old = { node: 'echo v18.1.0', npm: '' };
  const { status, output } = await start(context, { ...root, ...old, ...apt('20.19.2') });
  assert.equal(status, 1);
  assert.match(output, /20\.19\.2 was installed, but: Node\.js 18\.1\.0 is too old \(\/.*\/bin\/node\)/);
});

test('a Node.js that does not run is named', async (context) => {
  const { status, output } = await start(context, { ...root, node: 'exit 127' });
  assert.equal(status, 1);
  assert.match(output, /\/bin\/node does not run/);
});

test('without root it names what is missing and offers the look around, and leaves nothing', async (context) => {
  const { status, output, files } = await start(context, { ...user, ...goodNode });
  assert.equal(status, 1);
  assert.match(output, /not root.*sudo \.\/start/);
  assert.match(output, /missing: wg \(package wireguard-tools\)/);
  assert.match(output, /\.\/start --memory/);
  assert.ok(!files.includes('config.yaml'));
});

test('without a package manager that it knows it names what is missing', async (context) => {
  const { status, output } = await start(context, { ...root, ...goodNode, ip: 'exit 0', iptables: '' });
  assert.equal(status, 1);
  assert.match(output, /missing: .*wireguard-tools/);
  assert.match(output, /no package manager known/);
  assert.match(output, /\.\/start --memory/);
});

for (const [manager, install, packages] of [
  [
    'apt-get',
    'apt-get install -o DPkg::Lock::Timeout=120 -y -qq --no-install-recommends',
    'curl util-linux wireguard-tools',
  ],
  ['dnf', 'dnf install -y -q', 'curl util-linux wireguard-tools'],
  ['pacman', 'pacman -Sy --noconfirm --needed', 'curl util-linux wireguard-tools'],
  ['zypper', 'zypper --quiet --non-interactive install --no-recommends', 'curl util-linux wireguard-tools'],
] as const) {
  test(`only what is missing is installed, with ${manager}`, async (context) => {
    const programs = { ...root, ...goodNode, ip: 'exit 0', iptables: '' };
    const { calls } = await start(context, { ...programs, [manager]: '' });
    assert.ok(calls.includes(`${install} ${packages}`), calls.join('\n'));
  });
}

test('when nothing is missing no package manager is called', async (context) => {
  const programs = { ...root, ...goodNode, ip: 'exit 0', iptables: '', wg: '', flock: '', curl: '' };
  const { calls } = await start(context, { ...programs, ...apt('1') });
  assert.ok(!calls.some((line) => line.startsWith('apt')), calls.join('\n'));
});

test('the firewall’s program is that of the configured back end, else the one that is there, else nft', () => {
  const script = `. ./start
have() { case " $programs " in *" $1 "*) ;; *) return 1 ;; esac; }
config=$(mktemp)
ask() { printf '%s\\n' "$1" >"$config"; programs=$2; echo "$(firewall_program)"; }
ask '    # backend: auto' ''
ask '    backend: auto' 'iptables'
ask '    backend: auto' 'iptables nft'
ask '    backend: "nftables" # mine' 'iptables'
ask '    backend: iptables' 'nft'
ask '    backend: none' ''
ask '  backend: wg' 'nft'
rm "$config"
ask_none() { config=/nowhere; programs=; firewall_program; }
ask_none`;
  const said = execFileSync('/bin/sh', ['-c', script, 'sh'], { encoding: 'utf8' });
  assert.deepEqual(said.split('\n'), ['nft', 'iptables', 'nft', 'nft', 'iptables', '', 'nft', 'nft', '']);
});

test('a package manager that fails is said to, and ends it', async (context) => {
  const { status, output } = await start(context, { ...root, ...goodNode, 'apt-get': 'exit 100' });
  assert.equal(status, 1);
  assert.match(output, /apt-get could not install/);
});

test('npm ci may not take for ever, and what became of it is said', async (context) => {
  const folder = await copyProject(context);
  await rm(join(folder, 'node_modules'));
  const { path, calls } = await makePrograms(folder, [...basics, 'timeout'], {
    npm: 'exec tail -f /dev/null',
  });
  const install = (more: string) =>
    spawnSync('/bin/sh', ['-c', `. ./start; PATH=${path}; ${more}; ensure_node_packages`], {
      cwd: folder,
      encoding: 'utf8',
    });
  const stopped = install('npm_seconds=0.1; npm_answer_seconds=0.1');
  assert.equal(stopped.status, 1);
  assert.match(stopped.stderr, /npm ci was stopped: it had not ended after 0\.1 seconds/);
  assert.match(stopped.stderr, /the npm registry has not answered for 0\.1 seconds/);
  assert.match(await readFile(calls, 'utf8'), /^npm ping .*\nnpm ci .* --offline /);
  await writeFile(join(path, 'npm'), `#!/bin/sh\necho "npm $*" >>${calls}\nexit 1\n`);
  const failed = install(':');
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /npm ci failed\. .*\n.*npm config get registry/);
  for (const bound of ['--fetch-timeout', '--fetch-retries', '--fetch-retry-maxtimeout']) {
    assert.ok((await readFile(calls, 'utf8')).includes(` ${bound}=`), bound);
  }
});

test('where the native module can’t load it says which Node.js and libc would do', async (context) => {
  const node = 'case $1 in --version) echo v24.1.0 ;; *) exit 1 ;; esac';
  const { status, output, files } = await start(context, { ...user, node, npm: '' }, ['--memory']);
  assert.equal(status, 1);
  assert.match(output, /v24\.1\.0 with glibc.*Node\.js 20 or 22 on glibc 2\.27.*24 on glibc 2\.38/);
  assert.ok(!files.includes('config.yaml'));
});

test('on musl it says that there is no build of the native module', async (context) => {
  const programs = { ...user, ...goodNode, ls: 'exit 0', getconf: 'exit 1' };
  const { status, output } = await start(context, programs, ['--memory']);
  assert.equal(status, 1);
  assert.match(output, /musl/);
});

test('what it prints to type is for this configuration, wherever it was started', async (context) => {
  const config = {
    name: 'my node.yaml',
    text: 'server:\n  port: 1234\n  host: ::1\n  tls_cert: c.pem\nwireguard:\n  backend: "memory"\n',
  };
  const { status, output, folder } = await start(context, { ...user, ...goodNode, curl: '' }, [], '', config);
  assert.equal(status, 0, output);
  const path = join(folder, 'dist', config.name);
  assert.ok(output.includes(`configuration: ${path}\n`), output);
  assert.ok(output.includes(`\n  cd ${folder}\n  sed -n `), output);
  assert.ok(output.includes(` '${path}' |\n`), output);
  assert.ok(output.includes(' --insecure https://[::1]:1234/peers '), output);
  const auth = `${config.text}auth:\n  api_key_file: key\n`;
  const again = await start(context, { ...user, ...goodNode }, [], '', { ...config, text: auth });
  assert.ok(again.output.includes("\n  sed '1s/^/X-API-Key: /' key |\n"), again.output);
  assert.match(again.output, /missing: curl/);
});

const answer = (allowedIPs: readonly string[]) =>
  JSON.stringify({
    peer: { peerId: 'p', publicKey: 'P=', privateKey: 'K=', presharedKey: 'S=', allowedIPs, expiresAt: null },
    server: { publicKey: 'N=', listenPort: 51820 },
  });

test('an answer to POST /peers becomes a file for wg-quick', async (context) => {
  const args = ['--client', 'vpn.example.org'];
  const { status, output, calls } = await start(context, {}, args, answer(['10.8.0.2/32', 'fd00::2/128']));
  assert.equal(status, 0);
  assert.deepEqual(output.split('\n'), [
    '[Interface]',
    'PrivateKey = K=',
    'Address = 10.8.0.2/32, fd00::2/128',
    '',
    '[Peer]',
    'PublicKey = N=',
    'PresharedKey = S=',
    'Endpoint = vpn.example.org:51820',
    '# Everything goes through the tunnel; name networks here to send only those.',
    'AllowedIPs = 0.0.0.0/0, ::/0',
    'PersistentKeepalive = 25',
    '',
  ]);
  assert.deepEqual(calls, []);
});

test('a client file has the routes of the families that the peer has, and brackets around an IPv6 host', async (context) => {
  for (const host of ['2001:db8::1', '[2001:db8::1]']) {
    const { output } = await start(context, {}, ['--client', host], answer(['fd00::2/128']));
    assert.match(output, /^Endpoint = \[2001:db8::1\]:51820$/m);
    assert.match(output, /^AllowedIPs = ::\/0$/m);
  }
});

test('an answer that is none makes no client file', async (context) => {
  const args = ['--client', 'vpn.example.org'];
  const { status, output } = await start(context, {}, args, '{"error":{"code":"unauthorized"}}');
  assert.equal(status, 1);
  assert.match(output, /^! this is no answer to POST \/peers: .*unauthorized/);
  assert.doesNotMatch(output, /\[Interface\]/);
});

test('a client file without a host is refused', async (context) => {
  const { status, output } = await start(context, {}, ['--client']);
  assert.equal(status, 2);
  assert.match(output, /--client needs the HOST/);
});
