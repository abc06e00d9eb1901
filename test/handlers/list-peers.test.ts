// GET /peers: which pages may be asked for, and how a page looks, to the letter.
import assert from 'node:assert/strict';
import test, { describe, it } from 'node:test';
import { peerTextBytesMax } from '../../core/limits.ts';
import type { AllowedIP, Peer, PeerId, PublicKey } from '../../core/peers/peer.ts';
import { fail, ok } from '../../core/result.ts';
import { decodePage, listPeers } from '../../handlers/list-peers.ts';
import { renderListedPeer } from '../../handlers/shapes.ts';
import { peerFixture, peerFixtures } from '../fixtures/peers.ts';
import { ask, createFakeApi, type FakeApi, rawInput, replied } from './fake-api.ts';

function filled(count: number): FakeApi {
  const api = createFakeApi();
  for (const peer of peerFixtures(count)) api.behind.table.put(peer);
  return api;
}

async function page(api: FakeApi, query: string | null) {
  const { status, text } = replied(await ask(api, listPeers, { query }));
  assert.equal(status, 200);
  const { data, meta } = JSON.parse(text);
  return { ids: data.map((item: { peerId: string }) => item.peerId), meta, text };
}

const ids = (from: number, to: number) =>
  peerFixtures(to)
    .slice(from)
    .map((peer) => peer.id);

describe('offset and limit', () => {
  const good: readonly (readonly [string | null, number, number | null])[] = [
    [null, 0, null],
    ['', 0, null],
    ['offset=0', 0, null],
    ['limit=1', 0, 1],
    ['limit=1000', 0, 1_000],
    ['offset=7&limit=50', 7, 50],
    ['limit=50&offset=7', 7, 50],
    ['offset=9007199254740991', Number.MAX_SAFE_INTEGER, null],
    // Percent signs are the transport's business.
    ['limit=%35%30', 0, 50],
    ['%6cimit=50', 0, 50],
    // Parameters that nobody knows, and stray separators.
    ['Limit=x&LIMIT=0&limits=0&offset[]=x&constructor=1&__proto__=2', 0, null],
    ['limit=5&cursor=abc&&', 0, 5],
    ['%', 0, null],
  ];
  for (const [query, offset, limit] of good) {
    it(`are read from ${query}`, () =>
      assert.deepEqual(decodePage(rawInput({ query })), ok({ offset, limit })));
  }

  const values = [
    '',
    '1e3',
    '+5',
    '%2B5',
    '05',
    '00',
    '-1',
    '-0',
    '1.0',
    '1.',
    '.5',
    '0x10',
    '1_000',
    '1,000',
    'NaN',
    'Infinity',
    'null',
    ' 5',
    '5 ',
    '%205',
    '5%20',
    '5%00',
    '5%0A',
    '٥',
    '%D9%A5',
    '%',
    '%3',
    '5%',
    '9007199254740992',
    '9'.repeat(16),
    '9'.repeat(400),
    '18446744073709551617',
    '5;limit=6',
    '[5]',
  ];
  for (const name of ['offset', 'limit']) {
    it(`are refused where ${name} is no plain whole number in range`, () => {
      for (const value of values) {
        const query = `${name}=${value}`;
        assert.deepEqual(decodePage(rawInput({ query })), fail({ code: 'invalid_pagination' }), query);
      }
    });

    it(`are refused where ${name} has no value or comes twice`, () => {
      for (const query of [name, `${name}=5&${name}=5`, `${name}=5&x=1&${name}=`, `${name}=5&${name}`]) {
        assert.deepEqual(decodePage(rawInput({ query })), fail({ code: 'invalid_pagination' }), query);
      }
    });
  }

  it('are refused where limit is not from 1 to 1000', () => {
    for (const query of ['limit=0', 'limit=1001', 'limit=9007199254740991', 'offset=5&limit=0']) {
      assert.deepEqual(decodePage(rawInput({ query })), fail({ code: 'invalid_pagination' }), query);
    }
  });

  it('stop a request before anything is looked at', async () => {
    const api = createFakeApi();
    api.behind.settling = () => assert.fail('it waited');
    assert.deepEqual(await ask(api, listPeers, { query: 'limit=0' }), fail({ code: 'invalid_pagination' }));
  });
});

