// Which stored peers a node takes up: those whose time has not come and whose addresses its subnets of today hold.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAddress, parseCidr } from '../../../core/address.ts';
import type { AllowedIP, Peer } from '../../../core/peers/peer.ts';
import { admitStored } from '../../../core/peers/stored.ts';
import { peerFixture } from '../../fixtures/peers.ts';

const subnets = [subnet('10.0.0.0/24', '10.0.0.1'), subnet('fd00::/112', 'fd00::1')];
const nowMs = 10_000;

function subnet(cidrText: string, serverText: string) {
  const cidr = parseCidr(cidrText);
  const serverIp = parseAddress(serverText);
  assert.ok(cidr.ok && serverIp !== null);
  return { cidr: cidr.value, serverIp };
}

function having(...allowedIPs: readonly string[]): Peer {
  return peerFixture(1, { allowedIPs: allowedIPs as readonly AllowedIP[] });
}

describe('admitStored', () => {
  it('takes up what fits, in the order in which it came', () => {
    const peers = [
      peerFixture(2),
      having('10.0.0.254/32'),
      having('fd00::ffff/128'),
      peerFixture(3, { expiresAtMs: nowMs + 1 }),
    ];
    assert.deepEqual(admitStored(peers, subnets, nowMs), { peers, dropped: [] });
  });

  const misfits = [
    ['10.0.1.2/32'],
    ['10.0.0.0/32'],
    ['10.0.0.255/32'],
    ['10.0.0.1/32'],
    ['fd00::1/128'],
    ['fd00::/128'],
    ['fd00::1:0/128'],
    ['10.0.0.2/31'],
    ['10.0.0.2'],
    ['10.0.0.2/32', 'fd01::2/128'],
    ['10.1.0.2/32', 'fd00::2/128'],
  ];
  for (const allowedIPs of misfits) {
    it(`drops one with ${allowedIPs.join(' and ')}`, () => {
      const peer = having(...allowedIPs);
      const fits = peerFixture(4);
      assert.deepEqual(admitStored([peer, fits], subnets, nowMs), {
        peers: [fits],
        dropped: [{ peer, reason: 'address_not_assignable' }],
      });
    });
  }

  it('drops one of a family that the node has no more', () => {
    const peer = having('10.0.0.2/32', 'fd00::2/128');
    assert.deepEqual(admitStored([peer], subnets.slice(0, 1), nowMs).dropped, [
      { peer, reason: 'address_not_assignable' },
    ]);
  });

  it('drops one whose time came while the node was down', () => {
    for (const expiresAtMs of [nowMs, nowMs - 1, 0]) {
      const peer = peerFixture(1, { expiresAtMs });
      assert.deepEqual(admitStored([peer], subnets, nowMs), {
        peers: [],
        dropped: [{ peer, reason: 'expired' }],
      });
    }
  });
});
