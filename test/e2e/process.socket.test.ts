// The program as a process: arguments, refusals to start, exit codes and signals. What it serves is tested elsewhere.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { jsonOf, type PageShape } from '../fixtures/api-client.ts';
import { connect } from '../fixtures/raw-client.ts';
import { createNodeHome, type Ended } from '../fixtures/running-node.ts';
import { until } from '../fixtures/until.ts';

const lines = (text: string) => text.split('\n').filter((line) => line !== '');
const messages = (ended: Ended, level: string) =>
  lines(ended.stdout)
    .map((line) => JSON.parse(line) as { level: string; msg: string })
    .filter((line) => line.level === level)
    .map(({ msg }) => msg);

test('a taken port is one clear line and exit 1', async (context) => {
  const home = await createNodeHome(context);
  const other = createServer().listen(home.port, '127.0.0.1');
  context.after(() => other.close());
  const ended = await home.run();
  assert.equal(ended.status, 1);
  assert.equal(ended.stderr, '');
  const fatal = messages(ended, 'fatal');
  assert.equal(fatal.length, 1, ended.stdout);
  assert.match(fatal[0] ?? '', new RegExp(`${home.port}.*another program`));
  assert.ok(!existsSync(home.storePath), 'nothing was stored');
});

test('a second node on the same store is refused at once, and the first one goes on', async (context) => {
  const first = await createNodeHome(context);
  const second = await createNodeHome(context, {
    settings: { wireguard: { peer_store_file: first.storePath } },
  });
  const node = await first.start();
  assert.equal((await node.request('POST', '/peers', { body: { peerId: randomUUID() } })).status, 200);
  const before = readFileSync(first.storePath);
  const ended = await second.run();
  assert.equal(ended.status, 1);
  const fatal = messages(ended, 'fatal');
  assert.equal(fatal.length, 1, ended.stdout);
  assert.match(fatal[0] ?? '', /peers\.db/);
  assert.match(fatal[0] ?? '', /another process/);
  assert.deepEqual(readFileSync(first.storePath), before);
  assert.equal((await node.request('POST', '/peers', { body: { peerId: randomUUID() } })).status, 200);

  await node.kill('SIGKILL');
  const again = await second.start();
  assert.equal(jsonOf<PageShape>(await again.request('GET', '/peers')).data.length, 2);
});

test('unknown words are one line on stderr and exit 2', async (context) => {
  const home = await createNodeHome(context);
  for (const args of [
    ['--verbose'],
    ['serve'],
    ['up', 'now'],
    ['--print-path'],
    ['init', '--force'],
    ['-x'],
  ]) {
    const ended = await home.run({ args });
    assert.equal(ended.status, 2, args.join(' '));
    assert.equal(ended.stdout, '');
    assert.equal(lines(ended.stderr).length, 1, ended.stderr);
    assert.ok(ended.stderr.includes(args.at(-1) ?? ''), ended.stderr);
  }
});

test('--version and --help need no configuration', async (context) => {
  const home = await createNodeHome(context);
  const env = { NODE_CONFIG: '/nowhere/config.yaml' };
  const version = await home.run({ args: ['--version'], env });
  assert.deepEqual([version.status, version.stdout, version.stderr], [0, '2.0.0\n', '']);
  const help = await home.run({ args: ['--help'], env });
  assert.equal(help.status, 0);
  assert.equal(help.stderr, '');
  for (const command of ['init', 'up', 'down', '--print-path']) assert.ok(help.stdout.includes(command));
});

test('all errors of the configuration come at once, without its secrets', async (context) => {
  const home = await createNodeHome(context, {
    settings: {
      server: { port: 70_000, tls_cert: '/x.pem' },
      auth: { api_key: 'too-short-but-secret' },
      wireguard: { interface: 'a-name-that-is-too-long', listen_port: '0', subnet: '10.0.0.1/24', typo: 1 },
      log: { level: 'loud' },
    },
  });
  const ended = await home.run();
  assert.equal(ended.status, 1);
  for (const key of [
    'server.port',
    'server.tls_key',
    'auth.api_key',
    'wireguard.interface',
    'wireguard.listen_port',
    'wireguard.subnet',
    'wireguard.typo',
    'log.level',
  ]) {
    assert.ok(
      lines(ended.stderr).some((line) => line.includes(`${key}:`)),
      `${key} in\n${ended.stderr}`,
    );
  }
  assert.match(ended.stderr, /70000/);
  assert.ok(!(ended.stderr + ended.stdout).includes('too-short-but-secret'));
  const missing = await home.run({ env: { NODE_CONFIG: '/nowhere/config.yaml' } });
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /\/nowhere\/config\.yaml/);
  assert.equal(lines(missing.stderr).length, 1);
});

