// Whose request it is.
import assert from 'node:assert/strict';
import test from 'node:test';
import { formatAddress, parseAddress } from '../../../core/address.ts';
import { addressFromBytes, findClient } from '../../../core/http/client-address.ts';
import { cidrs } from '../../fixtures/toy-api.ts';

const proxies = cidrs('127.0.0.1/32', '::1/128', '10.0.0.0/8', 'fd00::/8');

function client(remote: string, forwardedFor: string): string {
  const address = parseAddress(remote);
  assert.ok(address);
  return formatAddress(findClient(address, forwardedFor, proxies));
}

const cases: readonly [what: string, remote: string, forwardedFor: string, expected: string][] = [
  ['nobody forwarded it', '192.0.2.1', '', '192.0.2.1'],
  ['a proxy that says nothing', '127.0.0.1', '', '127.0.0.1'],
  ['a proxy that speaks for a client', '127.0.0.1', '192.0.2.1', '192.0.2.1'],
  ['somebody who is no proxy', '192.0.2.9', '192.0.2.1', '192.0.2.9'],
  ['what the client made up stands at the left', '127.0.0.1', '1.1.1.1, 192.0.2.1', '192.0.2.1'],
  ['several proxies', '127.0.0.1', '1.1.1.1, 192.0.2.1, 10.1.1.1,fd00::1', '192.0.2.1'],
  ['all of them proxies: the first', '127.0.0.1', '10.0.0.2, 10.0.0.1', '10.0.0.2'],
  ['several lines, joined', '127.0.0.1', '10.0.0.1,192.0.2.1', '192.0.2.1'],
  ['an empty line first', '127.0.0.1', ',192.0.2.1', '192.0.2.1'],
  ['an empty hop ends the walk', '127.0.0.1', '192.0.2.1,', '127.0.0.1'],
  ['garbage ends the walk', '127.0.0.1', '192.0.2.1, unknown, 10.0.0.1', '10.0.0.1'],
  ['garbage alone', '127.0.0.1', '_hidden', '127.0.0.1'],
  ['white space around', '127.0.0.1', ' \t192.0.2.1 ', '192.0.2.1'],
  ['a port', '127.0.0.1', '192.0.2.1:8080', '192.0.2.1'],
  ['brackets', '127.0.0.1', '[2001:db8::1]', '2001:db8::1'],
  ['brackets and a port', '127.0.0.1', '[2001:db8::1]:8080', '2001:db8::1'],
  ['IPv6 without brackets', '::1', '2001:DB8::1', '2001:db8::1'],
  ['IPv4 in brackets is none', '127.0.0.1', '[192.0.2.1]', '127.0.0.1'],
  ['a port that is none', '127.0.0.1', '192.0.2.1:x', '127.0.0.1'],
  ['a zone is none', '127.0.0.1', 'fe80::1%eth0', '127.0.0.1'],
  ['quotes are none', '127.0.0.1', '"192.0.2.1"', '127.0.0.1'],
  ['IPv4 mapped into IPv6', '127.0.0.1', '::ffff:192.0.2.1', '192.0.2.1'],
  ['a proxy mapped into IPv6', '127.0.0.1', '192.0.2.1, ::ffff:10.0.0.1', '192.0.2.1'],
  ['ten thousand hops', '127.0.0.1', `192.0.2.1${', 10.0.0.1'.repeat(10_000)}`, '192.0.2.1'],
];

for (const [what, remote, forwardedFor, expected] of cases) {
  test(`client: ${what}`, () => assert.equal(client(remote, forwardedFor), expected));
}

test('without trusted proxies nobody is believed', () => {
  const remote = parseAddress('127.0.0.1');
  assert.ok(remote);
  assert.equal(findClient(remote, '192.0.2.1', []), remote);
});

test('addresses come as bytes, IPv4 ones mapped into IPv6 where the socket is for both', () => {
  const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1];
  const bytes = (values: number[]) => formatAddress(addressFromBytes(Uint8Array.from(values)));
  assert.equal(bytes([192, 0, 2, 1]), '192.0.2.1');
  assert.equal(bytes([255, 255, 255, 255]), '255.255.255.255');
  assert.equal(bytes(mapped), '192.0.2.1');
  assert.equal(bytes([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 1]), '2001:db8::ffff:1');
  assert.equal(bytes([...Array<number>(15).fill(0), 1]), '::1');
});

test('a connection that was reset has no bytes of an address, and is from nobody', () => {
  assert.equal(formatAddress(addressFromBytes(new Uint8Array())), '0.0.0.0');
});
