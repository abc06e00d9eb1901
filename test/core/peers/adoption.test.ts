// Which found peers are taken up as they are, which are known, and why the others are not.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AdoptionFacts, type FoundPeer, planAdoption } from '../../../core/peers/adoption.ts';
import { noPresharedKey, type Peer, type PeerId, type PublicKey } from '../../../core/peers/peer.ts';
import type { DevicePeer } from '../../../core/ports.ts';
import { peerFixture, peerIdFixture } from '../../fixtures/peers.ts';
import { parseSubnet } from '../../fixtures/subnets.ts';

const nowMs = 1_000;
const ids = new Map<PublicKey, PeerId>(
  Array.from({ length: 9 }, (_, index) => [peerFixture(index).publicKey, peerIdFixture(index)]),
);

/** Peer number `index`, as somebody wrote it down. */
function found(index: number, changes: Partial<FoundPeer> = {}): FoundPeer {
  const { publicKey, presharedKey, allowedIPs } = peerFixture(index);
  return { publicKey, presharedKey, allowedIPs, ...changes };
}

function onDevice(peer: FoundPeer): DevicePeer {
  return { ...peer, latestHandshakeMs: null, receiveBytes: 0, transmitBytes: 0, keepaliveSeconds: 0 };
}

function plan(
  peers: readonly FoundPeer[],
  { live, ...facts }: Partial<Omit<AdoptionFacts, 'live'>> & { live?: readonly FoundPeer[] } = {},
) {
  return planAdoption(peers, {
    stored: [],
    subnets: [parseSubnet('10.0.0.0/24'), parseSubnet('fd00::/112')],
    idOf: (publicKey) => ids.get(publicKey) ?? peerIdFixture(99),
    live: live === undefined ? null : new Map(live.map((peer) => [peer.publicKey, onDevice(peer)])),
    nowMs,
    ...facts,
  });
}

const problems = (...args: Parameters<typeof plan>) => plan(...args).refused.map(({ problem }) => problem);

describe('a found peer', () => {
  it('is taken up with its key and addresses, and is new and permanent', () => {
    assert.deepEqual(plan([found(0)]), {
      added: [peerFixture(0, { createdAtMs: nowMs })],
      known: [],
      refused: [],
    });
  });

  it('may have no preshared key, one address, and IPv6 before IPv4', () => {
    const peers = [
      found(0, { presharedKey: null, allowedIPs: ['fd00::2/128', '10.0.0.2/32'] }),
      found(1, { allowedIPs: ['fd00::3/128'] }),
    ];
    const [first, second] = plan(peers, { live: peers }).added;
    assert.equal(first?.presharedKey, noPresharedKey);
    assert.deepEqual(first?.allowedIPs, ['10.0.0.2/32', 'fd00::2/128']);
    assert.deepEqual(second?.allowedIPs, ['fd00::3/128']);
  });

  it('is known when it is stored, also when its key was rotated since', () => {
    const rotated: Peer = peerFixture(1, { publicKey: peerFixture(8).publicKey });
    const { added, known, refused } = plan([found(0), found(1)], {
      stored: [peerFixture(0), rotated],
      live: [],
    });
    assert.deepEqual([added, known.length, refused], [[], 2, []]);
  });
});

describe('a peer is refused', () => {
  it('that has not one address a family and nothing else', () => {
    assert.deepEqual(problems([found(0, { allowedIPs: [] })]), ['no_address']);
    for (const allowedIPs of [
      ['10.0.0.0/28'],
      ['10.0.0.2/32', '192.168.5.0/24'],
      ['10.0.0.2/32', '10.0.0.3/32'],
      ['0.0.0.0/0', '::/0'],
    ]) {
      assert.deepEqual(problems([found(0, { allowedIPs })]), ['not_one_address'], allowedIPs.join());
    }
  });

  it('that has an address which the node could not give', () => {
    for (const address of ['10.0.1.2/32', '10.0.0.0/32', '10.0.0.255/32', '10.0.0.1/32', 'fd01::2/128']) {
      assert.deepEqual(problems([found(0, { allowedIPs: [address] })]), ['not_assignable'], address);
    }
  });

  it('that has an address or an id of another, stored or found', () => {
    const same = { allowedIPs: peerFixture(0).allowedIPs };
    assert.deepEqual(problems([found(0), found(1, same)]), ['address_taken']);
    assert.deepEqual(problems([found(1, same)], { stored: [peerFixture(0)] }), ['address_taken']);
    assert.deepEqual(problems([found(0), found(1)], { idOf: () => peerIdFixture(0) }), ['id_taken']);
    const other = peerFixture(3, { id: peerIdFixture(0) });
    assert.deepEqual(problems([found(0)], { stored: [other], live: [found(0), found(3)] }), ['id_taken']);
  });

  it('that the interface has otherwise, or has alone', () => {
    const otherKey = { presharedKey: null };
    assert.deepEqual(problems([found(0)], { live: [found(0, otherKey)] }), ['live_differs']);
    assert.deepEqual(problems([found(0, otherKey)], { live: [found(0)] }), ['live_differs']);
    const moved = { allowedIPs: peerFixture(1).allowedIPs };
    assert.deepEqual(problems([found(0)], { live: [found(0, moved)] }), ['live_differs']);
    assert.deepEqual(problems([], { live: [found(0)] }), ['only_live']);
  });
});

it('a stored peer on the interface is no stranger', () => {
  assert.deepEqual(problems([], { stored: [peerFixture(0)], live: [found(0)] }), []);
});
