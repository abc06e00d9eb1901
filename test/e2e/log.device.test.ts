// What the program says about what it does, on a real interface: who did what to whom, what was refused, and no secret anywhere.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CreatedShape, jsonOf } from '../fixtures/api-client.ts';
import { createNamespace, type Namespace } from '../fixtures/namespace.ts';
import { createNodeHome, type RunningNode } from '../fixtures/running-node.ts';
import { until } from '../fixtures/until.ts';

type Line = Readonly<Record<string, unknown>>;

const clientAddress = '203.0.113.9';
const forwarded = { server: { allowed_ips: ['127.0.0.1', '203.0.113.0/24'] } };
const audited = (node: RunningNode) => node.logLines().filter((line) => line['audit'] === true);
const eventOf = (line: Line) => line['event'];

async function ask(node: RunningNode, method: string, path: string, body?: unknown) {
  const requestId = randomUUID();
  const headers = { 'X-Request-Id': requestId, 'X-Forwarded-For': clientAddress };
  const answer = await node.request(method, path, { headers, ...(body !== undefined && { body }) });
  return { answer, requestId };
}

test('each change of a peer is one line that tells who wanted it', async (context) => {
  const host = await createNamespace(context);
  const home = await createNodeHome(context, { namespace: host, settings: forwarded });
  const node = await home.start();
  const peerId = randomUUID();
  const made = await ask(node, 'POST', '/peers', { peerId });
  const rotated = await ask(node, 'POST', '/peers', { peerId });
  const removed = await ask(node, 'DELETE', `/peers/${peerId}`);
  const guest = randomUUID();
  const expiresAt = new Date(Date.now() + 1_000).toISOString();
  const invited = await ask(node, 'POST', '/peers', { peerId: guest, expiresAt });
  await until('the guest has left', () => audited(node).some((line) => eventOf(line) === 'expired'));

  const first = jsonOf<CreatedShape>(made.answer).peer;
  const second = jsonOf<CreatedShape>(rotated.answer).peer;
  const third = jsonOf<CreatedShape>(invited.answer).peer;
  const by = ({ requestId }: { requestId: string }) => ({ requestId, clientAddress });
  const of = ({ peerId, publicKey, allowedIPs }: CreatedShape['peer']) => ({ peerId, publicKey, allowedIPs });
  const lasting = audited(node).map(({ time, level, msg, audit, outcome, ...rest }) => {
    assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
    assert.deepEqual([level, audit, outcome], ['info', true, 'done']);
    assert.ok(typeof msg === 'string' && msg !== '');
    return rest;
  });
  assert.deepEqual(lasting, [
    { event: 'created', ...of(first), ...by(made) },
    { event: 'rotated', ...of(second), ...by(rotated) },
    { event: 'deleted', ...of(second), ...by(removed) },
    { event: 'created', ...of(third), ...by(invited) },
    { event: 'expired', ...of(third) },
  ]);
  assert.deepEqual(
    [made, rotated, removed].map(({ answer }) => answer.headers['x-request-id']),
    [made.requestId, rotated.requestId, removed.requestId],
  );

  const kept = jsonOf<CreatedShape>((await ask(node, 'POST', '/peers', { peerId })).answer).peer;
  const other = jsonOf<CreatedShape>((await ask(node, 'POST', '/peers', { peerId: guest })).answer).peer;
  const stranger = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA=';
  // While nobody is there who would put it right at once.
  await node.kill('SIGTERM');
  await host.run('wg', 'set', 'wg0', 'peer', kept.publicKey, 'remove');
  await host.run('wg', 'set', 'wg0', 'peer', stranger);
  const again = await home.start();
  assert.deepEqual(audited(again).map(eventOf), ['repaired', 'removed']);
  const [repaired, evicted] = audited(again);
  assert.deepEqual([repaired?.['peerId'], repaired?.['publicKey']], [peerId, kept.publicKey]);
  assert.equal(evicted?.['publicKey'], stranger);

  await again.kill('SIGTERM');
  await host.run('wg', 'set', 'wg0', 'peer', kept.publicKey, 'remove', 'peer', other.publicKey, 'remove');
  const once = await home.start();
  assert.deepEqual(
    audited(once).map(({ event, peers }) => ({ event, peers })),
    [{ event: 'restored', peers: 2 }],
  );
});

