// The program is killed before every call to its disk that a change makes, and before the answer is sent; then it is started
// again and asked. What was acknowledged is there; what was not is there wholly or not at all. Kill -9 keeps the page
// cache: the order of calls that a power cut needs is tested with the store.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { decodeStore, encodeBatch } from '../../adapters/store/format.ts';
import { storeAppendedBytesMin } from '../../core/limits.ts';
import { type Answer, type CreatedShape, jsonOf, type PageShape } from '../fixtures/api-client.ts';
import { inParallel } from '../fixtures/crowd.ts';
import { mustSucceed } from '../fixtures/outcome.ts';
import { createNodeHome, type NodeHome, type RunningNode } from '../fixtures/running-node.ts';
import { attachStrace } from '../fixtures/strace.ts';

/** Whether the store appends a batch or writes its whole file anew. */
type Writing = 'appended' | 'written whole';
type Operation = 'create' | 'rotate' | 'delete';
type Peers = ReadonlyMap<string, PageShape['data'][number]>;

// Counted per thread by strace: with one thread for the disk its calls have numbers.
const oneDiskThread = { env: { UV_THREADPOOL_SIZE: '1' } };
const diskCalls = 'openat,fchmod,pwrite64,ftruncate,fsync,fdatasync,rename,unlink,close';
const [rotated, deleted, bystander] = [randomUUID(), randomUUID(), randomUUID()];

/** A store file of three peers, whose next change is written as wanted. */
async function makeStore(context: TestContext, writing: Writing): Promise<Buffer> {
  const home = await createNodeHome(context);
  const node = await home.start();
  for (const peerId of [rotated, deleted, bystander]) {
    const body = { peerId, expiresAt: '2099-01-01T00:00:00Z' };
    const answer = await node.request('POST', '/peers', { body });
    assert.equal(answer.status, 200, answer.body);
  }
  await node.kill('SIGTERM');
  const bytes = readFileSync(home.storePath);
  return writing === 'appended' ? bytes : withBatchesThatOutweighPeers(bytes);
}

async function withBatchesThatOutweighPeers(bytes: Buffer): Promise<Buffer> {
  const { peers, nextFrame } = mustSucceed(await decodeStore(bytes));
  const changes = peers.map((peer) => ({ kind: 'put', peer, retires: null }) as const);
  const batches = [bytes];
  for (let size = 0; size <= storeAppendedBytesMin; size += batches.at(-1)?.length ?? 0) {
    batches.push(Buffer.from(encodeBatch(nextFrame + batches.length - 1, Array(500).fill(changes).flat())));
  }
  return Buffer.concat(batches);
}

interface Scene {
  readonly home: NodeHome;
  readonly node: RunningNode;
  readonly before: Peers;
}

async function createScene(context: TestContext, store: Buffer): Promise<Scene> {
  const home = await createNodeHome(context);
  mkdirSync(dirname(home.storePath), { mode: 0o700 });
  writeFileSync(home.storePath, store, { mode: 0o600 });
  const node = await home.start(oneDiskThread);
  return { home, node, before: await listPeers(node) };
}

const newcomer = randomUUID();
function perform(node: RunningNode, operation: Operation): Promise<Answer> {
  if (operation === 'delete') return node.request('DELETE', `/peers/${deleted}`);
  const peerId = operation === 'create' ? newcomer : rotated;
  return node.request('POST', '/peers', { body: { peerId } });
}

async function listPeers(node: RunningNode): Promise<Peers> {
  const answer = await node.request('GET', '/peers');
  assert.equal(answer.status, 200, answer.body);
  return new Map(jsonOf<PageShape>(answer).data.map((peer) => [peer.peerId, peer]));
}

/** Paths that the store touches. Two temporary files are more than one change makes. */
function storePaths(home: NodeHome, node: RunningNode): readonly string[] {
  const temporary = [1, 2].map((count) => `${home.storePath}.${node.pid}-${count}.tmp`);
  return [dirname(home.storePath), home.storePath, ...temporary].flatMap((path) => ['-P', path]);
}

