// The store file as bytes: what is written is read back, every damage shows, and nothing that is read is trusted.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { Packr, Unpackr } from 'msgpackr';
import { decodeStore } from '../../../adapters/store/format.ts';
import { encodeFrame } from '../../../adapters/store/frame.ts';
import { formatRecord } from '../../../adapters/store/record.ts';
import type { AllowedIP, Peer } from '../../../core/peers/peer.ts';
import type { StoreChange } from '../../../core/ports.ts';
import { put, remove, sorted } from '../../contracts/store.ts';
import { mustFail, mustSucceed } from '../../fixtures/outcome.ts';
import {
  ipv4Fixture,
  ipv6Fixture,
  peerFixture,
  peerFixtures,
  publicKeyFixture,
} from '../../fixtures/peers.ts';
import { storeFileFixture, storeFileOf } from '../../fixtures/store-files.ts';
import { storeV1 } from '../../fixtures/store-v1.ts';

const rotated = peerFixture(0, { publicKey: publicKeyFixture('rotated'), expiresAtMs: 1_900_000_000_001 });
const batches: readonly (readonly StoreChange[])[] = [
  [{ kind: 'put', peer: rotated, retires: peerFixture(0).publicKey }],
  [put(peerFixture(2)), remove(peerFixture(1))],
];

/** What a file with two peers and the first `count` of the batches above holds. */
function heldAfter(count: number): readonly Peer[] {
  if (count === 0) return sorted(peerFixtures(2));
  return sorted(count === 1 ? [rotated, peerFixture(1)] : [rotated, peerFixture(2)]);
}

describe('reading back', () => {
  test('peers, batches and retired keys', async () => {
    const gone = publicKeyFixture('gone');
    const { bytes, ends } = storeFileFixture(peerFixtures(2), batches, [gone]);
    const decoded = mustSucceed(await decodeStore(bytes));
    assert.deepEqual(sorted(decoded.peers), heldAfter(2));
    assert.deepEqual(decoded.retired, [gone, peerFixture(0).publicKey, peerFixture(1).publicKey]);
    assert.equal(decoded.snapshotBytes, ends[2]);
    assert.equal(decoded.wholeBytes, bytes.length);
    assert.equal(decoded.nextFrame, 4);
  });

  test('several frames of records, and none', async () => {
    for (const count of [0, 1, 1_024, 1_025, 2_048]) {
      const decoded = mustSucceed(await decodeStore(storeFileFixture(peerFixtures(count)).bytes));
      assert.deepEqual(decoded.peers, peerFixtures(count));
    }
  });

  test('a retired key that is in use again is not retired', async () => {
    const [old, fresh] = [peerFixture(0), rotated];
    const there: StoreChange = { kind: 'put', peer: fresh, retires: old.publicKey };
    const back: StoreChange = { kind: 'put', peer: old, retires: fresh.publicKey };
    const decoded = mustSucceed(await decodeStore(storeFileFixture([old], [[there], [back]]).bytes));
    assert.deepEqual(decoded.retired, [fresh.publicKey]);
  });

  test('every form of address that the node hands out', async () => {
    const addresses = [
      '::1',
      'fd00::',
      '2001:db8:1:2:3:4:5:6',
      'fd00:0:0:1::1',
      '1:0:2:3:4:5:6:7',
      '::ffff:a00:1',
    ];
    const peers = addresses.map((address, index) =>
      peerFixture(index, { allowedIPs: [ipv4Fixture(index), `${address}/128` as AllowedIP] }),
    );
    assert.deepEqual(mustSucceed(await decodeStore(storeFileFixture(peers).bytes)).peers, peers);
  });

  test('a file of the first release', async () => {
    const decoded = mustSucceed(await decodeStore(Buffer.from(storeV1, 'base64')));
    assert.deepEqual(sorted(decoded.peers), heldAfter(2));
  });

  test('any reader of MessagePack streams gets through, and can check every frame', () => {
    const { bytes } = storeFileFixture(peerFixtures(2), batches);
    const values = new Unpackr({ useRecords: false }).unpackMultiple(bytes) as unknown[];
    assert.deepEqual(values[0], { format: 'wgkeeper-node peers', version: 1 });
    const records = peerFixtures(2).map(formatRecord);
    assert.deepEqual(values[2], { records });
    assert.deepEqual(values[5], { end: 2, retired: [] });
    assert.deepEqual(values[11], {
      changes: [formatRecord(peerFixture(2)), peerFixture(1).id],
      retired: [peerFixture(1).publicKey],
    });
    for (let index = 1; index < values.length; index += 3) {
      const head = values[index] as Buffer;
      const sha256 = (part: Uint8Array) => createHash('sha256').update(part).digest();
      const payload = new Packr({ useRecords: false }).pack(values[index + 1]);
      assert.equal(head.readUInt32BE(0), (index - 1) / 3);
      assert.equal(head.readUInt32BE(4), payload.length);
      assert.deepEqual(head.subarray(8, 24), sha256(payload).subarray(0, 16));
      assert.deepEqual(head.subarray(24), sha256(head.subarray(0, 24)).subarray(0, 8));
      assert.equal(values[index + 2], true);
    }
    assert.equal(values.length, 13);
  });
});

