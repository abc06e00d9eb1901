// Which addresses are handed out: each once, none that belongs to somebody else, all of them in the end, at any size.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cidrContains, cidrSize, formatAddress, parseAddress, parseCidr } from '../../../core/address.ts';
import { restingAddressesMax } from '../../../core/limits.ts';
import type { AllowedIP } from '../../../core/peers/peer.ts';
import {
  allowedIPAddress,
  createPool,
  createPools,
  formatAllowedIP,
  isAssignable,
  type Pool,
  type PoolSubnet,
} from '../../../core/peers/pool.ts';
import { createSeeded, type Seeded } from '../../fakes/seeded.ts';

function subnet(cidrText: string, serverText?: string): PoolSubnet {
  const cidr = parseCidr(cidrText);
  assert.ok(cidr.ok, cidrText);
  const { family, base } = cidr.value;
  const serverIp = serverText === undefined ? { family, value: base + 1n } : parseAddress(serverText);
  assert.ok(serverIp !== null, serverText);
  return { cidr: cidr.value, serverIp };
}

/** Every address that a peer may have, found the slow way. */
function hosts({ cidr, serverIp }: PoolSubnet): Set<bigint> {
  const values = new Set<bigint>();
  const last = cidr.base + cidrSize(cidr) - 1n;
  for (let value = cidr.base + 1n; value <= last; value++) values.add(value);
  if (cidr.family === 'IPv4') values.delete(last);
  values.delete(serverIp.value);
  return values;
}

function takeAll(pool: Pool): bigint[] {
  const values: bigint[] = [];
  for (let value = pool.take(); value !== null; value = pool.take()) values.push(value);
  return values;
}

function sorted(values: Iterable<bigint>): string[] {
  return [...values].map(String).sort();
}

function some(seeded: Seeded, values: Iterable<bigint>, probability: number): bigint[] {
  return [...values].filter(() => seeded.chance(probability));
}