/** Every call to the disk that the operation makes: `fsync:2` is its second fsync. */
async function findKillPoints(
  context: TestContext,
  store: Buffer,
  operation: Operation,
): Promise<readonly string[]> {
  const { home, node } = await createScene(context, store);
  const strace = await attachStrace(node.pid, ['-e', `trace=${diskCalls}`, ...storePaths(home, node)]);
  assert.equal((await perform(node, operation)).status, 200);
  await node.kill('SIGKILL');
  const points: string[] = [];
  const counts = new Map<string, number>();
  for (const [, call = ''] of (await strace.output).matchAll(/^\[pid +\d+\] (\w+)\(/gm)) {
    counts.set(call, (counts.get(call) ?? 0) + 1);
    points.push(`${call}:${counts.get(call)}`);
  }
  return points;
}

async function killAt(
  context: TestContext,
  store: Buffer,
  operation: Operation,
  point: string,
): Promise<'before' | 'after'> {
  const { home, node, before } = await createScene(context, store);
  const [call = '', number = ''] = point.split(':');
  const injection = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${number}`];
  await attachStrace(node.pid, [...injection, ...(call === 'sendto' ? [] : storePaths(home, node))]);
  const answer = await perform(node, operation).catch(() => null);
  assert.equal((await node.ended).signal, 'SIGKILL', `${operation} never came to ${point}`);
  const again = await home.start();
  const found = checkFound(await listPeers(again), before, operation, answer);
  const next = await again.request('POST', '/peers', { body: { peerId: randomUUID() } });
  assert.equal(next.status, 200, next.body);
  mustHaveOneOwner(await listPeers(again));
  return found;
}

/** Everything is as before the operation, or as after it; and as after it, if that was acknowledged. */
function checkFound(
  after: Peers,
  before: Peers,
  operation: Operation,
  answer: Answer | null,
): 'before' | 'after' {
  mustHaveOneOwner(after);
  assert.deepEqual(after.get(bystander), before.get(bystander));
  const subject = { create: newcomer, rotate: rotated, delete: deleted }[operation];
  for (const [id, peer] of before) if (id !== subject) assert.deepEqual(after.get(id), peer);
  const then = before.get(subject);
  const now = after.get(subject);
  if (answer !== null) {
    assert.equal(answer.status, 200, answer.body);
    if (operation === 'delete') assert.equal(now, undefined);
    else assert.equal(now?.publicKey, jsonOf<CreatedShape>(answer).peer.publicKey);
  }
  if (JSON.stringify(now) === JSON.stringify(then)) return 'before';
  if (operation === 'delete') assert.equal(now, undefined);
  if (operation === 'create') assert.deepEqual(now?.addressFamilies, ['IPv4', 'IPv6']);
  // A rotation changes the key and nothing else.
  if (operation === 'rotate') assert.deepEqual({ ...now, publicKey: then?.publicKey }, then);
  return 'after';
}

function mustHaveOneOwner(peers: Peers): void {
  const addresses = [...peers.values()].flatMap((peer) => peer.allowedIPs);
  assert.equal(new Set(addresses).size, addresses.length, addresses.join(' '));
}

describe('killed before a call to the disk', { concurrency: 3 }, () => {
  for (const writing of ['appended', 'written whole'] as const) {
    for (const operation of ['create', 'rotate', 'delete'] as const) {
      test(`${operation}, ${writing}`, async (context) => {
        const store = await makeStore(context, writing);
        const points = await findKillPoints(context, store, operation);
        const expected = writing === 'appended' ? ['pwrite64', 'fdatasync'] : ['openat', 'fsync', 'rename'];
        for (const call of expected) assert.ok(points.includes(`${call}:1`), points.join(' '));
        const found: string[] = [];
        for (const point of [...points, 'sendto:1']) {
          found.push(`${point} ${await killAt(context, store, operation, point)}`);
        }
        context.diagnostic(found.join(', '));
        assert.match(found[0] ?? '', /before$/);
        assert.match(found.at(-1) ?? '', /after$/);
      });
    }
  }

  // Slowed down, so that an answer that does not wait for the disk comes before it.
  for (const writing of ['appended', 'written whole'] as const) {
    for (const operation of ['create', 'rotate', 'delete'] as const) {
      test(`${operation}, ${writing}, killed as soon as it is answered`, async (context) => {
        const { home, node, before } = await createScene(context, await makeStore(context, writing));
        const slowed = `inject=${diskCalls}:delay_enter=50000`;
        const strace = await attachStrace(node.pid, [
          '-e',
          `trace=${diskCalls}`,
          '-e',
          slowed,
          ...storePaths(home, node),
        ]);
        const answer = await perform(node, operation);
        await node.kill('SIGKILL');
        const flushed = (await strace.output).match(/ (fdatasync|fsync)\(\d+\) += 0/g) ?? [];
        assert.equal(flushed.length, writing === 'appended' ? 1 : 2, await strace.output);
        const again = await home.start();
        assert.equal(checkFound(await listPeers(again), before, operation, answer), 'after');
      });
    }
  }

  for (const point of ['pwrite64:3', 'fdatasync:3', 'fdatasync:6', 'sendto:20']) {
    test(`100 creates by 8 clients, killed at ${point}`, async (context) => {
      const { home, node, before } = await createScene(context, await makeStore(context, 'appended'));
      const [call = '', number = ''] = point.split(':');
      await attachStrace(node.pid, [
        '-e',
        `trace=${call}`,
        '-e',
        `inject=${call}:signal=KILL:when=${number}`,
        ...(call === 'sendto' ? [] : storePaths(home, node)),
      ]);
      const ids = Array.from({ length: 100 }, () => randomUUID());
      const answers = await inParallel(8, ids.length, (index) =>
        node.request('POST', '/peers', { body: { peerId: ids[index] } }).catch(() => null),
      );
      assert.equal((await node.ended).signal, 'SIGKILL');
      const after = await listPeers(await home.start());
      mustHaveOneOwner(after);
      for (const [id, peer] of before) assert.deepEqual(after.get(id), peer);
      let acknowledged = 0;
      for (const [index, answer] of answers.entries()) {
        const found = after.get(ids[index] ?? '');
        if (found !== undefined) assert.equal(found.allowedIPs.length, 2);
        if (answer === null) continue;
        acknowledged++;
        const { peer } = jsonOf<CreatedShape>(answer);
        assert.deepEqual([found?.publicKey, found?.allowedIPs], [peer.publicKey, peer.allowedIPs]);
      }
      assert.ok(acknowledged > 0 && acknowledged < 100, `${acknowledged} of 100 acknowledged`);
      context.diagnostic(`${acknowledged} acknowledged, ${after.size - before.size} found`);
    });
  }
});