describe('damage', () => {
  const { bytes, ends } = storeFileFixture(peerFixtures(2), batches);

  // Every bit of the opening and the first frame's head; further on, where a hash covers all alike, one of each byte.
  test('a single bit that flips is noticed', async () => {
    const everyBitUntil = ((ends[0] ?? 0) + 64) * 8;
    for (let bit = 0; bit < bytes.length * 8; bit += bit < everyBitUntil ? 1 : 7) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal((await decodeStore(damaged)).ok, false, `bit ${bit & 7} of byte ${bit >> 3}`);
    }
  });

  test('a file cut off anywhere loses at most the batch that was cut', async () => {
    const snapshotEnd = ends[2] ?? 0;
    for (let size = 0; size < bytes.length; size++) {
      const decoded = await decodeStore(bytes.subarray(0, size));
      assert.equal(decoded.ok, size >= snapshotEnd, `cut to ${size}`);
      if (!decoded.ok) continue;
      const whole = ends.slice(3).filter((end) => end <= size).length;
      assert.deepEqual(sorted(decoded.value.peers), heldAfter(whole));
      assert.equal(decoded.value.wholeBytes, ends[2 + whole]);
    }
  });

  test('what is cut off inside the peers is no torn batch', async () => {
    assert.match(
      mustFail(await decodeStore(bytes.subarray(0, (ends[1] ?? 0) + 40))),
      /^byte [0-9]+: .*end mark/,
    );
    assert.match(mustFail(await decodeStore(bytes.subarray(0, ends[0]))), /end mark/);
  });

  test('an empty file is damage, and not an empty store', async () => {
    assert.match(mustFail(await decodeStore(Buffer.alloc(0))), /empty/);
  });

  test('other files and later versions are told apart', async () => {
    assert.match(mustFail(await decodeStore(Buffer.from('[]\n'))), /not a peer store/);
    assert.match(mustFail(await decodeStore(Buffer.alloc(4_096))), /not a peer store/);
    const later = Buffer.from(bytes);
    later[(ends[0] ?? 0) - 1] = 2;
    assert.match(mustFail(await decodeStore(later)), /version 2, and this program reads 1/);
  });

  test('garbage behind the last batch', async () => {
    for (const garbage of [
      'x',
      'garbage',
      `${'long '.repeat(100)}`,
      '\0x',
      '\xc4 not a frame, though it starts like one',
    ]) {
      const damaged = Buffer.concat([bytes, Buffer.from(garbage, 'latin1')]);
      assert.equal(mustFail(await decodeStore(damaged)), `byte ${bytes.length}: no frame starts here`);
    }
  });

  test('batches that are missing, swapped, repeated or from elsewhere', async () => {
    const part = (index: number) => bytes.subarray(ends[index - 1], ends[index]);
    const upTo = (index: number) => bytes.subarray(0, ends[index]);
    const damages = {
      missing: [upTo(2), part(4)],
      swapped: [upTo(2), part(4), part(3)],
      repeated: [upTo(4), part(4)],
      'a second file behind the first': [bytes, bytes.subarray(ends[0])],
      'no end mark': [upTo(1), part(3)],
    };
    for (const [name, parts] of Object.entries(damages)) {
      assert.equal((await decodeStore(Buffer.concat(parts))).ok, false, name);
    }
  });
});

