// The difference between the peers that ought to be and those on the device, and what makes it go away.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AllowedIP, noPresharedKey, type Peer, type PublicKey } from '../../../core/peers/peer.ts';
import { collectDrift } from '../../../core/peers/reconcile.ts';
import { createPeerTable } from '../../../core/peers/table.ts';
import type { DeviceChange, DevicePeer } from '../../../core/ports.ts';
import { createSeeded } from '../../fakes/seeded.ts';
import { peerFixture, peerFixtures, publicKeyFixture } from '../../fixtures/peers.ts';

function onDevice(peer: Peer, changes: Partial<DevicePeer> = {}): DevicePeer {
  const { publicKey, presharedKey, allowedIPs } = peer;
  const traffic = { latestHandshakeMs: 5, receiveBytes: 10, transmitBytes: 20 };
  return { publicKey, presharedKey, allowedIPs, keepaliveSeconds: 25, ...traffic, ...changes };
}

function drift(
  peers: readonly Peer[],
  seen: readonly DevicePeer[],
  unknownPeers: 'remove' | 'report' = 'remove',
  retired: readonly PublicKey[] = [],
  known: readonly DevicePeer[] = [],
) {
  const table = createPeerTable();
  for (const peer of peers) table.put(peer);
  const strangers = new Map(known.map((peer) => [peer.publicKey, peer]));
  const collector = collectDrift(table, unknownPeers, new Set(retired), strangers);
  for (const peer of seen) collector.visit(peer, table.byPublicKey(peer.publicKey)?.peer ?? null);
  const found = collector.drift();
  return { ...found, strangers: [...found.strangers.values()] };
}

const nothing = { repaired: [], removed: [], strangers: [], reported: [], changes: [] };
const peers = peerFixtures(3);
const [first] = peers;
assert.ok(first !== undefined);
const others = peers.slice(1).map((peer) => onDevice(peer));
const stranger = onDevice(peerFixture(7));