describe('a page', () => {
  it('looks like this', async () => {
    const api = filled(1);
    const handshakeMs = Date.UTC(2026, 1, 2, 3, 4, 5);
    const mine = peerFixture(1, {
      allowedIPs: peerFixture(1).allowedIPs.slice(0, 1),
      expiresAtMs: handshakeMs + 1_999,
    });
    api.behind.table.put(mine);
    const seen = {
      ...mine,
      latestHandshakeMs: handshakeMs,
      receiveBytes: 1,
      transmitBytes: 2,
      keepaliveSeconds: 25,
    };
    api.behind.table.see(seen, 1, 0);
    const first = peerFixture(0);
    const { text } = await page(api, 'limit=50');
    assert.equal(
      text,
      `{"data":[{"peerId":"${first.id}","allowedIPs":["10.0.0.2/32","fd00::2/128"],` +
        `"addressFamilies":["IPv4","IPv6"],"publicKey":"${first.publicKey}","active":false,` +
        `"lastHandshakeAt":null,"createdAt":"2026-01-01T00:00:00Z"},` +
        `{"peerId":"${mine.id}","allowedIPs":["10.0.0.3/32"],"addressFamilies":["IPv4"],` +
        `"publicKey":"${mine.publicKey}","active":true,"lastHandshakeAt":"2026-02-02T03:04:05Z",` +
        `"createdAt":"2026-01-01T00:00:01Z","expiresAt":"2026-02-02T03:04:06Z"}],` +
        `"meta":{"offset":0,"limit":50,"totalItems":2,"hasPrev":false,"hasNext":false}}`,
    );
    assert.ok(!text.includes(first.presharedKey));
  });

  it('without peers is empty', async () => {
    const { text } = await page(createFakeApi(), null);
    const meta = '{"offset":0,"limit":0,"totalItems":0,"hasPrev":false,"hasNext":false}';
    assert.equal(text, `{"data":[],"meta":${meta}}`);
  });

  interface Expected {
    readonly query: string | null;
    readonly from: number;
    readonly to: number;
    readonly meta: Readonly<Record<string, number | boolean>>;
  }
  const one = { offset: 0, totalItems: 42, hasPrev: false, hasNext: false };
  const cases: readonly Expected[] = [
    { query: null, from: 0, to: 42, meta: { ...one, limit: 42 } },
    {
      query: 'offset=40',
      from: 40,
      to: 42,
      meta: { ...one, offset: 40, limit: 2, hasPrev: true, prevOffset: 38 },
    },
    {
      query: 'offset=1',
      from: 1,
      to: 42,
      meta: { ...one, offset: 1, limit: 41, hasPrev: true, prevOffset: 0 },
    },
    { query: 'limit=10', from: 0, to: 10, meta: { ...one, limit: 10, hasNext: true, nextOffset: 10 } },
    {
      query: 'offset=10&limit=10',
      from: 10,
      to: 20,
      meta: { ...one, offset: 10, limit: 10, hasPrev: true, hasNext: true, prevOffset: 0, nextOffset: 20 },
    },
    {
      query: 'offset=5&limit=10',
      from: 5,
      to: 15,
      meta: { ...one, offset: 5, limit: 10, hasPrev: true, hasNext: true, prevOffset: 0, nextOffset: 15 },
    },
    {
      query: 'offset=32&limit=10',
      from: 32,
      to: 42,
      meta: { ...one, offset: 32, limit: 10, hasPrev: true, prevOffset: 22 },
    },
    { query: 'limit=42', from: 0, to: 42, meta: { ...one, limit: 42 } },
    { query: 'limit=41', from: 0, to: 41, meta: { ...one, limit: 41, hasNext: true, nextOffset: 41 } },
    // Past the end.
    { query: 'offset=43', from: 42, to: 42, meta: { ...one, offset: 43, limit: 0 } },
    {
      query: 'offset=42&limit=10',
      from: 42,
      to: 42,
      meta: { ...one, offset: 42, limit: 10, hasPrev: true, prevOffset: 32 },
    },
    {
      query: 'offset=9007199254740991&limit=1000',
      from: 42,
      to: 42,
      meta: {
        ...one,
        offset: Number.MAX_SAFE_INTEGER,
        limit: 1_000,
        hasPrev: true,
        prevOffset: Number.MAX_SAFE_INTEGER - 1_000,
      },
    },
  ];
  for (const { query, from, to, meta } of cases) {
    it(`of ${query} holds peers ${from} to ${to}`, async () => {
      const answered = await page(filled(42), query);
      assert.deepEqual(answered.ids, ids(from, to));
      assert.deepEqual(answered.meta, meta);
    });
  }

  it('follows page until all peers were shown, forward and back', async () => {
    const api = filled(42);
    const forward: string[] = [];
    let last = 0;
    for (let offset: number | undefined = 0; offset !== undefined; ) {
      last = offset;
      const answered = await page(api, `offset=${offset}&limit=10`);
      forward.push(...answered.ids);
      offset = answered.meta.nextOffset;
    }
    assert.deepEqual(forward, ids(0, 42));
    const back: string[] = [];
    for (let offset: number | undefined = last; offset !== undefined; ) {
      const answered = await page(api, `offset=${offset}&limit=10`);
      back.unshift(...answered.ids);
      offset = answered.meta.prevOffset;
    }
    assert.deepEqual(back, ids(0, 42));
  });

  it('shows a change of a peer at once', async () => {
    const api = filled(1);
    assert.deepEqual((await page(api, 'limit=5')).ids, ids(0, 1));
    api.behind.table.put(peerFixture(1));
    assert.deepEqual((await page(api, 'limit=5')).ids, ids(0, 2));
    api.behind.table.remove([peerFixture(0).id]);
    assert.deepEqual((await page(api, 'limit=5')).ids, ids(1, 2));
  });

  it('is itself, though others were asked for before it was sent', async () => {
    const api = filled(20);
    const queries = ['limit=5', 'limit=6', 'offset=5', 'offset=5&limit=5', null];
    const outcomes = await Promise.all(queries.map((query) => ask(api, listPeers, { query })));
    const sent = outcomes.map((outcome) => replied(outcome).text);
    for (const [index, query] of queries.entries()) {
      assert.equal(sent[index], (await page(api, query)).text, String(query));
    }
    assert.equal(new Set(sent).size, queries.length);
  });
});

