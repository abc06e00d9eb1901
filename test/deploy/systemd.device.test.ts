// What systemd would do with the units, done by hand: install below a folder, hand root's files over, and run the server as
// a user that has nothing but one capability, on a real interface. Units themselves are read in systemd.test.ts.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createNamespace, type Namespace } from '../fixtures/namespace.ts';
import { until } from '../fixtures/until.ts';

const nobody = 65_534;
const dest = mkdtempSync(join(tmpdir(), 'systemd-'));
after(() => rmSync(dest, { recursive: true }));
execFileSync('chmod', ['0755', dest]);

const program = join(dest, 'opt/wgkeeper-node');
const settings = join(dest, 'etc/wgkeeper-node');
const units = join(dest, 'etc/systemd/system');

function run(script: string, ...args: string[]): string {
  const env = { PATH: process.env['PATH'], HOME: dest, DESTDIR: dest };
  return execFileSync(`docs/systemd/${script}`, args, { env, encoding: 'utf8' });
}

/**
 * Makes a folder in which anybody may use the control socket of `wg0`. It is root's with wireguard-go, unlike with the kernel,
 * where the capability is all that is asked for; and wireguard-go ends when its socket is changed.
 */
async function openControlSocket(host: Namespace, folder: string): Promise<void> {
  mkdirSync(folder);
  const relay = `const { chmodSync } = require('node:fs');
    const { connect, createServer } = require('node:net');
    createServer((client) => {
      const device = connect('/run/wireguard/wg0.sock');
      for (const socket of [client, device]) socket.on('error', () => {});
      client.pipe(device).pipe(client);
    }).listen('${folder}/wg0.sock', () => { chmodSync('${folder}/wg0.sock', 0o777); console.log('open'); });`;
  const child = host.spawn([process.execPath, '-e', relay], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout !== null) await once(child.stdout, 'data');
}

/** Every entry of the folder: its mode, its time and its size. */
function stateOf(folder: string): readonly string[] {
  return readdirSync(folder).map((name) => {
    const { mode, mtimeMs, size } = lstatSync(join(folder, name));
    return `${name} ${mode.toString(8)} ${mtimeMs} ${size}`;
  });
}

test('install puts everything in place, and run again it leaves configuration and key alone', () => {
  run('install', '--userspace');
  const version = execFileSync(process.execPath, [join(program, 'dist/adapters/main.js'), '--version']);
  assert.match(String(version), /^\d+\.\d+\.\d+\n$/);
  assert.deepEqual(readdirSync(units).sort(), [
    'wgkeeper-node-interface.service',
    'wgkeeper-node.service',
    'wgkeeper-node.service.d',
  ]);
  assert.ok(existsSync(join(units, 'wgkeeper-node.service.d/userspace.conf')));
  const unit = readFileSync(join(units, 'wgkeeper-node.service'), 'utf8');
  const [command = '', main = ''] = /^ExecStart=(.*)$/m.exec(unit)?.[1]?.split(' ') ?? [];
  assert.ok(existsSync(command) && existsSync(join(dest, main)), `${command} ${main}`);
  for (const name of ['config.yaml', 'api-key']) {
    assert.equal(statSync(join(settings, name)).mode & 0o777, 0o600);
  }
  assert.equal(statSync(settings).mode & 0o777, 0o700);
  assert.match(readFileSync(join(settings, 'api-key'), 'utf8'), /^[0-9a-f]{64}$/);
  assert.ok(
    !existsSync(join(program, 'node_modules/typescript')),
    'what only development needs stays behind',
  );
  const natives = readdirSync(join(program, 'node_modules/uWebSockets.js')).filter((name) =>
    /node$/.test(name),
  );
  assert.equal(natives.length, 1);

  const look = () => [stateOf(settings), readdirSync(program, { recursive: true }).sort()];
  const before = look();
  run('install', '--userspace');
  assert.deepEqual(look(), before);
});

test('the drop-in for wireguard-go goes when it is no longer asked for, and no other one with it', () => {
  const dropIns = join(units, 'wgkeeper-node.service.d');
  writeFileSync(join(dropIns, 'own.conf'), '');
  assert.match(run('install'), /drop-in for wireguard-go is removed/);
  assert.deepEqual(readdirSync(dropIns), ['own.conf']);
  rmSync(join(dropIns, 'own.conf'));
  run('install', '--userspace');
  run('install');
  assert.ok(!existsSync(dropIns));
  assert.doesNotMatch(run('install'), /removed/);
});

