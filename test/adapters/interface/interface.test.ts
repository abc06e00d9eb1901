import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createKeptDump } from '../../../adapters/device/kept-dump.ts';
import { bringUp, initInterface, takeDown } from '../../../adapters/interface/interface.ts';
import { prepareInterface } from '../../../adapters/interface/interface-at-start.ts';
import { interfaceFolder } from '../../../adapters/interface/interface-file.ts';
import type { InterfaceHost } from '../../../adapters/interface/interface-host.ts';
import type { InterfaceConfig } from '../../../adapters/interface/wg-quick-text.ts';
import { derivePublicKey, generateKeyPair } from '../../../adapters/keys.ts';
import type { CommandFailure } from '../../../adapters/run-command.ts';
import { type Cidr, parseAddress, parseCidr } from '../../../core/address.ts';
import type { PrivateKey } from '../../../core/peers/peer.ts';
import { fail, ok, type Result } from '../../../core/result.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createFakeLog, type FakeLog } from '../../fakes/log.ts';

const cidr = parseCidr('10.7.0.0/24') as { value: Cidr };
const serverIp = parseAddress('10.7.0.1');
assert.ok(serverIp);
const config: InterfaceConfig = {
  interface: 'wg0',
  listenPort: 51820,
  subnets: [{ cidr: cidr.value, serverIp }],
  routing: null,
};

type Answer = (line: string) => Result<string, CommandFailure['code']> | null;

interface FakeHost extends InterfaceHost {
  readonly log: FakeLog;
  /** Every program that was run, with its arguments. */
  readonly calls: string[];
  setLinks(...names: readonly string[]): Promise<void>;
}

// A host of which only the folder is real. Programs that the answer says nothing of succeed in silence.
async function createHost(context: TestContext, answer: Answer = () => null): Promise<FakeHost> {
  const root = await mkdtemp(join(tmpdir(), 'interface-'));
  context.after(() => rm(root, { recursive: true }));
  const procFolder = join(root, 'proc');
  await mkdir(join(procFolder, 'sys/net/ipv4'), { recursive: true });
  await mkdir(join(procFolder, 'net'));
  await writeFile(join(procFolder, 'sys/net/ipv4/ip_forward'), '1\n');
  const calls: string[] = [];
  const setLinks = (...names: readonly string[]) =>
    writeFile(join(procFolder, 'net/dev'), names.map((name) => `${name}: 0\n`).join(''));
  await setLinks('lo');
  return {
    calls,
    setLinks,
    log: createFakeLog(),
    isRoot: true,
    folder: join(root, 'wireguard'),
    procFolder,
    deviceAnswerMs: 1_000,
    createPrivateKey: () => generateKeyPair().privateKey,
    derivePublicKey,
    async run(command, args, bounds) {
      const line = [command, ...args].join(' ');
      calls.push(line);
      const answered = answer(line) ?? ok('');
      if (!answered.ok) return fail({ code: answered.failure, command, status: 1, detail: `${line}: no` });
      if (bounds.takeOutput === undefined) return answered;
      bounds.takeOutput(Buffer.from(answered.value));
      return ok('');
    },
  };
}

const filePath = (host: InterfaceHost) => join(host.folder, 'wg0.conf');

test('the folder is the system’s for root and the working directory’s otherwise', () => {
  assert.equal(interfaceFolder(true, '/srv/node'), '/etc/wireguard');
  assert.equal(interfaceFolder(false, '/srv/node'), '/srv/node/wireguard');
});

test('init makes the file without any program of WireGuard, for its owner alone', async (context) => {
  const host = await createHost(context);
  assert.deepEqual(await initInterface(config, false, host), ok(filePath(host)));
  assert.deepEqual(host.calls, ['flock -w 60 3']);
  assert.equal((await stat(host.folder)).mode & 0o777, 0o700);
  assert.equal((await stat(filePath(host))).mode & 0o777, 0o600);
  assert.match(await readFile(filePath(host), 'utf8'), /^ListenPort = 51820$/m);
});

