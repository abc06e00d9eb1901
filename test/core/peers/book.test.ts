// The node's decisions in memory: table, addresses and expiries must never tell different stories.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAddress, parseCidr } from '../../../core/address.ts';
import { type Book, createBook } from '../../../core/peers/book.ts';
import type { PeerChange, PeerCommand } from '../../../core/peers/lifecycle.ts';
import type { Peer, PeerId } from '../../../core/peers/peer.ts';
import { fail } from '../../../core/result.ts';
import { createFakeKeySource } from '../../fakes/key-source.ts';
import { createSeeded, type Seeded } from '../../fakes/seeded.ts';
import { peerFixture, peerIdFixture } from '../../fixtures/peers.ts';

// 13 IPv4 and 14 IPv6 addresses for peers.
const subnets = [subnet('10.0.0.0/28', '10.0.0.1'), subnet('fd00::/124', 'fd00::1')];
const keys = createFakeKeySource();

function subnet(cidrText: string, serverText: string) {
  const cidr = parseCidr(cidrText);
  const serverIp = parseAddress(serverText);
  assert.ok(cidr.ok && serverIp !== null);
  return { cidr: cidr.value, serverIp };
}

function put(number: number, parts: Partial<Extract<PeerCommand, { kind: 'put' }>> = {}): PeerCommand {
  return { kind: 'put', id: peerIdFixture(number), expiresAtMs: null, families: null, ...parts };
}

function decided(book: Book, command: PeerCommand, nowMs = 0): PeerChange {
  const decision = book.decide(command, nowMs, keys.peerKeys);
  assert.ok(decision.ok, decision.ok ? '' : decision.failure);
  return decision.value.change;
}

function made(book: Book, command: PeerCommand): PeerChange {
  const change = decided(book, command);
  book.publish([change]);
  return change;
}

describe('the book', () => {
  it('takes up stored peers with their addresses and expiries', () => {
    const book = createBook(subnets);
    const peers = [peerFixture(0, { expiresAtMs: 500 }), peerFixture(1)];
    book.load(peers);
    assert.deepEqual(book.table.peers(), peers);
    assert.equal(book.pools.possible, 13);
    assert.equal(book.nextExpiryMs(), 500);
    const change = decided(book, put(2));
    assert.deepEqual('after' in change && change.after.allowedIPs, ['10.0.0.4/32', 'fd00::4/128']);
  });

  it('shows a change when it is published, and not before', () => {
    const book = createBook(subnets);
    const change = decided(book, put(0, { expiresAtMs: 500 }));
    assert.equal(book.table.size, 0);
    assert.equal(book.nextExpiryMs(), null);
    book.publish([change]);
    assert.equal(book.table.size, 1);
    assert.equal(book.nextExpiryMs(), 500);
  });

  it('tells what the store has from what readers may see, until a change arrives or is given back', () => {
    const book = createBook(subnets);
    const ids = (peers: readonly Peer[]) => peers.map((peer) => peer.id).sort();
    for (const number of [0, 1]) made(book, put(number));
    const created = decided(book, put(2));
    const rotated = decided(book, put(0));
    const deleted = decided(book, { kind: 'delete', id: peerIdFixture(1) });
    const before = book.storedPeers();
    book.stored([created, rotated, deleted]);
    assert.deepEqual(ids(before), [0, 1].map(peerIdFixture));
    assert.deepEqual(ids(book.storedPeers()), [0, 2].map(peerIdFixture));
    assert.ok('after' in rotated && book.storedPeers().includes(rotated.after));
    assert.ok([0, 1, 2].every((number) => book.isOnItsWay(peerIdFixture(number))));
    assert.deepEqual(book.table.peers(), before);
    book.publish([rotated]);
    book.giveBack([created, deleted]);
    assert.deepEqual(ids(book.storedPeers()), [0, 1].map(peerIdFixture));
    assert.ok(![0, 1, 2].some((number) => book.isOnItsWay(peerIdFixture(number))));
  });

  it('gives a peer that is rotated the addresses that it has', () => {
    const book = createBook(subnets);
    const first = made(book, put(0, { families: ['IPv6'] }));
    const second = made(book, put(0, { families: ['IPv4'] }));
    assert.ok('after' in first && 'after' in second);
    assert.deepEqual(second.after.allowedIPs, first.after.allowedIPs);
    // A rotation that is not made gives back nothing, since it took nothing.
    book.giveBack([decided(book, put(0))]);
    const others = Array.from({ length: 13 }, (_, number) => made(book, put(number + 1)));
    const addresses = others.flatMap((change) => ('after' in change ? change.after.allowedIPs : []));
    assert.ok(!addresses.some((address) => first.after.allowedIPs.includes(address)));
  });

  it('lets a rotated peer expire once, at its latest moment', () => {
    const book = createBook(subnets);
    made(book, put(0, { expiresAtMs: 500 }));
    made(book, put(0));
    made(book, put(1, { expiresAtMs: 500 }));
    made(book, put(1, { expiresAtMs: 900 }));
    const ids = (nowMs: number) => book.takeExpired(nowMs, 10).map((peer) => peer.id);
    assert.deepEqual(ids(499), []);
    assert.deepEqual(ids(500), [peerIdFixture(0)]);
    assert.deepEqual(ids(900), [peerIdFixture(1)]);
    assert.deepEqual(ids(900), []);
  });

  it('never has an address out twice nor loses one, whatever is made, dropped and expires', () => {
    for (let seed = 1; seed <= 15; seed++) liveThrough(createSeeded(seed));
  });
});

