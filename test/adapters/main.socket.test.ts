// The program as it is started: streams, exit codes, signals and environment. In memory, so no root is needed.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL(`../../adapters/main${extname(import.meta.url)}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'wgkeeper-main-'));
const apiKey = 'S3CR3T-'.repeat(5);
const children: ChildProcess[] = [];
let files = 0;

after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

function writeConfig(port: number, more = ''): string {
  const path = join(folder, `${++files}.yaml`);
  const wireguard =
    'wireguard: {interface: wgk-none, listen_port: 51820, subnet: 10.0.0.0/24, backend: memory}';
  const text = `server: {port: ${port}, host: 127.0.0.1}\nauth: {api_key: ${apiKey}}\n${wireguard}\n${more}`;
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

interface Run {
  readonly child: ChildProcess;
  readonly output: () => { readonly stdout: string; readonly stderr: string };
  /** Resolves once stdout matches; fails when the program ends before. */
  saw(pattern: RegExp): Promise<void>;
  readonly ended: Promise<{ readonly status: number | null; readonly signal: string | null }>;
}

function start(args: readonly string[], environment: Record<string, string> = {}): Run {
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let stdout = '';
  let stderr = '';
  let check = () => {};
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    check();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = once(child, 'close').then(([status, signal]) => ({
    status: status as number | null,
    signal: signal as string | null,
  }));
  return {
    child,
    output: () => ({ stdout, stderr }),
    ended,
    saw: (pattern) =>
      new Promise((resolve, reject) => {
        check = () => {
          if (pattern.test(stdout)) resolve();
        };
        check();
        void ended.then((end) => reject(new Error(`ended with ${JSON.stringify({ end, stdout, stderr })}`)));
      }),
  };
}

async function finished(args: readonly string[], environment: Record<string, string> = {}) {
  const run = start(args, environment);
  const { status } = await run.ended;
  return { status, ...run.output() };
}

/** A server that serves. */
async function serving(more = '', environment: Record<string, string> = {}) {
  const port = await freePort();
  const run = start([], { NODE_CONFIG: writeConfig(port, more), ...environment });
  await run.saw(/the API is served/);
  return { ...run, port };
}

function status(port: number, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/peers', headers, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    }).on('error', reject);
  });
}

describe('commands', () => {
  it('--version and --help print to stdout and need no configuration', async () => {
    const version = await finished(['--version'], { NODE_CONFIG: '/nowhere' });
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
    const help = await finished(['-h'], { NODE_CONFIG: '/nowhere' });
    assert.match(help.stdout, /^Usage: /);
    for (const { status, stderr } of [version, help]) assert.deepEqual([status, stderr], [0, '']);
  });

  it('that nobody knows end with 2 and one line on stderr', async () => {
    for (const args of [['start'], ['--force'], ['up', 'now']]) {
      const { status, stdout, stderr } = await finished(args);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, /^wgkeeper-node: .+\n$/);
    }
  });

  it('end with 1 and every problem on stderr when the configuration is wrong', async () => {
    const NODE_CONFIG = writeConfig(0, 'extra: 1\n');
    for (const args of [[], ['up'], ['init', '--print-path']]) {
      const { status, stdout, stderr } = await finished(args, { NODE_CONFIG });
      assert.deepEqual([status, stdout], [1, '']);
      assert.deepEqual(stderr.split('\n'), [
        `${NODE_CONFIG}:1: server.port: got 0, want a port from 1 to 65535`,
        `${NODE_CONFIG}:4: extra: got an unknown key, want server, auth, wireguard, log, metrics`,
        '',
      ]);
    }
  });

  it('read config.yaml in the working directory unless told otherwise', async () => {
    for (const environment of [{}, { NODE_CONFIG: '' }]) {
      assert.match((await finished(['up'], environment)).stderr, /^config\.yaml: there is no such file/);
    }
  });

  it('of an interface do nothing with a device in memory, and say so in a line on stderr', async () => {
    const NODE_CONFIG = writeConfig(1);
    for (const args of [['up'], ['down'], ['init'], ['init', '--print-path']]) {
      const { status, stdout, stderr } = await finished(args, { NODE_CONFIG });
      assert.deepEqual([status, stdout], [0, '']);
      assert.match(stderr, /^\{"level":"info".*there is no interface.*\n$/);
    }
  });

  it('survive that nobody reads what they print', async () => {
    const run = start(['--help']);
    run.child.stdout?.destroy();
    assert.deepEqual(await run.ended, { status: 0, signal: null });
    assert.equal(run.output().stderr, '');
  });
});