test('init changes nothing the second time, and only what the configuration changed', async (context) => {
  const host = await createHost(context);
  await initInterface(config, true, host);
  const first = await readFile(filePath(host), 'utf8');
  await initInterface(config, true, host);
  assert.equal(await readFile(filePath(host), 'utf8'), first);
  await initInterface({ ...config, listenPort: 51999 }, true, host);
  const second = await readFile(filePath(host), 'utf8');
  const body = (text: string) => text.slice(text.indexOf('\n'));
  assert.equal(body(second), body(first).replace('51820', '51999'));
  assert.deepEqual(await readdir(host.folder), ['wg0.conf']);
});

test('a file that others may read is shut, with a warning', async (context) => {
  const host = await createHost(context);
  await initInterface(config, false, host);
  await chmod(filePath(host), 0o644);
  host.log.takeLines();
  await initInterface(config, false, host);
  assert.equal((await stat(filePath(host))).mode & 0o777, 0o600);
  assert.deepEqual(
    host.log.takeLines().map(({ level }) => level),
    ['warn'],
  );
});

test('what a crash left of an earlier write is removed, for it holds a key', async (context) => {
  const host = await createHost(context);
  await mkdir(host.folder);
  await writeFile(`${filePath(host)}.7-1.tmp`, 'PrivateKey = old');
  await initInterface(config, false, host);
  assert.deepEqual(await readdir(host.folder), ['wg0.conf']);
});

test('no key is made while a live one can’t be read', async (context) => {
  const host = await createHost(context, (line) =>
    line.startsWith('wg show') ? fail('command_timeout' as const) : null,
  );
  await host.setLinks('lo', 'wg0');
  const made = await initInterface(config, false, host);
  assert.equal(made.ok || made.failure.code, 'device_silent');
  assert.deepEqual(await readdir(host.folder), []);
});

test('a file that can’t be written is a named failure', async (context) => {
  const host = await createHost(context);
  await writeFile(host.folder, 'not a folder');
  const made = await initInterface(config, false, host);
  assert.ok(!made.ok);
  assert.equal(made.failure.code, 'file_write_failed');
  assert.ok(made.failure.message.includes(host.folder));
});

test('who waits in vain for another is told so', async (context) => {
  const host = await createHost(context, (line) =>
    line.startsWith('flock') ? fail('command_refused' as const) : null,
  );
  const made = await initInterface(config, false, host);
  assert.equal(made.ok || made.failure.code, 'busy');
});

test('a missing program is named with its package', async (context) => {
  const host = await createHost(context, (line) =>
    line.startsWith('ip ') ? fail('command_missing' as const) : null,
  );
  const up = await bringUp(config, false, host);
  assert.ok(!up.ok);
  assert.equal(up.failure.code, 'tool_missing');
  assert.match(up.failure.message, /install the package iproute2/);
});

test('without root it says that root is needed', async (context) => {
  const host = await createHost(context, (line) =>
    line.startsWith('ip ') || line.startsWith('wireguard-go') ? fail('command_refused' as const) : null,
  );
  const up = await bringUp(config, false, { ...host, isRoot: false });
  assert.equal(up.ok || up.failure.code, 'not_permitted');
});

test('an interface that can’t be completed is taken away again', async (context) => {
  const host = await createHost(context, (line) =>
    line.startsWith('wg set') ? fail('command_refused' as const) : null,
  );
  const up = await bringUp(config, false, host);
  assert.equal(up.ok || up.failure.code, 'command_failed');
  const made = host.calls.indexOf('ip link add dev wg0 type wireguard');
  const gone = host.calls.indexOf('ip link delete dev wg0');
  assert.ok(made !== -1 && made < gone);
});

test('a live interface is never deleted by up, whatever fails', async (context) => {
  const host = await createHost(context, (line) =>
    line.startsWith('wg set') ? fail('command_refused' as const) : null,
  );
  await initInterface(config, false, host);
  await host.setLinks('lo', 'wg0');
  assert.equal((await bringUp(config, false, host)).ok, false);
  assert.ok(!host.calls.some((line) => line.startsWith('ip link')));
});

