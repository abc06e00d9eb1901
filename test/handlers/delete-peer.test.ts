// DELETE /peers/{peerId}: what is asked of the node, and how each end is answered.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChangeFailure } from '../../core/batch.ts';
import { fail, ok } from '../../core/result.ts';
import { deletePeer } from '../../handlers/delete-peer.ts';
import { peerFixture } from '../fixtures/peers.ts';
import { ask, clientAddress, createFakeApi, replied, requestId } from './fake-api.ts';

const peer = peerFixture(0);

describe('a delete', () => {
  it('asks the node once, in the name of the caller, and says so', async () => {
    const api = createFakeApi();
    api.behind.changed = ok({ peer, privateKey: null });
    const outcome = await ask(api, deletePeer, { params: { peerId: peer.id.toUpperCase() } });
    assert.deepEqual(replied(outcome), { status: 200, text: '{"status":"ok"}' });
    assert.deepEqual(api.behind.changes, [
      { command: { kind: 'delete', id: peer.id }, origin: { requestId, clientAddress } },
    ]);
  });

  const failures: Readonly<Partial<Record<ChangeFailure, number>>> = {
    store_unavailable: 1,
    device_unavailable: 1,
    overloaded: 1,
    shutting_down: 1,
  };
  const all: readonly ChangeFailure[] = [
    'peer_not_found',
    'store_error',
    'wireguard_error',
    'store_unavailable',
    'device_unavailable',
    'overloaded',
    'shutting_down',
    'deadline_exceeded',
  ];
  for (const code of all) {
    it(`that was not made is answered ${code}`, async () => {
      const api = createFakeApi();
      api.behind.changed = fail(code);
      const retryAfterSeconds = failures[code];
      const expected = retryAfterSeconds === undefined ? { code } : { code, retryAfterSeconds };
      assert.deepEqual(await ask(api, deletePeer, { params: { peerId: peer.id } }), fail(expected));
    });
  }

  it('of something that is no id asks nobody', async () => {
    const api = createFakeApi();
    const outcome = await ask(api, deletePeer, { params: { peerId: `${peer.id}0` } });
    assert.deepEqual(outcome, fail({ code: 'invalid_peer_id' }));
    assert.deepEqual(api.behind.changes, []);
  });
});
