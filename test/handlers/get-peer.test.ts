// GET /peers/{peerId}: one peer, to the letter.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DevicePeer } from '../../core/ports.ts';
import { fail } from '../../core/result.ts';
import { getPeer } from '../../handlers/get-peer.ts';
import { peerFixture } from '../fixtures/peers.ts';
import { ask, createFakeApi, rawInput, replied } from './fake-api.ts';

const peer = peerFixture(0, { expiresAtMs: Date.UTC(2026, 11, 31, 23, 59, 59, 999) });
const params = { peerId: peer.id };
const seen: DevicePeer = {
  publicKey: peer.publicKey,
  presharedKey: peer.presharedKey,
  allowedIPs: peer.allowedIPs,
  latestHandshakeMs: Date.UTC(2026, 1, 2, 3, 4, 5),
  receiveBytes: Number.MAX_SAFE_INTEGER,
  transmitBytes: 1e15,
  keepaliveSeconds: 25,
};

function withPeer() {
  const api = createFakeApi();
  api.behind.table.put(peer);
  return api;
}

describe('one peer', () => {
  it('looks like this', async () => {
    const api = withPeer();
    api.behind.table.see(seen, 1, 0);
    assert.deepEqual(replied(await ask(api, getPeer, { params })), {
      status: 200,
      text:
        `{"peerId":"${peer.id}","allowedIPs":["10.0.0.2/32","fd00::2/128"],"addressFamilies":["IPv4","IPv6"],` +
        `"publicKey":"${peer.publicKey}","active":true,"lastHandshakeAt":"2026-02-02T03:04:05Z",` +
        `"createdAt":"2026-01-01T00:00:00Z","expiresAt":"2026-12-31T23:59:59Z",` +
        `"receiveBytes":9007199254740991,"transmitBytes":1000000000000000}`,
    });
  });

  it('that never called and never expires looks like this', async () => {
    const api = createFakeApi();
    const quiet = peerFixture(1);
    api.behind.table.put(quiet);
    const { text } = replied(await ask(api, getPeer, { params: { peerId: quiet.id } }));
    assert.match(
      text,
      /"active":false,"lastHandshakeAt":null,"createdAt":"2026-01-01T00:00:01Z","receiveBytes":0,/,
    );
  });

  it('is found by its id in any letter case', async () => {
    const { text } = replied(await ask(withPeer(), getPeer, { params: { peerId: peer.id.toUpperCase() } }));
    assert.equal(JSON.parse(text).peerId, peer.id);
  });

  it('shows a change at once', async () => {
    const api = withPeer();
    await ask(api, getPeer, { params });
    api.behind.table.put(peerFixture(0, { publicKey: peerFixture(5).publicKey }));
    const { text } = replied(await ask(api, getPeer, { params }));
    assert.equal(JSON.parse(text).publicKey, peerFixture(5).publicKey);
    api.behind.table.remove([peer.id]);
    assert.deepEqual(await ask(api, getPeer, { params }), fail({ code: 'peer_not_found' }));
  });
});

describe('the id in the path', () => {
  it('may be unknown', async () => {
    const outcome = await ask(withPeer(), getPeer, { params: { peerId: peerFixture(9).id } });
    assert.deepEqual(outcome, fail({ code: 'peer_not_found' }));
  });

  for (const peerId of [
    undefined,
    '',
    'x',
    peer.id.slice(1),
    `${peer.id}/`,
    ` ${peer.id}`,
    peer.id.replaceAll('-', ''),
  ]) {
    it(`may not be ${JSON.stringify(peerId)}`, async () => {
      const api = withPeer();
      api.behind.settling = () => assert.fail('it waited');
      assert.deepEqual(await ask(api, getPeer, { params: { peerId } }), fail({ code: 'invalid_peer_id' }));
    });
  }
});

describe('the device', () => {
  it('is waited for where it must be', async () => {
    const api = withPeer();
    api.behind.settling = () => void api.behind.table.see(seen, 1, 0);
    assert.match(replied(await ask(api, getPeer, { params })).text, /"active":true/);
  });

  it('is not waited for where it need not be', () => {
    const answered = getPeer.run(rawInput({ params }), withPeer().context);
    assert.ok(!(answered instanceof Promise) && answered.ok);
  });

  it('that can not be read is told, but not to those who ask for nobody', async () => {
    const api = withPeer();
    api.behind.readable = false;
    const outcome = await ask(api, getPeer, { params });
    assert.equal(outcome.ok ? null : outcome.failure.code, 'wireguard_error');
    const unknown = await ask(api, getPeer, { params: { peerId: peerFixture(9).id } });
    assert.deepEqual(unknown, fail({ code: 'peer_not_found' }));
  });
});