function liveThrough(seeded: Seeded): void {
  const book = createBook(subnets);
  let nowMs = 0;
  for (let step = 0; step < 150; step++) {
    nowMs += seeded.below(50);
    const batch = decideBatch(book, seeded, nowMs);
    assertDisjoint(book, batch);
    const dropped = batch.filter(() => seeded.chance(0.3));
    book.giveBack(dropped);
    book.publish(batch.filter((change) => !dropped.includes(change)));
    const due = book.takeExpired(nowMs, 1 + seeded.below(5));
    for (const peer of due) assert.ok(peer.expiresAtMs !== null && peer.expiresAtMs <= nowMs);
    book.publish(due.map((before) => ({ kind: 'expired', before })));
    assertDisjoint(book, []);
  }
  book.publish(book.table.peers().map((before) => ({ kind: 'deleted', before })));
  const all = Array.from({ length: 13 }, (_, number) => decided(book, put(number)));
  assertDisjoint(book, all);
  assert.deepEqual(book.decide(put(13), nowMs, keys.peerKeys), fail('no_available_ip'));
  decided(book, put(14, { families: ['IPv6'] }));
}

/** Some changes of different peers, decided and not yet made. */
function decideBatch(book: Book, seeded: Seeded, nowMs: number): PeerChange[] {
  const ids = new Set(Array.from({ length: 1 + seeded.below(6) }, () => seeded.below(20)));
  return [...ids].flatMap((number) => {
    const expiresAtMs = seeded.chance(0.5) ? nowMs + 1 + seeded.below(300) : null;
    const families = seeded.pick([null, ['IPv4'], ['IPv6'], ['IPv6', 'IPv4']] as const);
    const isDelete = seeded.chance(0.3);
    const command: PeerCommand = isDelete
      ? { kind: 'delete', id: peerIdFixture(number) }
      : put(number, { expiresAtMs, families });
    const decision = book.decide(command, nowMs, keys.peerKeys);
    return decision.ok ? [decision.value.change] : [];
  });
}

/** Peers of the table, and new ones that wait, share no address. */
function assertDisjoint(book: Book, waiting: readonly PeerChange[]): void {
  const created = waiting.flatMap((change) => (change.kind === 'created' ? [change.after] : []));
  const owners = new Map<string, PeerId>();
  for (const peer of [...book.table.peers(), ...created]) {
    for (const allowedIP of peer.allowedIPs) {
      assert.ok(!owners.has(allowedIP), `${allowedIP} is out twice`);
      owners.set(allowedIP, peer.id);
    }
  }
}
