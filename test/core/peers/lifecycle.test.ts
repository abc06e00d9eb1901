// What a command makes of a peer, and what each change asks of store and device, there and back.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  decide,
  deviceChange,
  type Facts,
  isExpired,
  type PeerChange,
  type PeerCommand,
  storeChange,
  undoneInStore,
} from '../../../core/peers/lifecycle.ts';
import type { Peer } from '../../../core/peers/peer.ts';
import { fail } from '../../../core/result.ts';
import { createFakeKeySource } from '../../fakes/key-source.ts';
import { peerFixture, publicKeyFixture } from '../../fixtures/peers.ts';

const nowMs = 1_234_567;
const before = peerFixture(1, { expiresAtMs: 5_000 });
const after: Peer = { ...before, publicKey: publicKeyFixture('after') };

function facts(changes: Partial<Facts> = {}): Facts {
  const keys = createFakeKeySource();
  return { nowMs, makeKeys: keys.peerKeys, takeAddresses: () => peerFixture(2).allowedIPs, ...changes };
}

function decided(command: PeerCommand, current: Peer | undefined, changes: Partial<Facts> = {}) {
  const decision = decide(command, current, facts(changes));
  assert.ok(decision.ok);
  return decision.value;
}

const put = { kind: 'put', id: before.id, expiresAtMs: null, families: null } as const;
const never = () => assert.fail('must not be asked');

describe('a put', () => {
  it('of a new id makes a peer of fresh keys and addresses, created now', () => {
    const keys = createFakeKeySource().peerKeys();
    const { change, privateKey } = decided({ ...put, expiresAtMs: 9_000_000 }, undefined);
    assert.deepEqual(change, {
      kind: 'created',
      after: {
        id: before.id,
        publicKey: keys.publicKey,
        presharedKey: keys.presharedKey,
        allowedIPs: peerFixture(2).allowedIPs,
        createdAtMs: nowMs,
        expiresAtMs: 9_000_000,
      },
    });
    assert.equal(privateKey, keys.privateKey);
  });

  it('keeps the private key out of the change', () => {
    const { change, privateKey } = decided(put, undefined);
    assert.ok(privateKey !== null && !JSON.stringify(change).includes(privateKey));
  });

  it('hands the families on that were asked for', () => {
    for (const families of [null, ['IPv6'] as const]) {
      let asked: unknown;
      const takeAddresses: Facts['takeAddresses'] = (wanted) => {
        asked = wanted;
        return peerFixture(2).allowedIPs;
      };
      decided({ ...put, families }, undefined, { takeAddresses });
      assert.equal(asked, families);
    }
  });

  it('of a new id fails when no address is left, and makes no keys', () => {
    const decision = decide(put, undefined, facts({ takeAddresses: () => null, makeKeys: never }));
    assert.deepEqual(decision, fail('no_available_ip'));
  });

  it('of a known id changes both keys and nothing else, and takes no address', () => {
    const keys = createFakeKeySource().peerKeys();
    const { change, privateKey } = decided({ ...put, families: ['IPv4'] }, before, { takeAddresses: never });
    const { publicKey, presharedKey } = keys;
    assert.deepEqual(change, { kind: 'rotated', before, after: { ...before, publicKey, presharedKey } });
    assert.equal(privateKey, keys.privateKey);
  });

  it('of a known id takes a new expiry, and keeps the old one when none is given', () => {
    const expiry = (command: PeerCommand) => {
      const { change } = decided(command, before);
      return 'after' in change && change.after.expiresAtMs;
    };
    assert.equal(expiry({ ...put, expiresAtMs: 9_000 }), 9_000);
    assert.equal(expiry(put), 5_000);
  });
});

describe('a delete', () => {
  it('of a known id removes it, without keys', () => {
    const decision = decided({ kind: 'delete', id: before.id }, before, { makeKeys: never });
    assert.deepEqual(decision, { change: { kind: 'deleted', before }, privateKey: null });
  });

  it('of an unknown id fails', () => {
    assert.deepEqual(decide({ kind: 'delete', id: before.id }, undefined, facts()), fail('peer_not_found'));
  });
});

describe('a change', () => {
  const gone = { kind: 'remove', id: before.id, retires: before.publicKey };
  const back = { kind: 'put', peer: before, retires: null };
  const off = { kind: 'remove', publicKey: before.publicKey };
  const cases: readonly { change: PeerChange; store: object; undone: object; device: object }[] = [
    {
      change: { kind: 'created', after },
      store: { kind: 'put', peer: after, retires: null },
      undone: { kind: 'remove', id: after.id, retires: after.publicKey },
      device: { kind: 'put', peer: after, replaces: null },
    },
    {
      change: { kind: 'rotated', before, after },
      store: { kind: 'put', peer: after, retires: before.publicKey },
      undone: { kind: 'put', peer: before, retires: after.publicKey },
      device: { kind: 'put', peer: after, replaces: before.publicKey },
    },
    { change: { kind: 'deleted', before }, store: gone, undone: back, device: off },
    { change: { kind: 'expired', before }, store: gone, undone: back, device: off },
  ];
  for (const { change, store, undone, device } of cases) {
    it(`that a peer was ${change.kind} reaches store and device, and is taken back in the store`, () => {
      assert.deepEqual(storeChange(change), store);
      assert.deepEqual(undoneInStore(change), undone);
      assert.deepEqual(deviceChange(change), device);
    });
  }
});

describe('isExpired', () => {
  it('is true from the moment itself on', () => {
    assert.equal(isExpired(before, 4_999), false);
    assert.equal(isExpired(before, 5_000), true);
    assert.equal(isExpired(before, 5_001), true);
    assert.equal(isExpired(peerFixture(1), Number.MAX_SAFE_INTEGER), false);
  });
});