describe('the device', () => {
  it('is waited for where it must be, and what it said is answered', async () => {
    const api = filled(1);
    const { publicKey, presharedKey, allowedIPs } = peerFixture(0);
    const seen = {
      publicKey,
      presharedKey,
      allowedIPs,
      receiveBytes: 1,
      transmitBytes: 2,
      keepaliveSeconds: 25,
    };
    api.behind.settling = () => {
      api.behind.table.see({ ...seen, latestHandshakeMs: 5_000 }, 1, 0);
      api.behind.table.endLook(1);
    };
    assert.match((await page(api, null)).text, /"active":true,"lastHandshakeAt":"1970-01-01T00:00:05Z"/);
  });

  it('is not waited for where it need not be: the answer is there at once', () => {
    const answered = listPeers.run(rawInput(), filled(1).context);
    assert.ok(!(answered instanceof Promise) && answered.ok);
  });

  it('that can not be read is told', async () => {
    const api = filled(1);
    api.behind.readable = false;
    for (const query of [null, 'limit=5']) {
      assert.deepEqual(await ask(api, listPeers, { query }), fail({ code: 'peers_list_unavailable' }));
    }
  });
});

describe('20,000 peers', () => {
  const sample = peerFixture(0);
  // Hashing ids and keys, as the fixture does, would take longer than the test.
  const numbered = (number: number): Peer => {
    const digits = number.toString(16).padStart(12, '0');
    const id = `00000000-0000-4000-8000-${digits}` as PeerId;
    return { ...sample, id, publicKey: `${'A'.repeat(31)}${digits}=` as PublicKey };
  };
  const api = createFakeApi();
  for (let number = 0; number < 20_000; number++) api.behind.table.put(numbered(number));

  it('come in pieces, made as they are taken, and make up one right text', async () => {
    const outcome = await ask(api, listPeers);
    assert.ok(outcome.ok);
    const { body } = outcome.value;
    assert.ok(typeof body === 'object' && !(body instanceof Uint8Array));
    let longest = 0;
    const pieces: string[] = [];
    for (const piece of body) {
      longest = Math.max(longest, piece.length);
      pieces.push(piece);
    }
    assert.ok(longest < 150_000, `a piece of ${longest}`);
    const { data, meta } = JSON.parse(pieces.join(''));
    assert.deepEqual(meta, { offset: 0, limit: 20_000, totalItems: 20_000, hasPrev: false, hasNext: false });
    assert.equal(data.length, 20_000);
    for (const number of [0, 249, 250, 251, 19_999]) {
      assert.equal(data[number].peerId, numbered(number).id);
    }
    assert.equal(new Set(data.map((item: { peerId: string }) => item.peerId)).size, 20_000);
  });

  it('are those that there were when they were asked for, though some leave meanwhile', async () => {
    const small = filled(1_500);
    const outcome = await ask(small, listPeers);
    assert.ok(outcome.ok);
    const pieces = (outcome.value.body as Iterable<string>)[Symbol.iterator]();
    const first = pieces.next().value;
    small.behind.table.remove(peerFixtures(40).map((peer) => peer.id));
    small.behind.table.put(peerFixture(1_500));
    let text = first;
    for (let piece = pieces.next(); piece.done !== true; piece = pieces.next()) text += piece.value;
    const { data, meta } = JSON.parse(text);
    assert.deepEqual(
      data.map((item: { peerId: string }) => item.peerId),
      ids(0, 1_500),
    );
    assert.equal(meta.totalItems, 1_500);
  });

  it('are paged through at any offset', async () => {
    const answered = await page(api, 'offset=19990&limit=1000');
    assert.equal(answered.ids.length, 10);
    assert.equal(answered.ids[0], numbered(19_990).id);
  });
});

test('the longest text that a peer can have fits in where texts are kept', () => {
  const peer = peerFixture(1, {
    allowedIPs: ['255.255.255.254/32', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/128'] as AllowedIP[],
    expiresAtMs: Date.UTC(9999, 11, 31),
  });
  const seen = { peer, active: false, receiveBytes: 0, transmitBytes: 0 };
  for (const latestHandshakeMs of [Date.UTC(9999, 11, 31), Number.MAX_SAFE_INTEGER]) {
    assert.ok(renderListedPeer({ ...seen, latestHandshakeMs }).length < peerTextBytesMax);
  }
});
