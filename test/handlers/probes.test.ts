// The two probes: /healthz says that the process is up, /readyz whether it can do its work.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NodeHealth } from '../../core/node.ts';
import { health } from '../../handlers/health.ts';
import { ready } from '../../handlers/ready.ts';
import { ask, createFakeApi, rawInput, replied } from './fake-api.ts';

describe('/healthz', () => {
  it('is fine whatever else is not, and waits for nobody', () => {
    const api = createFakeApi();
    Object.assign(api.behind, {
      health: 'store_unavailable',
      readable: false,
      settling: () => assert.fail(),
    });
    const outcome = health.run(rawInput(), api.context);
    assert.ok(!(outcome instanceof Promise));
    assert.deepEqual(replied(outcome), { status: 200, text: '{"status":"ok"}' });
  });
});

describe('/readyz', () => {
  it('is fine when the node is', async () => {
    assert.deepEqual(replied(await ask(createFakeApi(), ready)), { status: 200, text: '{"status":"ok"}' });
  });

  const reasons: readonly NodeHealth[] = ['wireguard_unavailable', 'store_unavailable', 'shutting_down'];
  for (const reason of reasons) {
    it(`gives ${reason} as the reason`, async () => {
      const api = createFakeApi();
      api.behind.health = reason;
      const text = `{"status":"unhealthy","reason":"${reason}"}`;
      assert.deepEqual(replied(await ask(api, ready)), { status: 503, text });
    });
  }

  it('asks for the state after the device was looked at', async () => {
    const api = createFakeApi();
    api.behind.settling = () => {
      api.behind.health = 'wireguard_unavailable';
    };
    assert.equal(replied(await ask(api, ready)).status, 503);
  });
});