describe('a pool', () => {
  const small = [
    subnet('10.0.0.0/30'),
    subnet('10.0.0.0/30', '10.0.0.2'),
    subnet('10.0.0.0/29', '10.0.0.6'),
    subnet('192.168.7.0/24', '192.168.7.100'),
    subnet('255.255.255.0/24', '255.255.255.254'),
    subnet('0.0.0.0/28'),
    subnet('fd00::/126'),
    subnet('fd00::/126', 'fd00::'),
    subnet('fd00::/126', 'fd00::3'),
    subnet('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00/120'),
  ];
  for (const [index, net] of small.entries()) {
    const name = `${formatAddress({ family: net.cidr.family, value: net.cidr.base })}/${net.cidr.prefix}`;
    it(`hands out every host of ${name} once, the node being ${formatAddress(net.serverIp)}`, () => {
      const all = hosts(net);
      assert.equal(createPool(net, []).possible, BigInt(all.size));
      for (let round = 0; round < 20; round++) {
        const taken = some(createSeeded(index * 20 + round), all, round / 20);
        const pool = createPool(net, taken);
        assert.equal(pool.possible, BigInt(all.size));
        assert.deepEqual(sorted([...taken, ...takeAll(pool)]), sorted(all));
        assert.equal(pool.take(), null);
      }
    });
  }

  it('hands out every host of a /16 once, half of it being taken', () => {
    const net = subnet('10.7.0.0/16', '10.7.9.9');
    const all = hosts(net);
    const taken = some(createSeeded(1), all, 0.5);
    const rest = takeAll(createPool(net, taken));
    assert.equal(rest.length, all.size - taken.length);
    for (const value of [...taken, ...rest]) assert.ok(all.delete(value));
    assert.equal(all.size, 0);
  });

  it('starts behind the network and the node, in order', () => {
    const pool = createPool(subnet('10.0.0.0/24'), [0x0a000003n]);
    assert.deepEqual([pool.take(), pool.take()], [0x0a000002n, 0x0a000004n]);
  });

  it('never has one address out twice, whatever is taken and given back', () => {
    for (let seed = 1; seed <= 12; seed++) {
      const seeded = createSeeded(seed);
      const net = seeded.pick([...small, subnet('10.8.0.0/19'), subnet('fd00::/64')]);
      const isSmall = cidrSize(net.cidr) < 10_000n;
      const out = new Set(isSmall ? some(seeded, hosts(net), 0.3) : []);
      const pool = createPool(net, [...out]);
      const holders = [...out];
      for (let step = 0; step < 3_000; step++) {
        if (seeded.chance(step < 1_500 ? 0.6 : 0.4)) {
          const value = pool.take();
          assert.equal(value === null, isSmall && BigInt(out.size) === pool.possible);
          if (value === null) continue;
          assert.ok(isAssignable(net, { family: net.cidr.family, value }));
          assert.ok(!out.has(value), `${value} is out twice`);
          out.add(value);
          holders.push(value);
        } else if (holders.length > 0) {
          const at = seeded.below(holders.length);
          const value = holders[at];
          const last = holders.pop();
          if (value === undefined || last === undefined) continue;
          if (at < holders.length) holders[at] = last;
          out.delete(value);
          pool.release(value);
        }
      }
      if (isSmall) assert.deepEqual(sorted([...out, ...takeAll(pool)]), sorted(hosts(net)));
    }
  });

  it('lets an address rest while there are others, and the one that rested longest goes first', () => {
    const net = subnet('10.0.0.0/29');
    const pool = createPool(net, []);
    const [first, second] = [pool.take(), pool.take()];
    assert.ok(first !== null && second !== null);
    pool.release(second);
    pool.release(first);
    const untouched = [pool.take(), pool.take(), pool.take()];
    assert.ok(!untouched.includes(first) && !untouched.includes(second));
    assert.deepEqual([pool.take(), pool.take(), pool.take()], [second, first, null]);
  });

  it('lets no more rest than its bound, so that the queue does not grow with each peer that ever was', () => {
    const pool = createPool(subnet('fd00::/64'), []);
    const taken = Array.from({ length: restingAddressesMax + 2 }, () => pool.take() ?? 0n);
    for (const value of taken) pool.release(value);
    assert.deepEqual([pool.take(), pool.take()], taken.slice(0, 2));
    assert.ok(!taken.includes(pool.take() ?? 0n));
  });

  it('hands out no address on hold, be it untouched, resting or taken, and all of them once they are not', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const seeded = createSeeded(seed);
      const net = seeded.pick(small);
      const pool = createPool(net, []);
      const out = new Set<bigint>();
      let held = new Set<bigint>();
      for (let step = 0; step < 200; step++) {
        const taken = seeded.chance(0.6) ? pool.take() : null;
        if (taken !== null) {
          assert.ok(!out.has(taken) && !held.has(taken), `${taken} is had by somebody`);
          out.add(taken);
        } else if (out.size > 0 && seeded.chance(0.7)) {
          const value = seeded.pick([...out]);
          out.delete(value);
          pool.release(value);
        } else {
          held = new Set(some(seeded, hosts(net), seeded.next()));
          pool.hold(held);
          assert.equal(pool.possible, BigInt(hosts(net).size - held.size));
        }
      }
      pool.hold(new Set());
      assert.deepEqual(sorted([...out, ...takeAll(pool)]), sorted(hosts(net)));
    }
  });

  // Where a pick searched through the pool, these would be some 10^10 steps each.
  it('picks the last free address of a /16 without a search', { timeout: 60_000 }, () => {
    const pool = createPool(subnet('10.7.0.0/16'), []);
    const held = takeAll(pool);
    for (let round = 0; round < 200_000; round++) {
      const value = held[round % held.length] ?? 0n;
      pool.release(value);
      assert.equal(pool.take(), value);
      if (pool.take() !== null) assert.fail('there was another');
    }
  });

  for (const text of ['10.0.0.0/8', 'fd00::/64']) {
    it(`takes memory for what is taken of a ${text}, not for what could be`, () => {
      const net = subnet(text);
      const seeded = createSeeded(5);
      const taken = new Set<bigint>();
      while (taken.size < 65_000) taken.add(net.cidr.base + 2n + BigInt(seeded.below(16_000_000)));
      const values = [...taken];
      const before = process.memoryUsage();
      const pool = createPool(net, values);
      const after = process.memoryUsage();
      // A mere bit for each address of the /8 would be 2 MB beside the heap; a number for each 128 MB on it.
      assert.ok(after.arrayBuffers + after.external - before.arrayBuffers - before.external < 1_000_000);
      assert.ok(after.heapUsed - before.heapUsed < 60_000_000);
      for (let count = 0; count < 20_000; count++) {
        const value = pool.take();
        assert.ok(value !== null && !taken.has(value));
        taken.add(value);
      }
    });
  }
});

