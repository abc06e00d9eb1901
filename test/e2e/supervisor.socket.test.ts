// What the program tells systemd, over the datagram socket that systemd would listen on: here it is Python's.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createNodeHome } from '../fixtures/running-node.ts';
import { until } from '../fixtures/until.ts';

// Each message is printed as one line of JSON with the time of its arrival. A descriptor that comes with one is not taken,
// and so closed: it is the sender's way to learn that all has been read.
const listener = `
import json, socket, sys, time
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(sys.argv[1])
print('{}', flush=True)
while True:
    text = notify.recv(65536).decode()
    fields = dict(line.split('=', 1) for line in text.split('\\n') if line)
    fields['received'] = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    print(json.dumps(fields), flush=True)`;

interface Message {
  readonly [name: string]: string | number;
}

async function listen(context: TestContext, path: string): Promise<() => readonly Message[]> {
  const child = spawn('python3', ['-c', listener, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  context.after(async () => {
    child.kill();
    await ended;
  });
  let text = '';
  child.stdout.on('data', (piece) => {
    text += piece;
  });
  await once(child.stdout, 'data');
  return () =>
    text
      .split('\n')
      .slice(1, -1)
      .map((line) => JSON.parse(line) as Message)
      .filter((message) => !('BARRIER' in message));
}

test('systemd is told of the start, of a reload, of life and of the end', async (context) => {
  const home = await createNodeHome(context);
  const socketPath = join(home.folder, 'notify');
  const messages = await listen(context, socketPath);
  const heard = (name: string) => messages().filter((message) => name in message).length;
  const node = await home.start({ env: { NOTIFY_SOCKET: socketPath, WATCHDOG_USEC: '1000000' } });
  await until('it is ready and alive', () => heard('READY') === 1 && heard('WATCHDOG') >= 2);
  const [first] = messages();
  assert.equal(first?.['READY'], '1');
  assert.match(String(first['STATUS']), /^ok, 0 peers/);

  const created = await node.request('POST', '/peers', { body: { peerId: randomUUID() } });
  assert.equal(created.status, 200, created.body);
  process.kill(node.pid, 'SIGHUP');
  await until('it is ready again', () => heard('READY') === 2);
  const told = messages().filter((message) => 'RELOADING' in message || 'READY' in message);
  assert.deepEqual(
    told.map(({ READY, RELOADING }) => READY ?? RELOADING),
    ['1', '1', '1'],
  );
  assert.match(String(told[2]?.['STATUS']), /^ok, 1 peer, 1 connection$/);
  const reloading = told[1] ?? assert.fail();
  assert.equal(reloading['RELOADING'], '1');
  const agoUs = Number(reloading['received']) - Number(reloading['MONOTONIC_USEC']);
  assert.ok(agoUs >= 0 && agoUs < 60_000_000, `${agoUs} µs ago`);

  const ended = await node.kill('SIGTERM');
  assert.deepEqual([ended.status, ended.stderr], [0, '']);
  await until('the end is told', () => heard('STOPPING') === 1);
  assert.ok(!ended.stdout.includes('could not be told'), ended.stdout);
});

test('a socket that nobody has costs a warning, and nothing else', async (context) => {
  const home = await createNodeHome(context);
  const node = await home.start({ env: { NOTIFY_SOCKET: join(home.folder, 'nobody') } });
  await until('it is told', () => node.logLines().some(({ msg }) => msg === 'systemd could not be told'));
  assert.equal((await node.request('GET', '/peers')).status, 200);
});
