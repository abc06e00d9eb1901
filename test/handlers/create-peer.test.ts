// POST /peers: every field with everything that can be wrong with it, and the answer to the letter.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChangeFailure } from '../../core/batch.ts';
import type { NodeHealth } from '../../core/node.ts';
import type { PutCommand } from '../../core/peers/lifecycle.ts';
import type { PrivateKey } from '../../core/peers/peer.ts';
import { fail, ok } from '../../core/result.ts';
import { createPeer } from '../../handlers/create-peer.ts';
import type { ApiCode } from '../../handlers/failures.ts';
import { peerFixture, publicKeyFixture } from '../fixtures/peers.ts';
import { ask, clientAddress, createFakeApi, nowMs, replied, requestId } from './fake-api.ts';

const peerId = '7c2f3f7a-6b4e-4f3f-8b2a-1a9b3c2d4e5f';
const peer = peerFixture(1);
const privateKey = `${'p'.repeat(42)}8=` as PrivateKey;

/** A body as it comes out of the JSON parser. */
function parsed(text: string): unknown {
  return JSON.parse(text);
}

/** The command that a body becomes. */
async function command(body: unknown): Promise<PutCommand> {
  const api = createFakeApi();
  api.behind.changed = ok({ peer, privateKey });
  replied(await ask(api, createPeer, { body }));
  const [made] = api.behind.changes;
  assert.ok(made?.command.kind === 'put');
  return made.command;
}

/** The code that a body is refused with, before anything is changed. */
async function refusal(body: unknown, families?: readonly ['IPv4' | 'IPv6']): Promise<ApiCode> {
  const api = createFakeApi(families === undefined ? {} : { families });
  const outcome = await ask(api, createPeer, { body });
  assert.ok(!outcome.ok, 'was accepted');
  assert.deepEqual(api.behind.changes, []);
  return outcome.failure.code;
}

describe('the body', () => {
  for (const text of ['null', '[]', '"text"', '5', 'true', `[{"peerId":"${peerId}"}]`]) {
    it(`must be one object and not ${text}`, async () => {
      assert.equal(await refusal(parsed(text)), 'invalid_json');
    });
  }

  it('may hold no field that nobody knows, whatever it is called', async () => {
    const names = [
      'expires_at',
      'peerid',
      'PeerId',
      'id',
      '',
      ' peerId',
      'toString',
      'constructor',
      '__proto__',
      'prototype',
    ];
    for (const name of names) {
      for (const value of ['null', '1', '{}', `"${peerId}"`]) {
        const body = parsed(`{"peerId":"${peerId}",${JSON.stringify(name)}:${value}}`);
        assert.equal(await refusal(body), 'unknown_field', name);
      }
    }
    assert.equal(await refusal(parsed('{"__proto__":{"peerId":"x"}}')), 'unknown_field');
  });

  it('is told which field nobody knows, shortened and harmless', async () => {
    const sentence = async (name: string) => {
      const outcome = await ask(createFakeApi(), createPeer, { body: { peerId, [name]: 1 } });
      return outcome.ok ? assert.fail() : outcome.failure.sentence;
    };
    assert.match((await sentence('expiresat')) ?? '', /"expiresat"/);
    const hostile = (await sentence(`a"\n\u001b[31m\u202eé${'x'.repeat(100_000)}`)) ?? '';
    assert.match(hostile, /^[\x20-\x7e]{1,200}$/);
  });
});

describe('peerId', () => {
  it('is taken in any letter case, as lower case', async () => {
    for (const text of [peerId, peerId.toUpperCase()]) {
      assert.deepEqual(await command({ peerId: text }), {
        kind: 'put',
        id: peerId,
        expiresAtMs: null,
        families: null,
      });
    }
  });

  const wrong = [
    undefined,
    null,
    '',
    5,
    true,
    [peerId],
    { peerId },
    peerId.replaceAll('-', ''),
    `{${peerId}}`,
  ];
  wrong.push(
    `urn:uuid:${peerId}`,
    ` ${peerId}`,
    `${peerId}\n`,
    peerId.replace('4f3f', '1f3f'),
    peerId.slice(1),
  );
  for (const value of wrong) {
    it(`is not ${JSON.stringify(value)}`, async () => {
      assert.equal(await refusal(value === undefined ? {} : { peerId: value }), 'invalid_peer_id');
    });
  }
});

describe('expiresAt', () => {
  it('is a moment in the future, with any offset and fraction', async () => {
    const expected: Readonly<Record<string, number>> = {
      '2026-12-31T23:59:59Z': Date.UTC(2026, 11, 31, 23, 59, 59),
      '2026-12-31t23:59:59.5z': Date.UTC(2026, 11, 31, 23, 59, 59, 500),
      '2026-12-31T23:59:59+02:00': Date.UTC(2026, 11, 31, 21, 59, 59),
      [new Date(nowMs + 1).toISOString()]: nowMs + 1,
    };
    for (const [expiresAt, ms] of Object.entries(expected)) {
      assert.equal((await command({ peerId, expiresAt })).expiresAtMs, ms);
    }
  });

  it('is absent when null', async () => {
    assert.equal((await command({ peerId, expiresAt: null })).expiresAtMs, null);
  });

  const wrong = [
    '',
    'tomorrow',
    '2026-12-31',
    '2026-12-31T23:59:59',
    '2026-02-30T00:00:00Z',
    1_798_761_599,
    true,
  ];
  const past = [new Date(nowMs).toISOString(), new Date(nowMs - 1).toISOString(), '1970-01-01T00:00:00Z'];
  for (const value of [...wrong, ...past, [], ['2026-12-31T23:59:59Z'], {}, '9'.repeat(10_000)]) {
    it(`is not ${JSON.stringify(value).slice(0, 40)}`, async () => {
      assert.equal(await refusal({ peerId, expiresAt: value }), 'invalid_expires_at');
    });
  }
});