test('files are handed over whole, to the server alone, and leave with their originals', () => {
  const [from, to, own] = ['from', 'to', 'own'].map((name) => join(dest, name)) as [string, string, string];
  for (const folder of [from, own]) mkdirSync(folder);
  chownSync(own, nobody, nobody);
  writeFileSync(join(from, 'config.yaml'), 'one', { mode: 0o600 });
  writeFileSync(join(dest, 'renewed.pem'), 'certificate', { mode: 0o600 });
  symlinkSync('../renewed.pem', join(from, 'tls.crt'));
  const handOver = () => run('hand-over', from, to, own);
  handOver();
  for (const [name, text] of [
    ['config.yaml', 'one'],
    ['tls.crt', 'certificate'],
  ] as const) {
    const { uid, mode } = lstatSync(join(to, name));
    assert.deepEqual([uid, (mode & 0o777777).toString(8)], [nobody, '100400']);
    assert.equal(readFileSync(join(to, name), 'utf8'), text);
  }
  assert.deepEqual([statSync(to).uid, statSync(to).mode & 0o777], [0, 0o755]);
  writeFileSync(join(from, 'config.yaml'), 'two');
  rmSync(join(from, 'tls.crt'));
  handOver();
  assert.deepEqual(readdirSync(to), ['config.yaml']);
  assert.equal(readFileSync(join(to, 'config.yaml'), 'utf8'), 'two');
});

test('a user with one capability serves the interface that root brought up', async (context) => {
  const host = await createNamespace(context);
  const [files, state] = [join(dest, 'run'), join(dest, 'state')];
  mkdirSync(state, { mode: 0o700 });
  chownSync(state, nobody, nobody);
  const configPath = join(settings, 'config.yaml');
  const text = readFileSync(configPath, 'utf8').replace('/var/lib/wgkeeper-node', state);
  writeFileSync(configPath, text.replace(/^ {4}wan_interface:.*$/m, ''));
  run('hand-over', settings, files, state);
  const main = join(program, 'dist/adapters/main.js');
  const asRoot = (...args: string[]) =>
    host.run('env', '-C', settings, 'NODE_CONFIG=config.yaml', process.execPath, main, ...args);
  await asRoot('up');
  const sockets = join(dest, 'sockets');
  await openControlSocket(host, sockets);

  const user = ['--reuid', String(nobody), '--regid', String(nobody), '--clear-groups'];
  const capability = ['--inh-caps', '-all,+net_admin', '--ambient-caps', '+net_admin', '--no-new-privs'];
  const command = ['setpriv', ...user, ...capability, '--bounding-set', '-all,+net_admin'];
  const environment = [`PATH=${process.env['PATH']}`, 'NODE_CONFIG=config.yaml'];
  const server = host.spawn(
    ['unshare', '--mount', 'sh', '-c', `mount --bind ${sockets} /run/wireguard && exec "$@"`, 'sh'].concat(
      'env',
      '-i',
      '-C',
      files,
      environment,
      command,
      process.execPath,
      main,
    ),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let log = '';
  server.stdout?.on('data', (piece) => {
    log += piece;
  });
  const curl = (path: string, ...args: string[]) =>
    host.run('curl', '-sS', '-m', '5', `http://127.0.0.1:51821${path}`, ...args);
  await until('it is ready', async () => {
    if (server.exitCode !== null) throw new Error(`it ended: ${log}`);
    return (await curl('/readyz').catch(() => '')) === '{"status":"ok"}';
  });
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
  assert.match(status, new RegExp(`^Uid:\\s+${nobody}\\s+${nobody}\\s+${nobody}`, 'm'));
  // CAP_NET_ADMIN is number 12 (linux/capability.h).
  for (const set of ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
    assert.match(status, new RegExp(`^${set}:\\s+0000000000001000$`, 'm'));
  }
  const key = readFileSync(join(settings, 'api-key'), 'utf8');
  const json = ['-H', 'Content-Type: application/json', '-H', `X-API-Key: ${key}`];
  const body = JSON.stringify({ peerId: randomUUID() });
  const created = JSON.parse(await curl('/peers', ...json, '-d', body)) as { peer: { publicKey: string } };
  assert.equal((await host.run('wg', 'show', 'wg0', 'peers')).trim(), created.peer.publicKey);
  assert.equal(statSync(join(state, 'peers.db')).uid, nobody);

  // As a reload does it before it signals.
  const check = () =>
    host.run(
      ...['env', '-i', '-C', files, ...environment],
      ...command,
      process.execPath,
      main,
      'check-config',
    );
  writeFileSync(join(settings, 'api-key'), 'too short');
  run('hand-over', settings, files, state);
  await assert.rejects(check(), /config\.yaml:\d+: auth\.api_key_file: /);

  writeFileSync(join(settings, 'api-key'), 'n'.repeat(64));
  run('hand-over', settings, files, state);
  assert.match(await check(), /is right/);
  server.kill('SIGHUP');
  await until('the new key holds', async () => {
    return (await curl('/stats', '-H', `X-API-Key: ${'n'.repeat(64)}`)).includes('"service"');
  });
  server.kill('SIGTERM');
  await until('it has ended', () => server.exitCode !== null);
  assert.equal(server.exitCode, 0, log);
});

test('uninstall takes away the program and its units, and the rest when told to', () => {
  run('uninstall');
  assert.deepEqual([existsSync(program), readdirSync(units)], [false, []]);
  assert.ok(existsSync(join(settings, 'config.yaml')));
  run('uninstall', '--purge');
  assert.ok(!existsSync(settings));
  run('uninstall', '--purge');
});