describe('the server', () => {
  it('answers, and ends with 0 when asked by either signal', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const { child, port, ended, output } = await serving();
      assert.equal(await status(port), 401);
      assert.equal(await status(port, { 'x-api-key': apiKey }), 200);
      child.kill(signal);
      assert.deepEqual(await ended, { status: 0, signal: null });
      assert.match(output().stdout, /"msg":"stopped/);
      assert.equal(output().stderr, '');
    }
  });

  it('ends at once at the second signal, though a request is still on its way', async () => {
    const { child, port, ended, saw } = await serving();
    const headers = { 'x-api-key': apiKey, 'content-type': 'application/json', 'content-length': '100' };
    const pending = request({ host: '127.0.0.1', port, path: '/peers', method: 'POST', headers });
    pending.on('error', () => {});
    pending.write('{');
    // Its answer shows that the server has taken what came before.
    await status(port);
    child.kill('SIGTERM');
    await saw(/"msg":"stopping"/);
    child.kill('SIGINT');
    assert.deepEqual(await ended, { status: 130, signal: null });
  });

  it('goes on when its terminal closes and when its log is read no more', async () => {
    const { child, port, ended } = await serving('', { DEBUG: '1' });
    child.kill('SIGHUP');
    child.stdout?.destroy();
    for (let count = 0; count < 3; count++) assert.equal(await status(port), 401);
    child.kill('SIGTERM');
    assert.deepEqual(await ended, { status: 0, signal: null });
  });

  it('says why it can not start, and ends with 1', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    assert.ok(typeof address === 'object' && address !== null);
    const { status, stdout } = await finished([], { NODE_CONFIG: writeConfig(address.port) });
    taken.close();
    assert.equal(status, 1);
    assert.match(stdout, new RegExp(`"level":"fatal".*port ${address.port}`));
  });

  it('is verbose with DEBUG=true or 1 only', async () => {
    for (const [DEBUG, verbose] of [
      ['true', true],
      ['1', true],
      ['yes', false],
      ['0', false],
    ] as const) {
      const { child, port, ended, output } = await serving('', { DEBUG });
      await status(port, { 'x-api-key': 'wrong' });
      child.kill('SIGTERM');
      await ended;
      assert.equal(output().stdout.includes('"level":"debug"'), verbose, DEBUG);
      assert.doesNotMatch(output().stdout, /S3CR3T/);
    }
  });

  it('ends with 1 and a last line in the log when it meets a bug', async () => {
    const key = `${'A'.repeat(43)}=`;
    for (const bug of ['throw(Error(text))', 'Promise.reject(Error(text))']) {
      const hook = `process.on('SIGUSR2',()=>{${bug.replace('text', `'boom:${key}'`)}})`;
      const { child, ended, output } = await serving('', {
        NODE_OPTIONS: `--import=data:text/javascript,${hook}`,
      });
      child.kill('SIGUSR2');
      assert.deepEqual(await ended, { status: 1, signal: null });
      const last = JSON.parse(output().stdout.trim().split('\n').at(-1) ?? '') as Record<string, string>;
      assert.equal(last['level'], 'fatal');
      assert.match(last['error'] ?? '', /boom:\(hidden\)/);
    }
  });

  it('reads headers of up to 8 KiB', async () => {
    const { child, port, ended } = await serving();
    assert.equal(await status(port, { 'x-filler': 'x'.repeat(7_000) }), 401);
    assert.equal(await status(port, { 'x-filler': 'x'.repeat(9_000) }), 431);
    child.kill('SIGTERM');
    await ended;
  });
});
