// Many clients at once, on a real interface: who gets the last addresses, and what a change and a look cost in writes and processes.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, type CreatedShape, jsonOf, outcomeOf, type PageShape } from '../fixtures/api-client.ts';
import { inParallel } from '../fixtures/crowd.ts';
import { createFakeWg, honestWg } from '../fixtures/fake-wg.ts';
import { createNamespace, type Namespace } from '../fixtures/namespace.ts';
import { createNodeHome, type RunningNode } from '../fixtures/running-node.ts';

/** Refuses every other change. */
const fickleWg = `case $1 in
  set | addconf)
    if mkdir $folder/refuse 2>/dev/null; then echo refused >&2; exit 1; fi
    rmdir $folder/refuse ;;
esac
${honestWg}`;

const thirteenAddresses = { wireguard: { subnet: '10.7.0.0/28', subnet6: undefined } };

const create = (node: RunningNode) => node.request('POST', '/peers', { body: { peerId: randomUUID() } });
const addressOf = (answer: Answer) => jsonOf<CreatedShape>(answer).peer.allowedIPs[0] ?? '';
const successes = (answers: readonly Answer[]) => answers.filter(({ status }) => status === 200);

function mustBeDistinct(addresses: readonly string[]): void {
  assert.equal(new Set(addresses).size, addresses.length, addresses.join(' '));
  for (const address of addresses) {
    const host = Number(/^10\.7\.0\.(\d+)\/32$/.exec(address)?.[1]);
    assert.ok(host >= 2 && host <= 14, address);
  }
}

/** Every address on the device with the key that has it, and the same from the API. */
async function mustAgree(host: Namespace, node: RunningNode): Promise<void> {
  const listed = jsonOf<PageShape>(await node.request('GET', '/peers')).data;
  const shown = (await host.run('wg', 'show', 'wg0', 'allowed-ips')).trim().split('\n');
  assert.deepEqual(
    shown.sort(),
    listed.map(({ publicKey, allowedIPs }) => `${publicKey}\t${allowedIPs.join(' ')}`).sort(),
  );
}

async function createHost(context: TestContext): Promise<Namespace> {
  return createNamespace(context);
}

test('64 at once for the last 10 addresses: 10 get one each, the others are told that none is left', async (context) => {
  const host = await createHost(context);
  const home = await createNodeHome(context, { namespace: host, settings: thirteenAddresses });
  const node = await home.start();
  const first = await Promise.all(Array.from({ length: 3 }, () => create(node)));
  const answers = await Promise.all(Array.from({ length: 64 }, () => create(node)));
  const addresses = successes([...first, ...answers]).map(addressOf);
  assert.equal(addresses.length, 13);
  mustBeDistinct(addresses);
  const others = answers.filter(({ status }) => status !== 200);
  assert.deepEqual(
    new Set(others.map((answer) => `${answer.status} ${outcomeOf(answer)}`)),
    new Set(['409 no_available_ip']),
  );
  await mustAgree(host, node);
});

test('a device that refuses every other change costs no address and gives none away twice', async (context) => {
  const host = await createHost(context);
  const wg = createFakeWg(context, honestWg);
  const home = await createNodeHome(context, { namespace: host, settings: thirteenAddresses });
  const node = await home.start({ env: { PATH: wg.path } });
  const first = await Promise.all(Array.from({ length: 3 }, () => create(node)));
  wg.become(fickleWg);
  const answers = await Promise.all(Array.from({ length: 64 }, () => create(node)));
  assert.ok(wg.calls().some((call) => call.startsWith('addconf')));
  const refused = answers.filter(({ status }) => status === 500).map(outcomeOf);
  assert.ok(refused.includes('wireguard_error'), `some were refused: ${answers.map(outcomeOf)}`);
  mustBeDistinct(successes([...first, ...answers]).map(addressOf));

  wg.become(honestWg);
  const all = successes([...first, ...answers]).map(addressOf);
  while (all.length < 13) {
    const answer = await create(node);
    // Until the node has seen that the fault is gone.
    if (answer.status === 503) await pause(50);
    else all.push(addressOf(answer));
  }
  mustBeDistinct(all);
  assert.equal(outcomeOf(await create(node)), 'no_available_ip');
  await mustAgree(host, node);
  await node.kill('SIGKILL');
  const again = await home.start();
  await mustAgree(host, again);
  assert.equal(jsonOf<PageShape>(await again.request('GET', '/peers')).data.length, 13);
});

test('1,000 creates by 64 clients take at most 125 writes of the store and 125 runs of wg', async (context) => {
  const host = await createHost(context);
  const wg = createFakeWg(context, honestWg);
  const home = await createNodeHome(context, {
    namespace: host,
    settings: { wireguard: { subnet: '10.7.0.0/16' } },
  });
  const trace = join(home.folder, 'trace');
  // fsync(2) of a folder belongs to a rename(2); a write in place needs an fdatasync(2).
  const prefix = [
    'strace',
    '-D',
    '-f',
    '-qq',
    '--seccomp-bpf',
    '-e',
    'signal=none',
    '-e',
    'trace=fdatasync,rename',
    '-o',
    trace,
  ];
  const node = await home.start({ prefix, env: { PATH: wg.path } });
  const writes = () => readFileSync(trace, 'utf8').match(/(fdatasync|rename)\(/g)?.length ?? 0;
  const changes = () => wg.calls().filter((call) => /^(set|addconf) /.test(call)).length;
  const before = { writes: writes(), changes: changes() };
  const answers = await inParallel(64, 1_000, () => create(node));
  assert.equal(successes(answers).length, 1_000);
  const spent = { writes: writes() - before.writes, changes: changes() - before.changes };
  context.diagnostic(JSON.stringify(spent));
  assert.ok(spent.writes > 0 && spent.writes <= 125, `${spent.writes} writes`);
  assert.ok(spent.changes > 0 && spent.changes <= 125, `${spent.changes} runs of wg`);
  assert.equal(new Set(answers.map(addressOf)).size, 1_000);
  await mustAgree(host, node);
});

test('thousands of reads, of every kind, start one wg a second', async (context) => {
  const host = await createHost(context);
  const wg = createFakeWg(context, honestWg);
  const home = await createNodeHome(context, { namespace: host });
  const node = await home.start({ env: { PATH: wg.path } });
  const peerId = jsonOf<CreatedShape>(await create(node)).peer.peerId;
  const paths = ['/stats', '/peers', '/peers?limit=5', `/peers/${peerId}`, '/readyz', '/healthz'];
  const callsBefore = wg.calls().length;
  const startedMs = performance.now();
  const elapsedMs = () => performance.now() - startedMs;
  let count = 0;
  const reader = async () => {
    while (elapsedMs() < 3_000 || count < 3_000) {
      const answer = await node.request('GET', paths[count++ % paths.length] ?? '');
      assert.equal(answer.status, 200, answer.body);
    }
  };
  await Promise.all(Array.from({ length: 16 }, reader));
  const seconds = elapsedMs() / 1_000;
  const calls = wg.calls().slice(callsBefore);
  context.diagnostic(`${count} reads, ${calls.length} runs of wg in ${seconds} s`);
  assert.ok(calls.length >= 1 && calls.length <= seconds + 1, calls.join('; '));
  assert.deepEqual(new Set(calls), new Set(['show wg0 dump']));
});