test('refusals are warnings, and a flood of them is not a flood of lines; reads are silent', async (context) => {
  const home = await createNodeHome(context, { settings: forwarded });
  const node = await home.start();
  await until('the start is logged', () => node.logLines().some(({ msg }) => msg === 'the API is served'));
  const quiet = node.logLines().length;
  for (const path of ['/stats', '/peers', '/readyz', '/healthz']) {
    assert.equal((await ask(node, 'GET', path)).answer.status, 200);
  }
  assert.equal((await ask(node, 'GET', `/peers/${randomUUID()}`)).answer.status, 404);
  const wrong = await node.request('GET', '/peers', { headers: { 'X-API-Key': 'wrong-and-secret-perhaps' } });
  const warnings = () => node.logLines().slice(quiet);
  await until('the refusal is logged', () => warnings().length > 0);
  const { time, ...line } = warnings()[0] ?? {};
  assert.deepEqual(line, {
    level: 'warn',
    code: 'unauthorized',
    requestId: wrong.headers['x-request-id'],
    method: 'GET',
    path: '/peers',
    client: '127.0.0.1',
    msg: line['msg'],
  });
  assert.ok(typeof time === 'string');
  assert.equal(warnings().length, 1, 'reads are not logged');

  const flood = 500;
  const headers = { 'X-API-Key': null, 'X-Forwarded-For': clientAddress };
  await Promise.all(Array.from({ length: flood }, () => node.request('GET', '/stats', { headers })));
  const told = () =>
    warnings().reduce((sum, { code, count }) => sum + (code === 'unauthorized' ? Number(count ?? 1) : 0), 0);
  await until('every refusal is accounted for', () => told() === flood + 1);
  assert.ok(warnings().length < 60, `${warnings().length} lines`);
});

test('in debug every request is a line, errors have details, and the start warns', async (context) => {
  const home = await createNodeHome(context, { settings: forwarded });
  const node = await home.start({ env: { DEBUG: 'true' } });
  assert.ok(
    node
      .logLines()
      .some(({ level, msg }) => level === 'warn' && /DEBUG.*not for production/.test(String(msg))),
  );
  const read = await ask(node, 'GET', '/stats');
  const refused = await ask(node, 'POST', '/peers', '{');
  assert.equal(typeof jsonOf<{ detail?: string }>(refused.answer).detail, 'string');
  const line = (requestId: string) =>
    node.logLines().find((each) => each['requestId'] === requestId && each['status'] !== undefined);
  await until('both are logged', () =>
    [read, refused].every(({ requestId }) => line(requestId) !== undefined),
  );
  const shown = [read, refused].map(({ requestId }) => {
    const { method, route, status } = line(requestId) ?? {};
    return { method, route, status };
  });
  assert.deepEqual(shown, [
    { method: 'GET', route: '/stats', status: 200 },
    { method: 'POST', route: '/peers', status: 400 },
  ]);
});