describe('a write that a power cut left with holes', () => {
  // Long enough for its last batch to lie in several sectors.
  const { bytes, ends } = storeFileFixture(peerFixtures(2), [...batches, peerFixtures(9).slice(3).map(put)]);
  const start = ends[4] ?? 0;
  const sectors: (readonly [number, number])[] = [];
  for (let from = start; from < bytes.length; from += 512 - (from % 512)) {
    sectors.push([from, Math.min(from + 512 - (from % 512), bytes.length)]);
  }

  test('a sector of the last batch that reads as zeros', async () => {
    assert.ok(sectors.length >= 3);
    for (const [from, to] of sectors) {
      const decoded = mustSucceed(await decodeStore(Buffer.from(bytes).fill(0, from, to)));
      assert.equal(decoded.wholeBytes, start);
      assert.deepEqual(sorted(decoded.peers), heldAfter(2));
    }
  });

  test('the whole batch reads as zeros, at any size', async () => {
    for (const size of [1, 33, 34, 35, 512, bytes.length - start]) {
      const cut = Buffer.concat([bytes.subarray(0, start), Buffer.alloc(size)]);
      assert.equal(mustSucceed(await decodeStore(cut)).wholeBytes, start);
    }
  });

  test('fewer zeros than a sector are damage', async () => {
    for (const [from, to] of sectors) {
      assert.equal((await decodeStore(Buffer.from(bytes).fill(0, from + 1, to))).ok, false);
      assert.equal((await decodeStore(Buffer.from(bytes).fill(0, from, to - 1))).ok, false);
    }
  });

  test('a hole before another batch is damage: what was written later proves that it had been flushed', async () => {
    const longer = Buffer.concat([
      bytes,
      encodeFrame(5, new Packr({ useRecords: false }).pack({ changes: [], retired: [] })),
    ]);
    mustSucceed(await decodeStore(longer));
    for (const [from, to] of sectors) {
      if (to > bytes.length - 1) continue;
      assert.equal((await decodeStore(Buffer.from(longer).fill(0, from, to))).ok, false);
    }
  });
});