test('the private key is in no argument and no log', async (context) => {
  const host = await createHost(context, (line) => {
    if (line.startsWith('ip -json')) return ok('[{"ifname":"wg0","flags":[],"mtu":1420,"addr_info":[]}]');
    return line.endsWith(' dump') ? ok('(none)\t(none)\t0\toff\n') : null;
  });
  assert.deepEqual(await bringUp(config, false, host), ok('made'));
  const key = /^PrivateKey = (.*)$/m.exec(await readFile(filePath(host), 'utf8'))?.[1] ?? '';
  assert.equal(key.length, 44);
  assert.ok(host.calls.includes('wg set wg0 private-key /dev/fd/3'));
  assert.ok(!JSON.stringify([host.calls, host.log.lines]).includes(key));
});

test('peers leave before the interface does, in calls of a bounded size', async (context) => {
  const keys = Array.from({ length: 1_001 }, (_, index) => {
    const bytes = Buffer.alloc(32);
    bytes.writeUInt32LE(index + 1);
    return bytes.toString('base64');
  });
  const host = await createHost(context, (line) =>
    line === 'wg show wg0 peers' ? ok(`${keys.join('\n')}\n`) : null,
  );
  await initInterface(config, false, host);
  await host.setLinks('lo', 'wg0');
  assert.deepEqual(await takeDown(config, host), ok('taken_down'));
  const removals = host.calls.filter((line) => line.startsWith('wg set wg0 peer'));
  assert.deepEqual(
    removals.map((line) => line.split(' remove').length - 1),
    [1_000, 1],
  );
  const last = host.calls.indexOf(removals[1] ?? '');
  assert.ok(last < host.calls.indexOf('ip link delete dev wg0'));
});

test('from under a file made by hand peers leave first, too, unless wg-quick is to save them', async (context) => {
  const peer = Buffer.alloc(32, 7).toString('base64');
  const host = await createHost(context, (line) => (line === 'wg show wg0 peers' ? ok(`${peer}\n`) : null));
  const text = `[Interface]\nPrivateKey = ${generateKeyPair().privateKey}\n`;
  await mkdir(host.folder, { mode: 0o700 });
  await host.setLinks('lo', 'wg0');
  const quick = `wg-quick down ${filePath(host)}`;
  const removal = `wg set wg0 peer ${peer} remove`;

  await writeFile(filePath(host), text);
  assert.deepEqual(await takeDown(config, host), ok('taken_down'));
  assert.equal(host.calls.indexOf(removal) + 1, host.calls.indexOf(quick));

  host.calls.length = 0;
  await writeFile(filePath(host), `${text}SaveConfig = True\n`);
  assert.deepEqual(await takeDown(config, host), ok('taken_down'));
  assert.ok(host.calls.includes(quick));
  assert.ok(!host.calls.includes(removal));
});

test('an interface that does not come up names who has its port', async (context) => {
  const socket = createSocket('udp4').bind(0);
  await once(socket, 'listening');
  context.after(() => socket.close());
  const { port } = socket.address();
  const host = await createHost(context, (line) => {
    if (line.startsWith('ip -json')) return ok('[{"ifname":"wg0","flags":[],"mtu":1420,"addr_info":[]}]');
    return line.startsWith('ip link set mtu') ? fail('command_refused') : null;
  });
  const taken = await bringUp({ ...config, listenPort: port }, false, host);
  assert.equal(taken.ok || taken.failure.code, 'port_taken');
  const who = new RegExp(`^UDP port ${port} is taken by .* \\(pid ${process.pid}\\): stop that program`);
  assert.match(taken.ok ? '' : taken.failure.message, who);
  assert.ok(host.calls.includes('ip link delete dev wg0'));
});

