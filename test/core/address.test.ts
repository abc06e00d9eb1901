// Addresses and networks: what is accepted, what is not, and one text for each.
import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, it } from 'node:test';
import {
  type Address,
  cidrContains,
  cidrSize,
  formatAddress,
  formatCidr,
  networkBase,
  parseAddress,
  parseCidr,
  parsePrefixed,
  unmapAddress,
} from '../../core/address.ts';
import { createSeeded, type Seeded } from '../fakes/seeded.ts';

function address(text: string): Address {
  const parsed = parseAddress(text);
  assert.ok(parsed !== null, `${text} is an address`);
  return parsed;
}

function network(text: string) {
  const parsed = parseCidr(text);
  assert.ok(parsed.ok, `${text} is a network`);
  return parsed.value;
}

describe('parseAddress', () => {
  it('reads numbers', () => {
    assert.deepEqual(parseAddress('10.0.0.2'), { family: 'IPv4', value: 0x0a000002n });
    assert.deepEqual(parseAddress('255.255.255.255'), { family: 'IPv4', value: 0xffffffffn });
    assert.deepEqual(parseAddress('0.0.0.0'), { family: 'IPv4', value: 0n });
    assert.deepEqual(parseAddress('::'), { family: 'IPv6', value: 0n });
    assert.deepEqual(parseAddress('fd00::2'), { family: 'IPv6', value: (0xfd00n << 112n) | 2n });
    assert.deepEqual(parseAddress('1:2:3:4:5:6:7:8'), {
      family: 'IPv6',
      value: 0x00010002000300040005000600070008n,
    });
    assert.deepEqual(parseAddress('::ffff:1.2.3.4'), { family: 'IPv6', value: 0xffff01020304n });
    assert.deepEqual(parseAddress('1:2:3:4:5:6:7::'), parseAddress('1:2:3:4:5:6:7:0'));
  });

  // biome-ignore format: a list to be read across
  const wrong = [
    '', ' ', '10.0.0', '10.0.0.0.0', '10.0.0.', '.10.0.0', '10..0.1', '256.0.0.1', '01.2.3.4', '1.2.3.04',
    '0x1.2.3.4', '1e1.2.3.4', '+1.2.3.4', '-1.2.3.4', ' 1.2.3.4', '1.2.3.4 ', '1.2.3.4\n', '16909060', '١.2.3.4',
    ':', ':::', ':1', '1:', ':1::', '::1:', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1::2:3:4:5:6:7:8',
    '::1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8::', '12345::', 'g::', '::-1', '::1%eth0', '[::1]', '::1/64', '::1 ',
    '1.2.3.4::', '::1.2.3.4:5', '::1.2.3', '::01.2.3.4', '::256.2.3.4', '1:2:3:4:5:6:7:1.2.3.4',
    '0000:0000:0000:0000:0000:ffff:255.255.255.2555', 'localhost',
  ];
  for (const text of wrong) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseAddress(text), null));
  }

  it('agrees with node:net on 8,000 texts', () => {
    const random = createSeeded(1);
    let good = 0;
    for (let round = 0; round < 8_000; round++) {
      const text = distort(random, randomAddressText(random));
      const family = { 0: undefined, 4: 'IPv4', 6: 'IPv6' }[isIP(text)];
      assert.equal(parseAddress(text)?.family, family, JSON.stringify(text));
      if (family !== undefined) good++;
    }
    // Neither side may have been left out.
    assert.ok(good > 1_600 && good < 6_400, `${good} were addresses`);
  });
});

describe('formatAddress', () => {
  const canonical: readonly (readonly [string, string])[] = [
    ['10.0.0.2', '10.0.0.2'],
    ['255.255.255.255', '255.255.255.255'],
    ['128.0.0.1', '128.0.0.1'],
    // RFC 5952, section by section.
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8::ABCD', '2001:db8::abcd'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['0:1:2:3:4:5:6:7', '0:1:2:3:4:5:6:7'],
    ['::ffff:1.2.3.4', '::ffff:102:304'],
  ];
  for (const [text, expected] of canonical) {
    it(`writes ${text} as ${expected}`, () => assert.equal(formatAddress(address(text)), expected));
  }

  it('comes back as the same address, in the text that URLs use, too', () => {
    const random = createSeeded(2);
    for (let round = 0; round < 2_000; round++) {
      const value = sparse(random, random.bits(128));
      const text = formatAddress({ family: 'IPv6', value });
      assert.deepEqual(parseAddress(text), { family: 'IPv6', value });
      assert.equal(new URL(`http://[${text}]/`).hostname, `[${text}]`);
      const small = formatAddress({ family: 'IPv4', value: value & 0xffffffffn });
      assert.deepEqual(parseAddress(small), { family: 'IPv4', value: value & 0xffffffffn });
    }
  });
});