describe('drift', () => {
  it('is nothing where all is well, whatever the order', () => {
    const seen = peers.map((peer) => onDevice(peer, { allowedIPs: [...peer.allowedIPs].reverse() }));
    assert.deepEqual(drift(peers, seen.reverse()), { seen: 3, ...nothing });
    assert.deepEqual(drift([], []), { seen: 0, ...nothing });
  });

  it('is nothing where a peer shall have no preshared key, and has none', () => {
    const without = peerFixture(0, { presharedKey: noPresharedKey });
    assert.deepEqual(drift([without], [onDevice(without, { presharedKey: null })]), { seen: 1, ...nothing });
    assert.deepEqual(drift([without], [onDevice(first)]).repaired, [without]);
  });

  it('puts every peer on an empty device', () => {
    const found = drift(peers, []);
    assert.equal(found.seen, 0);
    assert.deepEqual(found.repaired, peers);
    assert.deepEqual(
      found.changes,
      peers.map((peer) => ({ kind: 'put', peer, replaces: null })),
    );
  });

  const [ipv4, ipv6] = first.allowedIPs as readonly [AllowedIP, AllowedIP];
  const wrong: Readonly<Record<string, Partial<DevicePeer>>> = {
    'another preshared key': { presharedKey: peerFixture(9).presharedKey },
    'no preshared key': { presharedKey: null },
    'no addresses': { allowedIPs: [] },
    'one address of two': { allowedIPs: [ipv4] },
    'an address more': { allowedIPs: [ipv4, ipv6, '10.9.9.9/32'] },
    'another address': { allowedIPs: [ipv4, 'fd00::9/128'] },
    'one address twice': { allowedIPs: [ipv4, ipv4] },
    'no keepalive': { keepaliveSeconds: 0 },
    'another keepalive': { keepaliveSeconds: 24 },
  };
  for (const [what, changes] of Object.entries(wrong)) {
    it(`repairs a peer with ${what}, and it alone`, () => {
      const found = drift(peers, [onDevice(first, changes), ...others]);
      assert.deepEqual(found, {
        seen: 3,
        ...nothing,
        repaired: [first],
        changes: [{ kind: 'put', peer: first, replaces: null }],
      });
    });
  }

  it('removes strangers before it puts peers', () => {
    const found = drift(peers, [...others, stranger]);
    assert.deepEqual(
      found.removed.map(({ peer, reason }) => [peer.publicKey, reason]),
      [[stranger.publicKey, 'unknown']],
    );
    assert.deepEqual(found.reported, []);
    assert.deepEqual(found.changes, [
      { kind: 'remove', publicKey: stranger.publicKey },
      { kind: 'put', peer: first, replaces: null },
    ]);
  });

  it('reports strangers where it shall, and changes nothing', () => {
    const found = drift(peers, [onDevice(first), ...others, stranger], 'report');
    const reported = [stranger.publicKey];
    assert.deepEqual(found, { seen: 4, ...nothing, strangers: [stranger], reported });
  });

  it('reports a stranger once, and again when it holds other addresses', () => {
    const seen = [...peers.map((peer) => onDevice(peer)), stranger];
    const reports = (...known: readonly DevicePeer[]) => drift(peers, seen, 'report', [], known).reported;
    const reversed = { ...stranger, allowedIPs: [...stranger.allowedIPs].reverse(), receiveBytes: 99 };
    assert.deepEqual(reports(reversed), []);
    assert.deepEqual(reports({ ...stranger, allowedIPs: stranger.allowedIPs.slice(1) }), [
      stranger.publicKey,
    ]);
  });

  it('removes a key that was its own, even where strangers are reported', () => {
    const found = drift(peers, [onDevice(first), ...others, stranger], 'report', [stranger.publicKey]);
    assert.deepEqual(
      found.removed.map(({ peer, reason }) => [peer.publicKey, reason]),
      [[stranger.publicKey, 'retired']],
    );
    assert.deepEqual(found.reported, []);
  });

  it('removes a stranger that holds an address of a peer, even where strangers are reported', () => {
    const thief = onDevice(peerFixture(8), { allowedIPs: ['10.9.9.9/32', ipv6] });
    const found = drift(
      peers,
      [onDevice(first, { allowedIPs: [ipv4] }), ...others, thief, stranger],
      'report',
    );
    assert.deepEqual(
      found.removed.map(({ peer, reason }) => [peer.publicKey, reason]),
      [[thief.publicKey, 'address_taken']],
    );
    assert.deepEqual(found.reported, [stranger.publicKey]);
    assert.deepEqual(found.repaired, [first]);
  });

  it('keeps a peer whose key stands among the retired ones', () => {
    assert.deepEqual(drift(peers, [onDevice(first), ...others], 'remove', [first.publicKey]), {
      seen: 3,
      ...nothing,
    });
  });

  it('makes any device right in one go', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const seeded = createSeeded(seed);
      const wanted = peerFixtures(30).filter(() => seeded.chance(0.7));
      const mode = seeded.pick(['remove', 'report'] as const);
      const device = peerFixtures(40)
        .filter(() => seeded.chance(0.6))
        .map((peer) => onDevice(peer, seeded.pick([{}, {}, ...Object.values(wrong)])));
      const found = drift(wanted, device, mode);
      const right = drift(wanted, applied(device, found.changes), mode);
      assert.deepEqual(right.changes, []);
      assert.deepEqual(right.reported, found.reported);
      if (mode === 'remove') assert.equal(right.seen, wanted.length);
    }
  });
});

/** The device after these changes: an address that a second peer claims leaves the first. */
function applied(device: readonly DevicePeer[], changes: readonly DeviceChange[]): DevicePeer[] {
  const held = new Map<PublicKey, DevicePeer>(device.map((peer) => [peer.publicKey, peer]));
  for (const change of changes) {
    if (change.kind === 'remove') {
      held.delete(change.publicKey);
      continue;
    }
    for (const peer of held.values()) {
      const allowedIPs = peer.allowedIPs.filter(
        (ip) => !change.peer.allowedIPs.some((claimed) => claimed === ip),
      );
      held.set(peer.publicKey, { ...peer, allowedIPs });
    }
    held.set(change.peer.publicKey, onDevice(change.peer as Peer));
  }
  return [...held.values()];
}

describe('a stranger', () => {
  it('is not taken for a peer because of its address', () => {
    const impostor = onDevice(first, { publicKey: publicKeyFixture('impostor') });
    const found = drift([first], [impostor], 'report');
    assert.deepEqual(
      found.removed.map(({ peer }) => peer.publicKey),
      [impostor.publicKey],
    );
    assert.deepEqual(found.repaired, [first]);
  });
});
