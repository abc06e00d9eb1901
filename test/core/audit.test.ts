// Who changed which peer: the fields of every line, and no secret in any of them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { auditChange, auditDrift } from '../../core/audit.ts';
import type { PeerChange } from '../../core/peers/lifecycle.ts';
import type { Drift } from '../../core/peers/reconcile.ts';
import type { DevicePeer } from '../../core/ports.ts';
import { createFakeLog } from '../fakes/log.ts';
import { peerFixture, peerFixtures, publicKeyFixture } from '../fixtures/peers.ts';

const before = peerFixture(1);
const after = { ...before, publicKey: publicKeyFixture('after') };
const origin = { requestId: '7c2f3f7a-6b4e-4f3f-8b2a-1a9b3c2d4e5f', clientAddress: '192.0.2.7' };

function audited(drift: Partial<Drift>) {
  const log = createFakeLog();
  const none = { repaired: [], removed: [], strangers: new Map(), reported: [], changes: [] };
  auditDrift(log, { seen: 1, ...none, ...drift });
  assert.ok(!JSON.stringify(log.lines).includes(before.presharedKey));
  return log.lines;
}

const strangersKey = publicKeyFixture('stranger');
const stranger: DevicePeer = {
  publicKey: strangersKey,
  presharedKey: before.presharedKey,
  allowedIPs: ['10.0.0.9/32'],
  latestHandshakeMs: null,
  receiveBytes: 0,
  transmitBytes: 0,
  keepaliveSeconds: 0,
};

describe('the line of a change', () => {
  const changes: readonly PeerChange[] = [
    { kind: 'created', after },
    { kind: 'rotated', before, after },
    { kind: 'deleted', before },
    { kind: 'expired', before },
  ];
  for (const change of changes) {
    it(`tells which peer was ${change.kind}, for whom, and how it came out`, () => {
      const log = createFakeLog();
      auditChange(log, change, origin, 'done');
      auditChange(log, change, null, 'unknown');
      const fields = {
        audit: true,
        event: change.kind,
        outcome: 'done',
        peerId: before.id,
        publicKey: 'after' in change ? after.publicKey : before.publicKey,
        allowedIPs: before.allowedIPs,
      };
      const message = `peer ${change.kind}`;
      assert.deepEqual(log.lines, [
        { level: 'info', fields: { ...fields, ...origin }, message },
        { level: 'info', fields: { ...fields, outcome: 'unknown' }, message },
      ]);
      assert.ok(!JSON.stringify(log.lines).includes(before.presharedKey));
    });
  }
});

describe('the lines of a drift', () => {
  it('are none where there was none', () => {
    assert.deepEqual(audited({}), []);
    assert.deepEqual(audited({ seen: 0 }), []);
  });

  it('name each peer and each unknown key', () => {
    const { id, publicKey, allowedIPs } = before;
    const reported = publicKeyFixture('reported');
    const removed = { peer: stranger, reason: 'address_taken' } as const;
    const lines = audited({ repaired: [before], removed: [removed], reported: [reported] });
    const removal = { publicKey: strangersKey, allowedIPs: ['10.0.0.9/32'], reason: 'address_taken' };
    assert.deepEqual(
      lines.map(({ level, fields }) => ({ level, fields })),
      [
        { level: 'warn', fields: { audit: true, event: 'repaired', peerId: id, publicKey, allowedIPs } },
        { level: 'warn', fields: { audit: true, event: 'removed', ...removal } },
        { level: 'warn', fields: { audit: true, event: 'reported', publicKey: reported } },
      ],
    );
  });

  it('are one where the device was empty', () => {
    const lines = audited({ seen: 0, repaired: peerFixtures(5_000) });
    assert.deepEqual(
      lines.map(({ level, fields }) => ({ level, fields })),
      [{ level: 'info', fields: { audit: true, event: 'restored', peers: 5_000 } }],
    );
  });

  it('are bounded, and say how many there would be', () => {
    const removed = [{ peer: stranger, reason: 'unknown' }] as const;
    const lines = audited({ seen: 1, repaired: peerFixtures(1_001), removed });
    assert.equal(lines.length, 1_000 + 1 + 1);
    assert.deepEqual(lines.at(-1)?.fields, { audit: true, repaired: 1_001, removed: 1, reported: 0 });
    assert.equal(audited({ repaired: peerFixtures(1_000) }).length, 1_000);
  });
});