test('without flock its package is named', async (context) => {
  const host = await createHost(context, (line) =>
    line.startsWith('flock ') ? fail('command_missing') : null,
  );
  const up = await bringUp(config, false, host);
  assert.match(up.ok ? '' : up.failure.message, /install the package util-linux$/);
});

const silent: Answer = (line) => (line.endsWith(' dump') ? fail('command_timeout') : null);
const levels = (host: FakeHost) => host.log.takeLines().map(({ level, message }) => `${level}: ${message}`);

test('a server starts on an interface whose device is silent, and up does not', async (context) => {
  const host = await createHost(context, silent);
  await host.setLinks('lo', 'wg0');
  await initInterface(config, false, { ...host, run: async () => ok('') });
  host.log.takeLines();
  const up = await bringUp(config, false, host);
  assert.equal(up.ok || up.failure.code, 'device_silent');
  levels(host);
  assert.deepEqual(await prepareInterface(config, false, host), ok(undefined));
  assert.match(levels(host).at(-1) ?? '', /^error: .*does not answer.*API is served all the same/);
});

test('a server does not start on a silent device that it made and took away again', async (context) => {
  const host = await createHost(context, silent);
  const prepared = await prepareInterface(config, false, host);
  assert.equal(prepared.ok || prepared.failure.code, 'device_silent');
});

test('the dump that tells what the interface is stays as it is, unless the device is changed', async (context) => {
  let privateKey = '(none)';
  let port = 51820;
  const dump = () => {
    const publicKey = privateKey === '(none)' ? '(none)' : derivePublicKey(privateKey as PrivateKey);
    return `${privateKey}\t${publicKey}\t${port}\toff\nthe peers\n`;
  };
  const host = await createHost(context, (line) => {
    if (line.startsWith('ip -json')) return ok('[{"ifname":"wg0","flags":["UP"],"mtu":1420,"addr_info":[]}]');
    return line.endsWith(' dump') ? ok(dump()) : null;
  });
  await host.setLinks('lo', 'wg0');
  const keptDump = createKeptDump(createFakeClock());
  const kept = async () => {
    assert.deepEqual(await prepareInterface(config, false, { ...host, keptDump }), ok(undefined));
    const file = keptDump.take();
    const text = file?.read(0, 1_000) ?? null;
    file?.close();
    return text;
  };
  assert.equal(await kept(), null, 'the key was set');
  privateKey = /^PrivateKey = (.*)$/m.exec(await readFile(filePath(host), 'utf8'))?.[1] ?? '';
  assert.equal(await kept(), dump());
  port = 7;
  assert.equal(await kept(), null, 'the port was set');
});

test('a server without root looks at the interface and does nothing to it', async (context) => {
  let port = 51820;
  const addresses = '[{"family":"inet","scope":"global","local":"10.7.0.1","prefixlen":24}]';
  const host = await createHost(context, (line) => {
    if (line.startsWith('ip -json'))
      return ok(`[{"ifname":"wg0","flags":["UP"],"mtu":1420,"addr_info":${addresses}}]`);
    return line.endsWith(' dump') ? ok(`secret\tpublic\t${port}\toff\n`) : null;
  });
  const user = { ...host, isRoot: false };
  assert.deepEqual(await prepareInterface(config, false, user), ok(undefined));
  assert.match(levels(host).join(), /^error: there is no interface wg0.*up" as root.*API is served/);
  await host.setLinks('lo', 'wg0');
  assert.deepEqual(await prepareInterface(config, false, user), ok(undefined));
  assert.deepEqual(levels(host), ['info: interface is up']);
  port = 7;
  await prepareInterface(config, false, user);
  const [line] = host.log.takeLines();
  assert.equal(line?.level, 'warn');
  assert.deepEqual(line?.fields['differences'], ['it listens on port 7, not on 51820']);
  assert.deepEqual(new Set(host.calls), new Set(['wg show wg0 dump', 'ip -json address show dev wg0']));
  await assert.rejects(stat(host.folder), { code: 'ENOENT' });
});