describe('isAssignable', () => {
  it('keeps network, broadcast and the node for themselves', () => {
    const v4 = subnet('10.0.0.0/24', '10.0.0.9');
    const v6 = subnet('fd00::/112', 'fd00::9');
    const cases: readonly (readonly [PoolSubnet, string, boolean])[] = [
      [v4, '10.0.0.0', false],
      [v4, '10.0.0.1', true],
      [v4, '10.0.0.9', false],
      [v4, '10.0.0.254', true],
      [v4, '10.0.0.255', false],
      [v4, '10.0.1.1', false],
      [v4, '9.255.255.255', false],
      [v4, 'fd00::1', false],
      [v6, 'fd00::', false],
      [v6, 'fd00::1', true],
      [v6, 'fd00::9', false],
      [v6, 'fd00::ffff', true],
      [v6, 'fd00::1:0', false],
      [v6, '10.0.0.1', false],
    ];
    for (const [net, text, expected] of cases) {
      const address = parseAddress(text);
      assert.ok(address !== null);
      assert.equal(isAssignable(net, address), expected, text);
    }
  });

  it('agrees with what is handed out', () => {
    const net = subnet('fd00::/120', 'fd00::42');
    const out = new Set(takeAll(createPool(net, [])));
    for (let value = net.cidr.base - 2n; value < net.cidr.base + 258n; value++) {
      const address = { family: 'IPv6', value } as const;
      assert.equal(isAssignable(net, address), out.has(value) && cidrContains(net.cidr, address));
    }
  });
});

describe('allowed IPs', () => {
  it('are one address each', () => {
    assert.deepEqual(allowedIPAddress('10.0.0.2/32'), { family: 'IPv4', value: 0x0a000002n });
    assert.deepEqual(allowedIPAddress('fd00::2/128'), { family: 'IPv6', value: (0xfd00n << 112n) | 2n });
    for (const text of [
      '10.0.0.2',
      '10.0.0.2/31',
      'fd00::2/127',
      'fd00::2/32',
      '10.0.0.2/320',
      '(none)',
      '',
    ]) {
      assert.equal(allowedIPAddress(text), null, text);
    }
    assert.equal(formatAllowedIP('IPv4', 0x0a000002n), '10.0.0.2/32');
    assert.equal(formatAllowedIP('IPv6', 0xfd00n << 112n), 'fd00::/128');
  });
});

describe('the pools of two families', () => {
  const both = [subnet('10.0.0.0/29'), subnet('fd00::/126')];

  it('give one address each, IPv4 first, in whatever order it is asked', () => {
    const pools = createPools(both, []);
    assert.deepEqual(pools.families, ['IPv4', 'IPv6']);
    assert.deepEqual(pools.take(['IPv6', 'IPv4']), ['10.0.0.2/32', 'fd00::2/128']);
    assert.deepEqual(pools.take(['IPv6']), ['fd00::3/128']);
    assert.deepEqual(pools.take(['IPv4']), ['10.0.0.3/32']);
  });

  it('hold as many peers as the smaller one', () => {
    assert.equal(createPools(both, []).possible, 2);
    assert.equal(createPools([subnet('10.0.0.0/24'), subnet('fd00::/112')], []).possible, 253);
    assert.equal(createPools([subnet('fd00::/64')], []).possible, Number.MAX_SAFE_INTEGER);
    assert.equal(createPools([subnet('10.0.0.0/8')], []).possible, 16_777_213);
  });

  it('give back what they took when one of them has none left', () => {
    const pools = createPools(both, []);
    const held = [pools.take(['IPv6']), pools.take(['IPv6'])];
    assert.ok(held.every((allowedIPs) => allowedIPs !== null));
    for (let round = 0; round < 20; round++) assert.equal(pools.take(['IPv4', 'IPv6']), null);
    const rest = Array.from({ length: 5 }, () => pools.take(['IPv4'])?.[0]);
    assert.equal(new Set(rest).size, 5);
    assert.ok(!rest.includes(undefined));
    assert.equal(pools.take(['IPv4']), null);
  });

  it('hold single addresses that they could hand out, and of a network none', () => {
    const pools = createPools(both, []);
    pools.hold(['10.0.0.2/32', '10.0.0.4/31', '0.0.0.0/0', '10.0.0.1/32', '192.0.2.1/32', 'fd00::/126']);
    assert.equal(pools.possible, 2);
    assert.deepEqual(pools.take(['IPv4', 'IPv6']), ['10.0.0.3/32', 'fd00::2/128']);
    pools.hold(['fd00::3/128']);
    assert.equal(pools.possible, 1);
    assert.equal(pools.take(['IPv6']), null);
    const rest = Array.from({ length: 4 }, () => pools.take(['IPv4'])?.[0]);
    assert.deepEqual(rest.sort(), ['10.0.0.2/32', '10.0.0.4/32', '10.0.0.5/32', '10.0.0.6/32']);
  });

  it('know what is taken from the start, and take it back', () => {
    const taken = ['10.0.0.2/32', 'fd00::2/128', '10.0.0.4/32', 'fd00::3/128'] as AllowedIP[];
    const pools = createPools(both, taken);
    assert.equal(pools.take(['IPv4', 'IPv6']), null);
    pools.release(taken.slice(0, 2));
    const given = pools.take(['IPv4', 'IPv6']);
    assert.equal(given?.[1], 'fd00::2/128');
    assert.ok(given?.[0] !== '10.0.0.4/32');
  });
});