describe('payloads that a hostile hand made, in sound frames', () => {
  const record = formatRecord(peerFixture(0));
  const end = (count: number) => ({ end: count, retired: [] });
  const ofRecord = (fields: object) => [{ records: [{ ...record, ...fields }] }, end(1)];
  const without = (field: string) => [
    { records: [Object.fromEntries(Object.entries(record).filter(([name]) => name !== field))] },
    end(1),
  ];
  const key31 = Buffer.alloc(31).toString('base64');

  test('the payloads that the cases below are made from are good', async () => {
    mustSucceed(await decodeStore(storeFileOf(ofRecord({}))));
    mustSucceed(await decodeStore(storeFileOf(ofRecord({ expires_at: 0 }))));
  });

  const cases: Readonly<Record<string, readonly [readonly unknown[], RegExp]>> = {
    'id in upper case': [ofRecord({ peer_id: record.peer_id.toUpperCase() }), /record 1: peer_id/],
    'id of another version': [ofRecord({ peer_id: '7c2f3f7a-6b4e-1f3f-8b2a-1a9b3c2d4e5f' }), /peer_id/],
    'id that is a number': [ofRecord({ peer_id: 7 }), /peer_id/],
    'no id': [without('peer_id'), /peer_id/],
    'short public key': [ofRecord({ public_key: key31 }), /public_key/],
    'public key with a line end': [ofRecord({ public_key: `${record.public_key}\n` }), /public_key/],
    'public key as bytes': [ofRecord({ public_key: Buffer.alloc(32) }), /public_key/],
    'no public key': [without('public_key'), /public_key/],
    'preshared key in hex': [ofRecord({ preshared_key: '0'.repeat(64) }), /preshared_key/],
    'no preshared key': [without('preshared_key'), /preshared_key/],
    'preshared key null': [ofRecord({ preshared_key: null }), /preshared_key/],
    'no addresses': [ofRecord({ allowed_ips: [] }), /allowed_ips/],
    'addresses missing': [without('allowed_ips'), /allowed_ips/],
    'addresses as text': [ofRecord({ allowed_ips: '10.0.0.2/32' }), /allowed_ips/],
    'a network': [ofRecord({ allowed_ips: ['10.0.0.0/24'] }), /allowed_ips/],
    'everything IPv6': [ofRecord({ allowed_ips: ['::/0'] }), /allowed_ips/],
    'leading zero': [ofRecord({ allowed_ips: ['10.0.0.02/32'] }), /allowed_ips/],
    'octet over 255': [ofRecord({ allowed_ips: ['10.0.0.256/32'] }), /allowed_ips/],
    'two of a family': [ofRecord({ allowed_ips: ['10.0.0.2/32', '10.0.0.3/32'] }), /allowed_ips/],
    'IPv6 before IPv4': [ofRecord({ allowed_ips: ['fd00::2/128', '10.0.0.2/32'] }), /allowed_ips/],
    'three addresses': [
      ofRecord({ allowed_ips: ['10.0.0.2/32', 'fd00::2/128', 'fd00::3/128'] }),
      /allowed_ips/,
    ],
    'IPv6 in upper case': [ofRecord({ allowed_ips: ['FD00::2/128'] }), /allowed_ips/],
    'IPv6 not shortened': [ofRecord({ allowed_ips: ['fd00:0:0:0:0:0:0:2/128'] }), /allowed_ips/],
    'IPv6 that shortens one zero': [ofRecord({ allowed_ips: ['1:2:3::5:6:7:8/128'] }), /allowed_ips/],
    'IPv6 with leading zero': [ofRecord({ allowed_ips: ['fd00::02/128'] }), /allowed_ips/],
    'IPv6 with nine groups': [ofRecord({ allowed_ips: ['1:2:3:4:5::6:7:8:9/128'] }), /allowed_ips/],
    'argument for a program': [ofRecord({ allowed_ips: ['10.0.0.2/32,0.0.0.0/0'] }), /allowed_ips/],
    'created before 1970': [ofRecord({ created_at: -1 }), /created_at/],
    'created between milliseconds': [ofRecord({ created_at: 0.5 }), /created_at/],
    'created as text': [ofRecord({ created_at: '2026-01-01T00:00:00Z' }), /created_at/],
    'created as a date': [ofRecord({ created_at: new Date(0) }), /created_at/],
    'created never': [without('created_at'), /created_at/],
    'expires at infinity': [ofRecord({ expires_at: Number.POSITIVE_INFINITY }), /expires_at/],
    'expires at not-a-number': [ofRecord({ expires_at: Number.NaN }), /expires_at/],
    'expires beyond all dates': [ofRecord({ expires_at: 8_640_000_000_000_001 }), /expires_at/],
    'expires at null': [ofRecord({ expires_at: null }), /expires_at/],
    'a private key': [ofRecord({ private_key: record.public_key }), /"private_key": unknown field/],
    'records that are texts': [[{ records: ['peer'] }, end(1)], /record 1: not a record/],
    'records that are no list': [[{ records: {} }, end(0)], /records/],
    'one id twice': [
      [{ records: [record, { ...formatRecord(peerFixture(1)), peer_id: record.peer_id }] }, end(2)],
      /record 2: peer_id: .* twice/,
    ],
    'one public key twice': [
      [{ records: [record, { ...formatRecord(peerFixture(1)), public_key: record.public_key }] }, end(2)],
      /public_key: .* twice/,
    ],
    'one address twice': [
      [{ records: [record, { ...formatRecord(peerFixture(1)), allowed_ips: [ipv6Fixture(0)] }] }, end(2)],
      /allowed_ips: .* twice/,
    ],
    'public key twice after a batch': [
      [
        { records: [record] },
        end(1),
        { changes: [{ ...formatRecord(peerFixture(1)), public_key: record.public_key }], retired: [] },
      ],
      /public_key: .* twice/,
    ],
    'count too high': [[{ records: [record] }, end(2)], /end: want 1/],
    'count too low': [[{ records: [record] }, end(0)], /end: want 1/],
    'second end mark': [[end(0), end(0)], /second end mark/],
    'records after the end mark': [[end(0), { records: [record] }], /records after the end mark/],
    'changes before the end mark': [[{ changes: [], retired: [] }, end(0)], /changes before the end mark/],
    'retired keys that are none': [[{ end: 0, retired: ['key'] }], /retired, item 1/],
    'retired keys of a batch that are none': [[end(0), { changes: [], retired: [null] }], /retired, item 1/],
    'retired keys that are no list': [[{ end: 0, retired: null }], /retired/],
    'a change of the wrong kind': [[end(0), { changes: [7], retired: [] }], /change 1: not a record/],
    'a bad record in a batch': [
      [end(0), { changes: [peerFixture(0).id, { ...record, created_at: -1 }], retired: [] }],
      /change 2: created_at/,
    ],
    'a removal in upper case': [
      [end(0), { changes: [record.peer_id.toUpperCase()], retired: [] }],
      /change 1/,
    ],
    'changes that are no list': [[end(0), { changes: null, retired: [] }], /changes/],
    'a batch with more in it': [[end(0), { changes: [], retired: [], more: 1 }], /neither/],
    'a payload that is no map': [[[]], /neither/],
  };

  for (const [name, [payloads, problem]] of Object.entries(cases)) {
    test(name, async () => {
      const failure = mustFail(await decodeStore(storeFileOf(payloads)));
      assert.match(failure, problem);
      for (const secret of [record.public_key, record.preshared_key]) assert.ok(!failure.includes(secret));
    });
  }

  test('a payload that is no MessagePack, or too much of it', async () => {
    const header = storeFileOf([]);
    for (const payload of [[], [0xc1], [0xdd, 0xff, 0xff, 0xff, 0xff], [0x80, 0x80]]) {
      const file = Buffer.concat([header, encodeFrame(0, Uint8Array.from(payload))]);
      assert.match(mustFail(await decodeStore(file)), /^byte 37: neither/);
    }
  });
});