describe('parseCidr', () => {
  it('reads networks of every length', () => {
    assert.deepEqual(network('10.0.0.0/24'), { family: 'IPv4', base: 0x0a000000n, prefix: 24 });
    assert.deepEqual(network('0.0.0.0/0'), { family: 'IPv4', base: 0n, prefix: 0 });
    assert.deepEqual(network('10.0.0.7/32'), { family: 'IPv4', base: 0x0a000007n, prefix: 32 });
    assert.deepEqual(network('::/0'), { family: 'IPv6', base: 0n, prefix: 0 });
    assert.deepEqual(network('::1/128'), { family: 'IPv6', base: 1n, prefix: 128 });
  });

  it('tells host bits from nonsense', () => {
    for (const text of ['10.0.0.1/24', '10.0.0.1/0', 'fd00::1/112', '::1/0']) {
      assert.deepEqual(parseCidr(text), { ok: false, failure: 'host_bits_set' }, text);
    }
    const wrong = [
      '10.0.0.0',
      '10.0.0.0/',
      '/24',
      '10.0.0.0/33',
      '::/129',
      '10.0.0.0/024',
      '10.0.0.0/+8',
      '10.0.0.0/8 ',
    ];
    wrong.push(
      '10.0.0.0/8/8',
      '10.0.0.0/-1',
      '10.0.0.0/1e1',
      '10.0.0.0/255.0.0.0',
      '10/8',
      '10.0.0.0 /8',
      '::/1000',
    );
    for (const text of wrong) assert.deepEqual(parseCidr(text), { ok: false, failure: 'not_a_cidr' }, text);
  });

  it('comes back from formatCidr', () => {
    const random = createSeeded(3);
    for (let round = 0; round < 2_000; round++) {
      const family = random.pick(['IPv4', 'IPv6'] as const);
      const bits = family === 'IPv4' ? 32 : 128;
      const prefix = random.below(bits + 1);
      const cidr = { family, base: networkBase({ family, value: random.bits(bits) }, prefix), prefix };
      assert.deepEqual(parseCidr(formatCidr(cidr)), { ok: true, value: cidr });
    }
  });

  it('leaves host bits alone in parsePrefixed', () => {
    assert.deepEqual(parsePrefixed('10.0.0.1/24'), { address: address('10.0.0.1'), prefix: 24 });
    assert.equal(parsePrefixed('10.0.0.1'), null);
  });
});

describe('networks', () => {
  it('contain their own addresses only', () => {
    const net = network('10.0.0.0/24');
    assert.equal(cidrContains(net, address('10.0.0.0')), true);
    assert.equal(cidrContains(net, address('10.0.0.255')), true);
    assert.equal(cidrContains(net, address('10.0.1.0')), false);
    assert.equal(cidrContains(net, address('9.255.255.255')), false);
    assert.equal(cidrContains(network('0.0.0.0/0'), address('255.255.255.255')), true);
    assert.equal(cidrContains(network('::/0'), address('10.0.0.1')), false);
    assert.equal(cidrContains(network('10.0.0.7/32'), address('10.0.0.6')), false);
    assert.equal(cidrContains(network('fd00::/64'), address('fd00::ffff:ffff:ffff:ffff')), true);
    assert.equal(cidrContains(network('fd00::/64'), address('fd00:0:0:1::')), false);
  });

  it('span so many addresses', () => {
    assert.equal(cidrSize(network('10.0.0.0/30')), 4n);
    assert.equal(cidrSize(network('10.0.0.1/32')), 1n);
    assert.equal(cidrSize(network('fd00::/64')), 1n << 64n);
    assert.equal(cidrSize(network('::/0')), 1n << 128n);
  });
});

describe('unmapAddress', () => {
  it('takes IPv4 out of mapped IPv6, and nothing else', () => {
    assert.deepEqual(unmapAddress(address('::ffff:10.0.0.2')), address('10.0.0.2'));
    for (const text of ['10.0.0.2', '::10.0.0.2', '::fffe:10.0.0.2', '1::ffff:10.0.0.2', '64:ff9b::a00:2']) {
      assert.deepEqual(unmapAddress(address(text)), address(text));
    }
  });
});

/** Runs of zeros, which decide how an IPv6 address is written. */
function sparse(random: Seeded, value: bigint): bigint {
  let kept = value;
  for (let group = 0n; group < 8n; group++) {
    kept &= ~(random.pick([0xffffn, 0xffffn, 0xff00n, 0n]) << (group * 16n));
  }
  return kept;
}

function randomAddressText(random: Seeded): string {
  const byte = () => String(random.pick([0, 1, 9, 10, 99, 199, 200, 249, 255, 256]));
  const dotted = [byte(), byte(), byte(), byte()].join('.');
  if (random.chance(1 / 3)) return dotted;
  const groups = Array.from({ length: 8 }, () => random.bits(random.pick([1, 4, 8, 16])).toString(16));
  if (random.chance(1 / 2)) groups.splice(random.below(8), random.below(8) + 1, '');
  if (random.chance(1 / 4)) groups.splice(-2, 2, dotted);
  const text = groups.join(':');
  const open = text.startsWith(':') ? `:${text}` : text;
  return open.endsWith(':') ? `${open}:` : open;
}

/** Half of the texts with one character too many, too few or another. `%` stays out: node:net takes zones. */
function distort(random: Seeded, text: string): string {
  if (random.chance(1 / 2)) return text;
  const at = random.below(text.length + 1);
  const piece = random.pick(['', ':', '::', '.', '0', '00', '1', 'f', 'F', 'g', '/', ' ', '-', '\n', 'é']);
  return text.slice(0, at) + piece + text.slice(at + random.below(2));
}
