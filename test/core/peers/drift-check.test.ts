// What a look that readers caused makes of what it shows: a difference is noticed, and the writer's own changes are none.
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { createDriftCheck, type DriftCheck } from '../../../core/peers/drift-check.ts';
import type { Peer } from '../../../core/peers/peer.ts';
import type { DeviceChange, DevicePeer } from '../../../core/ports.ts';
import { peerFixture, publicKeyFixture } from '../../fixtures/peers.ts';

const peer = peerFixture(1);
const rotated = { ...peer, publicKey: publicKeyFixture('rotated') };
const stranger = onDevice(peerFixture(7));

function onDevice(of: Peer, changes: Partial<DevicePeer> = {}): DevicePeer {
  const { publicKey, presharedKey, allowedIPs } = of;
  const traffic = { latestHandshakeMs: 5, receiveBytes: 10, transmitBytes: 20 };
  return { publicKey, presharedKey, allowedIPs, keepaliveSeconds: 25, ...traffic, ...changes };
}

const put: DeviceChange = { kind: 'put', peer, replaces: null };
const rotation: DeviceChange = { kind: 'put', peer: rotated, replaces: peer.publicKey };
const removal: DeviceChange = { kind: 'remove', publicKey: peer.publicKey };

let strangers: ReadonlyMap<DevicePeer['publicKey'], DevicePeer>;
let check: DriftCheck;

beforeEach(() => {
  strangers = new Map();
  check = createDriftCheck(() => strangers);
});

/** Whether a look differs that shows this. */
function differs(show: () => void): boolean {
  check.begin();
  show();
  return check.end();
}

describe('a look', () => {
  it('notices a peer that is missing, strange or otherwise, and nothing else', () => {
    assert.equal(
      differs(() => check.visit(onDevice(peer), peer)),
      false,
    );
    assert.ok(differs(() => check.miss(peer)));
    assert.ok(differs(() => check.visit(stranger, null)));
    assert.ok(differs(() => check.visit(onDevice(peer, { presharedKey: null }), peer)));
    assert.equal(
      differs(() => {}),
      false,
      'what an earlier look showed is forgotten',
    );
  });

  it('does not hold the next one up with a change that was made before it', () => {
    check.changing([put]);
    check.changed([put]);
    assert.ok(differs(() => check.miss(peer)));
  });
});

describe('a change of the writer', () => {
  const shows: Readonly<Record<string, readonly [DeviceChange, () => void]>> = {
    'a new peer that the look was too early for': [put, () => check.miss(peer)],
    'a new peer that the table did not know yet': [put, () => check.visit(onDevice(peer), null)],
    'an old key that the look still showed': [rotation, () => check.visit(onDevice(peer), null)],
    'an old key that had left before the table knew': [rotation, () => check.miss(peer)],
    'a new key that the table did not know yet': [rotation, () => check.visit(onDevice(rotated), null)],
    'a removed peer that the look still showed': [removal, () => check.visit(onDevice(peer), null)],
  };
  for (const [what, [change, show]] of Object.entries(shows)) {
    it(`is no difference: ${what}`, () => {
      check.changing([change]);
      assert.equal(differs(show), false, 'under way all the while');
      check.begin();
      check.changed([change]);
      show();
      assert.equal(check.end(), false, 'under way as the look began');
      check.begin();
      check.changing([change]);
      check.changed([change]);
      show();
      assert.equal(check.end(), false, 'made while the look went on');
      assert.ok(differs(show), 'a look that began later knows better');
    });
  }

  it('is under way until it is done, whatever else is done meanwhile', () => {
    const other: DeviceChange = { kind: 'put', peer: peerFixture(2), replaces: null };
    check.changing([put]);
    check.changing([other]);
    check.changed([put]);
    assert.equal(
      differs(() => check.miss(peerFixture(2))),
      false,
    );
    assert.ok(differs(() => check.miss(peer)));
  });

  it('hides no difference in other peers', () => {
    check.changing([put]);
    assert.ok(differs(() => check.miss(peerFixture(2))));
    assert.ok(differs(() => check.visit(stranger, null)));
  });
});

describe('a stranger that is known to stay', () => {
  beforeEach(() => {
    strangers = new Map([[stranger.publicKey, stranger]]);
  });

  it('is no difference, whatever it counts and in which order it holds its addresses', () => {
    const now = { ...stranger, allowedIPs: [...stranger.allowedIPs].reverse(), receiveBytes: 99 };
    assert.equal(
      differs(() => check.visit(now, null)),
      false,
    );
  });

  it('is one when it holds other addresses, or has left', () => {
    assert.ok(differs(() => check.visit({ ...stranger, allowedIPs: ['10.0.0.99/32'] }, null)));
    assert.ok(differs(() => {}));
  });

  it('is none when it became known while the look went on', () => {
    check.begin();
    strangers = new Map([...strangers, [peer.publicKey, onDevice(peer)]]);
    check.visit(stranger, null);
    assert.equal(check.end(), false);
  });
});
