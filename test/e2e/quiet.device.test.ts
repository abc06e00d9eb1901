// What happens while nothing does: a node that nobody asks, connections that nobody uses, an interface that stays away.
// All of it takes its time, so it goes on side by side.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type CreatedShape,
  createApiClient,
  jsonOf,
  outcomeOf,
  type PageShape,
} from '../fixtures/api-client.ts';
import { createFakeWg, honestWg } from '../fixtures/fake-wg.ts';
import { createNamespace } from '../fixtures/namespace.ts';
import { createNodeHome, type RunningNode } from '../fixtures/running-node.ts';
import { createSlowLine } from '../fixtures/slow-line.ts';
import { until } from '../fixtures/until.ts';

const create = (node: RunningNode) => node.request('POST', '/peers', { body: { peerId: randomUUID() } });

describe('while nothing happens', { concurrency: true }, () => {
  test('a node looks once a minute at its device, and changes nothing', async (context) => {
    const host = await createNamespace(context);
    const wg = createFakeWg(context, honestWg);
    const home = await createNodeHome(context, { namespace: host });
    const node = await home.start({ env: { PATH: wg.path } });
    assert.equal((await create(node)).status, 200);
    const before = wg.calls().length;
    const since = () => wg.calls().slice(before);
    const startedMs = performance.now();
    while (since().length === 0 && performance.now() - startedMs < 75_000) await pause(100);
    // Its turn comes behind whatever the look has led to.
    assert.equal((await create(node)).status, 200);
    assert.deepEqual(
      since().map((call) => call.split(' ')[0]),
      ['show', 'addconf'],
    );
  });

  // Calls are lost where the server closes a connection while a call is on its way, so the way is long, and the pauses
  // lie where it closes idle ones: at 8 to 12 s.
  test('a client that keeps connections and honours Keep-Alive loses no call', async (context) => {
    const home = await createNodeHome(context, { settings: { wireguard: { subnet: '10.7.0.0/16' } } });
    const node = await home.start();
    const line = await createSlowLine(context, home.port, 300);
    const customers = 32;
    const pauses = 2;
    const outcomes: string[] = [];
    const customer = async (number: number) => {
      // One connection each: of several, a client would use the youngest.
      const client = createApiClient(line, home.apiKey);
      context.after(client.close);
      const call = async () => {
        const body = { peerId: randomUUID() };
        outcomes.push(await client.request('POST', '/peers', { body }).then(outcomeOf, String));
      };
      await call();
      for (let turn = 0; turn < pauses; turn++) {
        // All of them other ones.
        await pause(8_000 + ((number * pauses + turn) * 4_000) / (customers * pauses));
        await call();
      }
    };
    await Promise.all(Array.from({ length: customers }, (_, number) => customer(number)));
    assert.deepEqual(
      outcomes.filter((outcome) => outcome !== '200'),
      [],
    );
    assert.equal(outcomes.length, customers * (pauses + 1));
    const kept = jsonOf<PageShape>(await node.request('GET', '/peers'));
    assert.equal(kept.data.length, outcomes.length);
  });

  test('a device that hangs keeps no server from starting, and is put right when it goes on', async (context) => {
    const host = await createNamespace(context);
    const home = await createNodeHome(context, { namespace: host });
    const device = await host.addWireGuard('wg0');
    assert.equal((await home.run({ args: ['up'] })).status, 0);
    const first = await home.start();
    const { peer } = jsonOf<CreatedShape>(await create(first));
    await first.kill('SIGTERM');
    await host.run('wg', 'set', 'wg0', 'peer', peer.publicKey, 'remove');

    device.process.kill('SIGSTOP');
    const node = await home.start();
    const ready = await node.request('GET', '/readyz');
    assert.equal(ready.status, 503);
    assert.match(ready.body, /wireguard_unavailable/);
    assert.match(node.stdout(), /"level":"error".*wg0 exists, and its device does not answer/);
    device.process.kill('SIGCONT');
    await until('it is ready', async () => (await node.request('GET', '/readyz')).status === 200);
    assert.equal((await host.run('wg', 'show', 'wg0', 'peers')).trim(), peer.publicKey);
  });

  test('while the interface is away reads go on for 10 s from the last look, then fail', async (context) => {
    const host = await createNamespace(context);
    const home = await createNodeHome(context, { namespace: host });
    const node = await home.start();
    const { peerId } = jsonOf<CreatedShape>(await create(node)).peer;
    const paths = ['/stats', '/peers', `/peers/${peerId}`];
    const outcomes = async () =>
      Promise.all(paths.map(async (path) => outcomeOf(await node.request('GET', path))));
    assert.deepEqual(await outcomes(), ['200', '200', '200']);
    await host.run('ip', 'link', 'delete', 'wg0');
    const goneMs = performance.now();
    await until('the loss is noticed', async () => (await node.request('GET', '/readyz')).status === 503);
    assert.deepEqual(await outcomes(), ['200', '200', '200']);
    await until('reads end', async () => !(await outcomes()).includes('200'));
    assert.ok(performance.now() - goneMs > 8_000, `after ${performance.now() - goneMs} ms`);
    assert.deepEqual(await outcomes(), ['stats_unavailable', 'peers_list_unavailable', 'wireguard_error']);
    assert.equal((await node.request('GET', `/peers/${randomUUID()}`)).status, 404);
    assert.equal((await node.request('GET', '/healthz')).status, 200);

    const up = await home.run({ args: ['up'] });
    assert.equal(up.status, 0, up.stderr);
    await until('reads go on', async () => (await outcomes()).every((outcome) => outcome === '200'));
    await until('it is ready', async () => (await node.request('GET', '/readyz')).status === 200);
    assert.equal((await create(node)).status, 200);
  });
});