test('a damaged store stops the start and is left as it is; the folder of a new one is private', async (context) => {
  const home = await createNodeHome(context);
  mkdirSync(dirname(home.storePath));
  writeFileSync(home.storePath, 'not a store');
  const ended = await home.run();
  assert.equal(ended.status, 1);
  const fatal = messages(ended, 'fatal');
  assert.equal(fatal.length, 1);
  assert.ok(fatal[0]?.includes(home.storePath), fatal[0]);
  assert.equal(readFileSync(home.storePath, 'utf8'), 'not a store');

  const other = await createNodeHome(context);
  const node = await other.start();
  assert.equal(existsSync(other.storePath), false, 'the file comes with the first change');
  assert.equal((await node.request('POST', '/peers', { body: { peerId: randomUUID() } })).status, 200);
  assert.equal(statSync(dirname(other.storePath)).mode & 0o777, 0o700);
  assert.equal(statSync(other.storePath).mode & 0o777, 0o600);
});

test('a folder that can not be written to stops the start', async (context) => {
  const home = await createNodeHome(context, {
    settings: { wireguard: { peer_store_file: '/proc/peers.db' } },
  });
  const ended = await home.run();
  assert.equal(ended.status, 1);
  const fatal = messages(ended, 'fatal');
  assert.equal(fatal.length, 1, ended.stdout);
  assert.match(fatal[0] ?? '', /\/proc/);
});

test('SIGTERM and SIGINT end it with 0 once it has drained; SIGHUP does not', async (context) => {
  const home = await createNodeHome(context);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const node = await home.start();
    process.kill(node.pid, 'SIGHUP');
    assert.equal((await node.request('GET', '/healthz')).status, 200);
    const ended = await node.kill(signal);
    assert.deepEqual([ended.status, ended.signal, ended.stderr], [0, null, '']);
  }
});

test('a log that nobody reads for now stops no request, and loses no line', {
  timeout: 60_000,
}, async (context) => {
  const home = await createNodeHome(context);
  const pipe = join(home.folder, 'log');
  execFileSync('mkfifo', [pipe]);
  const reader = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  context.after(() => closeSync(reader));
  const node = await home.start({ prefix: ['sh', '-c', `exec "$@" >${pipe}`, 'sh'] });
  // A pipe holds 64 KB (pipe(7)), some 250 of these lines.
  const peerIds = Array.from({ length: 50 }, () => randomUUID());
  const rounds = 10;
  for (let round = 0; round < rounds; round++) {
    const answers = await Promise.all(
      peerIds.map((peerId) => node.request('POST', '/peers', { body: { peerId } })),
    );
    assert.ok(answers.every(({ status }) => status === 200));
  }
  let said = '';
  const piece = Buffer.alloc(65_536);
  await until('every change is told', async () => {
    try {
      said += piece.toString('utf8', 0, readSync(reader, piece));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
    }
    return said.split('"audit":true').length > peerIds.length * rounds;
  });
  assert.equal(said.includes('were lost'), false);
});

test('a client that never finishes its request does not keep it from ending; a second signal ends it at once', async (context) => {
  const home = await createNodeHome(context);
  const node = await home.start();
  const client = await connect(home.port);
  context.after(() => client.close());
  client.send(
    `POST /peers HTTP/1.1\r\nHost: node\r\nX-API-Key: ${home.apiKey}\r\nContent-Length: 100\r\n\r\n{"peerId"`,
  );
  // Answered behind the half request, which has then been seen.
  assert.equal((await node.request('GET', '/peers')).status, 200);
  const startedMs = performance.now();
  process.kill(node.pid, 'SIGTERM');
  await until('it drains', async () =>
    connect(home.port).then(
      (late) => {
        late.close();
        return false;
      },
      () => true,
    ),
  );
  const ended = await node.kill('SIGTERM');
  assert.equal(ended.status, 143);
  assert.ok(performance.now() - startedMs < 3_500, 'before the drain has ended');

  const next = await home.start();
  const patient = await connect(home.port);
  context.after(() => patient.close());
  patient.send(
    `POST /peers HTTP/1.1\r\nHost: node\r\nX-API-Key: ${home.apiKey}\r\nContent-Length: 100\r\n\r\n{"peerId"`,
  );
  assert.equal((await next.request('GET', '/peers')).status, 200);
  const alone = performance.now();
  assert.equal((await next.kill('SIGTERM')).status, 0);
  assert.ok(performance.now() - alone < 5_000);
});
