// Calls through a proxy with pauses in which the node gives idle connections up: the proxy must have done so before. Waits for real.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { createBehindProxy, orchestrator } from '../fixtures/behind-proxy.ts';

for (const kind of ['caddy', 'nginx'] as const) {
  test(`no POST through ${kind} fails after a pause`, async (context) => {
    const { ask, connections } = await createBehindProxy(context, kind);
    const post = () =>
      ask(
        orchestrator,
        '/peers',
        ...['-H', 'Content-Type: application/json', '-d', JSON.stringify({ peerId: randomUUID() })],
      );
    // The node gives a connection up after 8 to 12 s, and says that 6 s are safe.
    for (const seconds of [8.2, 11.5]) {
      assert.deepEqual(await post(), ['200']);
      assert.equal(await connections(), 1, 'it is kept for the next one');
      await pause(6_000);
      assert.equal(await connections(), 0, 'the proxy was first');
      await pause(seconds * 1_000 - 6_000);
      assert.deepEqual(await post(), ['200'], `after ${seconds} s`);
    }
  });
}