test('no secret is in output, arguments, environments, or files that others can read', async (context) => {
  const host = await createNamespace(context);
  const home = await createNodeHome(context, { namespace: host, settings: { log: { level: 'trace' } } });
  const trace = join(home.folder, 'trace');
  const prefix = [
    'strace',
    '-D',
    '-f',
    '-qq',
    '-v',
    '-s',
    '65536',
    '-e',
    'signal=none',
    '-e',
    'trace=execve',
    '-o',
    trace,
  ];
  const env = { DEBUG: '1' };
  const node = await home.start({ prefix, env });
  const secrets = new Map<string, string>([['the API key', home.apiKey]]);
  const clientKeys: string[] = [];
  const remember = ({ peer }: CreatedShape) => {
    secrets.set(`private key ${clientKeys.length}`, peer.privateKey);
    secrets.set(`preshared key ${clientKeys.length}`, peer.presharedKey);
    clientKeys.push(peer.privateKey);
  };
  secrets.set('the key of the interface', (await host.run('wg', 'show', 'wg0', 'private-key')).trim());
  const ids = Array.from({ length: 20 }, () => randomUUID());
  const post = (on: RunningNode, peerId: string | undefined) =>
    on.request('POST', '/peers', { body: { peerId } });
  for (const answer of await Promise.all(ids.map((peerId) => post(node, peerId)))) remember(jsonOf(answer));
  for (const peerId of ids.slice(0, 5)) remember(jsonOf(await post(node, peerId)));
  await node.request('DELETE', `/peers/${ids[6]}`);
  for (const path of ['/stats', '/peers', `/peers/${ids[0]}`]) await node.request('GET', path);
  await node.request('GET', `/peers?key=${home.apiKey}`, { headers: { 'X-API-Key': `${home.apiKey}x` } });

  // What goes wrong talks most.
  await host.run('ip', 'link', 'delete', 'wg0');
  await until('the loss is noticed', async () => (await node.request('GET', '/readyz')).status === 503);
  await post(node, ids[0]);
  const up = await home.run({
    args: ['up'],
    env,
    prefix: prefix.map((word) => (word === trace ? `${trace}-up` : word)),
  });
  assert.equal(up.status, 0, up.stderr);
  await until('the node works again', async () => (await node.request('GET', '/readyz')).status === 200);
  remember(jsonOf(await post(node, ids[0])));
  const ended = await node.kill('SIGTERM');
  assert.equal(ended.status, 0);

  const commands = readFileSync(trace, 'utf8') + readFileSync(`${trace}-up`, 'utf8');
  for (const program of ['/wg"', '/ip"', '"addconf"', '"dump"', '"private-key"']) {
    assert.ok(commands.includes(program), `the trace has ${program}`);
  }
  const places = new Map<string, Buffer>([
    ['output', Buffer.from(ended.stdout + ended.stderr + up.stdout + up.stderr)],
    ['arguments and environments', Buffer.from(commands)],
  ]);
  for (const path of [...filesUnder(home.folder), ...(await filesInside(host))]) {
    if (path.mode & 0o077) places.set(path.name, path.bytes);
  }
  for (const [place, bytes] of places) {
    for (const [name, secret] of secrets) assert.ok(!holds(bytes, secret), `${name} is in ${place}`);
  }
  const store = readFileSync(home.storePath);
  assert.ok(holds(store, secrets.get('preshared key 7') ?? ''), 'the search finds what is there');
  for (const key of clientKeys) assert.ok(!holds(store, key), 'a private key is in the store');
});

/** As base64, as hex, or as bytes. */
function holds(bytes: Buffer, secret: string): boolean {
  const binary = Buffer.from(secret, 'base64');
  return [secret, binary.toString('hex'), binary].some((form) => bytes.includes(form));
}

interface FoundFile {
  readonly name: string;
  readonly mode: number;
  readonly bytes: Buffer;
}

function filesUnder(folder: string): readonly FoundFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
    const path = join(folder, name);
    const stat = statSync(path);
    return stat.isFile() ? [{ name, mode: stat.mode, bytes: readFileSync(path) }] : [];
  });
}

/** The files of the folders that only the namespace sees. */
async function filesInside(host: Namespace): Promise<readonly FoundFile[]> {
  const listed = await host.run(
    'find',
    '/etc/wireguard',
    '/run/wireguard',
    '-type',
    'f',
    '-printf',
    '%m %p\n',
  );
  const files = listed
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  assert.ok(files.some(([, name]) => name === '/etc/wireguard/wg0.conf'));
  return Promise.all(
    files.map(async ([mode = '', name = '']) => ({
      name,
      mode: Number.parseInt(mode, 8),
      bytes: Buffer.from(await host.run('cat', name)),
    })),
  );
}