describe('addressFamilies', () => {
  it('is a list in any order, or absent', async () => {
    for (const families of [['IPv4'], ['IPv6'], ['IPv4', 'IPv6'], ['IPv6', 'IPv4']]) {
      assert.deepEqual((await command({ peerId, addressFamilies: families })).families, families);
    }
    assert.equal((await command({ peerId, addressFamilies: null })).families, null);
  });

  const wrong = [
    [],
    ['IPv4', 'IPv4'],
    ['IPv4', 'IPv6', 'IPv4'],
    ['ipv4'],
    ['IPv5'],
    ['IPv4', null],
    [4],
    [['IPv4']],
  ];
  for (const value of [...wrong, 'IPv4', { 0: 'IPv4', length: 1 }, {}, 4, true, '']) {
    it(`is not ${JSON.stringify(value)}`, async () => {
      assert.equal(await refusal({ peerId, addressFamilies: value }), 'invalid_address_families');
    });
  }

  it('names only families that the node has, for known peers, too', async () => {
    for (const addressFamilies of [['IPv6'], ['IPv4', 'IPv6']]) {
      assert.equal(await refusal({ peerId, addressFamilies }, ['IPv4']), 'unsupported_address_family');
    }
    assert.equal(
      await refusal({ peerId, addressFamilies: ['IPv4'] }, ['IPv6']),
      'unsupported_address_family',
    );
  });
});

describe('the change', () => {
  it('is asked for in the name of the caller', async () => {
    const api = createFakeApi();
    await ask(api, createPeer, { body: { peerId } });
    assert.deepEqual(api.behind.changes[0]?.origin, { requestId, clientAddress });
  });

  const retryable = new Set(['store_unavailable', 'device_unavailable', 'overloaded', 'shutting_down']);
  const failures: readonly ChangeFailure[] = [
    'no_available_ip',
    'store_error',
    'wireguard_error',
    'store_unavailable',
    'device_unavailable',
    'overloaded',
    'shutting_down',
    'deadline_exceeded',
  ];
  for (const failure of failures) {
    it(`that was not made is answered ${failure}`, async () => {
      const api = createFakeApi();
      api.behind.changed = fail(failure);
      const expected = retryable.has(failure) ? { code: failure, retryAfterSeconds: 1 } : { code: failure };
      assert.deepEqual(await ask(api, createPeer, { body: { peerId } }), fail(expected));
    });
  }
});

describe('the answer', () => {
  it('holds the keys, once, and is kept by nobody', async () => {
    const api = createFakeApi();
    api.behind.changed = ok({ peer, privateKey });
    const outcome = await ask(api, createPeer, { body: { peerId } });
    assert.ok(outcome.ok);
    assert.deepEqual(replied(outcome), {
      status: 200,
      text:
        `{"server":{"publicKey":"${publicKeyFixture('server')}","listenPort":51820},` +
        `"peer":{"peerId":"${peer.id}","publicKey":"${peer.publicKey}","privateKey":"${privateKey}",` +
        `"presharedKey":"${peer.presharedKey}","allowedIPs":["10.0.0.3/32","fd00::3/128"],` +
        `"addressFamilies":["IPv4","IPv6"]}}`,
    });
  });

  it("tells the interface's own port, where it has one", async () => {
    const api = createFakeApi();
    Object.assign(api.behind, { changed: ok({ peer, privateKey }), listenPort: 51_999 });
    const { text } = replied(await ask(api, createPeer, { body: { peerId } }));
    assert.match(text, /"listenPort":51999}/);
  });

  it('shows the families that the peer has', async () => {
    const api = createFakeApi();
    api.behind.changed = ok({ peer: { ...peer, allowedIPs: peer.allowedIPs.slice(1) }, privateKey });
    const { text } = replied(await ask(api, createPeer, { body: { peerId, addressFamilies: ['IPv4'] } }));
    assert.match(text, /"allowedIPs":\["fd00::3\/128"\],"addressFamilies":\["IPv6"\]/);
  });
});

describe('the key of the interface', () => {
  it('is looked for when it is not known yet', async () => {
    const api = createFakeApi();
    api.behind.serverPublicKey = null;
    api.behind.settling = () => {
      api.behind.serverPublicKey = publicKeyFixture('found');
    };
    api.behind.changed = ok({ peer, privateKey });
    const { text } = replied(await ask(api, createPeer, { body: { peerId } }));
    assert.ok(text.startsWith(`{"server":{"publicKey":"${publicKeyFixture('found')}"`));
  });

  const codes: Readonly<Record<NodeHealth, ApiCode>> = {
    ok: 'server_info_unavailable',
    wireguard_unavailable: 'device_unavailable',
    store_unavailable: 'store_unavailable',
    shutting_down: 'shutting_down',
  };
  for (const [health, code] of Object.entries(codes)) {
    it(`is needed: without it nothing is made, and ${code} tells why`, async () => {
      const api = createFakeApi();
      Object.assign(api.behind, { serverPublicKey: null, health, changed: ok({ peer, privateKey }) });
      const outcome = await ask(api, createPeer, { body: { peerId } });
      assert.equal(outcome.ok ? null : outcome.failure.code, code);
      assert.deepEqual(api.behind.changes, []);
    });
  }
});
