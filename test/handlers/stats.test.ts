// GET /stats, to the letter.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fail } from '../../core/result.ts';
import { stats } from '../../handlers/stats.ts';
import { peerFixture } from '../fixtures/peers.ts';
import { ask, createFakeApi, rawInput, replied } from './fake-api.ts';

const calling = { latestHandshakeMs: 5_000, receiveBytes: 1, transmitBytes: 2, keepaliveSeconds: 25 };

function expected(peers: string): string {
  return (
    '{"service":{"name":"wgkeeper-node","version":"2.0.0"},' +
    '"wireguard":{"interface":"wg0","listenPort":51820,"subnets":["10.0.0.0/24","fd00::/112"],' +
    '"serverIps":["10.0.0.1","fd00::1"],"addressFamilies":["IPv4","IPv6"]},' +
    `"peers":${peers},"startedAt":"2026-02-02T00:06:06Z"}`
  );
}

describe('stats', () => {
  it('look like this', async () => {
    const outcome = await ask(createFakeApi(), stats);
    assert.deepEqual(replied(outcome), {
      status: 200,
      text: expected('{"possible":253,"issued":0,"active":0}'),
    });
  });

  it('count peers, at once, and those that are active', async () => {
    const api = createFakeApi();
    await ask(api, stats);
    for (const number of [0, 1, 2]) api.behind.table.put(peerFixture(number));
    api.behind.table.see({ ...peerFixture(1), ...calling }, 1, 0);
    const { text } = replied(await ask(api, stats));
    assert.equal(text, expected('{"possible":253,"issued":3,"active":1}'));
  });

  it("tell the interface's own port, where it has one", async () => {
    const api = createFakeApi();
    api.behind.listenPort = 51_999;
    assert.match(replied(await ask(api, stats)).text, /"listenPort":51999,/);
  });

  it('write the largest count as a plain integer', async () => {
    const api = createFakeApi({ possible: Number.MAX_SAFE_INTEGER });
    assert.match(replied(await ask(api, stats)).text, /"possible":9007199254740991,/);
  });

  it('wait for the device where they must', async () => {
    const api = createFakeApi();
    api.behind.table.put(peerFixture(0));
    api.behind.settling = () => void api.behind.table.see({ ...peerFixture(0), ...calling }, 1, 0);
    assert.match(replied(await ask(api, stats)).text, /"active":1/);
    const answered = stats.run(rawInput(), createFakeApi().context);
    assert.ok(!(answered instanceof Promise) && answered.ok);
  });

  it('are not made up where the device can not be read', async () => {
    const api = createFakeApi();
    api.behind.readable = false;
    assert.deepEqual(await ask(api, stats), fail({ code: 'stats_unavailable' }));
  });
});
