import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, createNamespace, type Namespace } from './fixtures/namespace.ts';
import { copyProject } from './fixtures/project-copy.ts';

// Resolves with everything said so far once a line says that the API is served.
async function served(child: ChildProcess): Promise<string> {
  let said = '';
  const ended = once(child, 'close').then(() => Promise.reject(new Error(`it ended: ${said}`)));
  const ready = new Promise<string>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (piece) => {
        said += piece;
        if (said.includes('the API is served')) resolve(said);
      });
    }
  });
  return Promise.race([ready, ended]);
}

async function stop(child: ChildProcess): Promise<number | null> {
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  const [status] = await closed;
  return status;
}

const startIn = (namespace: Namespace, folder: string) =>
  namespace.spawn(['sh', '-c', 'cd "$1" && exec ./start', 'sh', folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** The block of commands that ./start prints for a first peer. */
function printedCommands(said: string): string {
  const block = /another terminal[^\n]*:\n\n([\s\S]*?)\n\n/.exec(said);
  assert.ok(block, said);
  return block[1] ?? '';
}

test('from nothing to a client that reaches the world through the node; again, it changes nothing', async (context) => {
  const host = await createNamespace(context);
  const client = await createNamespace(context);
  const world = await createNamespace(context);
  await connect(
    { namespace: host, name: 'eth0', addresses: ['192.0.2.1/24'] },
    { namespace: client, name: 'eth0', addresses: ['192.0.2.2/24'] },
  );
  await connect(
    { namespace: host, name: 'wan0', addresses: ['198.51.100.1/24'] },
    { namespace: world, name: 'wan0', addresses: ['198.51.100.2/24'] },
  );
  await host.run('ip', 'route', 'add', 'default', 'via', '198.51.100.2');
  // The world knows no way back to clients, so only masqueraded packets are answered.
  const folder = await copyProject(context);

  const first = startIn(host, folder);
  const said = await served(first);
  const config = await readFile(join(folder, 'config.yaml'), 'utf8');
  assert.equal((await stat(join(folder, 'config.yaml'))).mode & 0o777, 0o600);
  const key = /api_key: "([0-9a-f]{64})"/.exec(config)?.[1] ?? '';
  assert.notEqual(key, '');
  assert.match(config, /^ {4}wan_interface: wan0$/m);
  assert.match(config, /^ {2}peer_store_file: /m);
  assert.match(said, /config\.yaml written.*API key/);
  assert.ok(!said.includes(key));
  const index = await host.run('cat', '/sys/class/net/wg0/ifindex');

  // The address in the printed commands is the one towards the default route; this client comes from elsewhere.
  const commands = printedCommands(said).replace('198.51.100.1', '192.0.2.1');
  await host.run('sh', '-c', commands);
  assert.equal((await stat(join(folder, 'client.conf'))).mode & 0o777, 0o600);
  await client.run('wg-quick', 'up', join(folder, 'client.conf'));
  await client.run('ping', '-c', '1', '-W', '10', '10.8.0.1');
  await client.run('ping', '-c', '1', '-W', '10', '198.51.100.2');
  assert.equal(await stop(first), 0);

  const second = startIn(host, folder);
  const again = await served(second);
  assert.doesNotMatch(again, /installing|compiling|written|changed|added|removed/);
  assert.equal(await readFile(join(folder, 'config.yaml'), 'utf8'), config);
  assert.equal(await host.run('cat', '/sys/class/net/wg0/ifindex'), index);
  await client.run('ping', '-c', '1', '-W', '10', '198.51.100.2');
  assert.equal(await stop(second), 0);
});

test('a subnet inside of a network that the host is in is not taken', async (context) => {
  const host = await createNamespace(context);
  await host.run('ip', 'address', 'add', '10.1.2.3/8', 'dev', 'lo');
  const folder = await copyProject(context);
  const child = startIn(host, folder);
  const said = await served(child);
  assert.match(await readFile(join(folder, 'config.yaml'), 'utf8'), /^ {2}subnet: 172\.29\.8\.0\/24$/m);
  assert.match(said, /no default route/);
  assert.equal(await stop(child), 0);
});

test('the look around serves without an interface and says that no traffic flows', async (context) => {
  const host = await createNamespace(context);
  const folder = await copyProject(context);
  const child = host.spawn(['sh', '-c', 'cd "$1" && exec ./start --memory', 'sh', folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = await served(child);
  assert.match(said, /no traffic flows/);
  await host.run('sh', '-c', printedCommands(said));
  assert.match(await readFile(join(folder, 'client.conf'), 'utf8'), /^PresharedKey = .{43}=$/m);
  assert.ok(!(await host.run('cat', '/proc/net/dev')).includes('wg0'));
  assert.equal(await stop(child), 0);
});
