// The pure domain: picking addresses, deciding commands, moving book and table. No clock, no keys of its own.
import { type Cidr, parseCidr } from '../../core/address.ts';
import { type Book, createBook } from '../../core/peers/book.ts';
import { decide, type PeerCommand } from '../../core/peers/lifecycle.ts';
import type { PeerId } from '../../core/peers/peer.ts';
import { createPools, type PoolSubnet } from '../../core/peers/pool.ts';
import { createFakeKeySource } from '../../test/fakes/key-source.ts';
import { mustSucceed } from '../../test/fixtures/outcome.ts';
import { peerFixture, peerFixtures, peerIdFixture } from '../../test/fixtures/peers.ts';
import { type Case, defineCase } from './case.ts';

const nowMs = Date.UTC(2027, 0, 1);

export const peerCases: readonly Case[] = [
  takeAndRelease('pool/take one of a fresh /24', '10.0.0.0/24', 0, '10.0.0.2/32'),
  takeAndRelease('pool/take the last of a /16', '10.0.0.0/16', 65_532, '10.0.255.254/32'),
  takeAndRelease('pool/take one of a fresh /64', 'fd00::/64', 0, 'fd00::2/128'),
  decideCase(
    'lifecycle/decide a create',
    { kind: 'put', id: peerIdFixture(1), expiresAtMs: null, families: null },
    'created',
  ),
  decideCase(
    'lifecycle/decide a rotation',
    { kind: 'put', id: peerIdFixture(0), expiresAtMs: null, families: null },
    'rotated',
  ),
  decideCase('lifecycle/decide a delete', { kind: 'delete', id: peerIdFixture(0) }, 'deleted'),
  createAndDelete('book/create and delete among 250', 250),
  createAndDelete('book/create and delete among 65,000', 65_000),
  rotate('book/rotate among 250', 250),
  rotate('book/rotate among 65,000', 65_000),
];

/** `taken`: how many of the network's addresses are taken beforehand, the lowest first. */
function takeAndRelease(name: string, network: string, taken: number, first: string): Case {
  return defineCase(name, () => {
    const subnet = subnetOf(network);
    const family = subnet.cidr.family;
    const pools = createPools(
      [subnet],
      peerFixtures(taken).map((peer) => peer.allowedIPs[0] ?? ('' as never)),
    );
    let given = 0;
    return {
      run() {
        const allowedIPs = pools.take([family]);
        if (allowedIPs !== null) pools.release(allowedIPs);
        given++;
        return allowedIPs;
      },
      // Addresses that rest are handed out later, so only the first is known beforehand.
      show: (allowedIPs) => (given === 1 ? allowedIPs : [first].slice(0, allowedIPs?.length)),
      expected: [first],
    };
  });
}

function decideCase(name: string, command: PeerCommand, kind: string): Case {
  return defineCase(name, () => {
    const current = command.id === peerIdFixture(0) ? peerFixture(0) : undefined;
    const keys = createFakeKeySource().peerKeys();
    const addresses = peerFixture(1).allowedIPs;
    const facts = { nowMs, makeKeys: () => keys, takeAddresses: () => addresses };
    return {
      run: () => decide(command, current, facts),
      show: (decided) => decided.ok && decided.value.change.kind,
      expected: kind,
    };
  });
}

function createAndDelete(name: string, count: number): Case {
  return defineCase(name, () => {
    const book = filledBook(count);
    const id = peerIdFixture(count);
    return {
      run() {
        change(book, { kind: 'put', id, expiresAtMs: null, families: null });
        const most = book.table.size;
        change(book, { kind: 'delete', id });
        return [most, book.table.size];
      },
      show: (sizes) => sizes,
      expected: [count + 1, count],
    };
  });
}

function rotate(name: string, count: number): Case {
  return defineCase(name, () => {
    const book = filledBook(count);
    const id = peerIdFixture(count >>> 1);
    return {
      run: () => change(book, { kind: 'put', id, expiresAtMs: null, families: null }),
      show: () => [book.table.size, book.table.get(id)?.peer.allowedIPs],
      expected: [count, peerFixture(count >>> 1).allowedIPs],
    };
  });
}

const keys = createFakeKeySource();

function change(book: Book, command: PeerCommand & { readonly id: PeerId }): void {
  const decided = mustSucceed(book.decide(command, nowMs, keys.peerKeys));
  book.publish([decided.change]);
}

function filledBook(count: number): Book {
  const book = createBook([subnetOf('10.0.0.0/8'), subnetOf('fd00::/64')]);
  book.load(peerFixtures(count));
  return book;
}

function subnetOf(text: string): PoolSubnet {
  const cidr: Cidr = mustSucceed(parseCidr(text));
  return { cidr, serverIp: { family: cidr.family, value: cidr.base + 1n } };
}
