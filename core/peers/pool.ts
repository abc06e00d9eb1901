// Which addresses are free. Picking and giving back cost the same at any size and fill; no peer is known here, only addresses.
import {
  type Address,
  type AddressFamily,
  addressBits,
  type Cidr,
  cidrContains,
  cidrSize,
  formatAddress,
  parsePrefixed,
} from '../address.ts';
import { restingAddressesMax } from '../limits.ts';
import { type AllowedIP, allowedIPFamily } from './peer.ts';

/** The free addresses of one network. */
export interface Pool {
  readonly family: AddressFamily;
  /** How many addresses peers can have in all, free or taken; those on hold are none of them. */
  readonly possible: bigint;
  /** Takes a free address; null when none is left. */
  take(): bigint | null;
  /** Gives back an address that was taken. */
  release(value: bigint): void;
  /** Hands out none of these from now on, in place of those that were on hold before. Each must be assignable. */
  hold(values: ReadonlySet<bigint>): void;
}

/** The pools of all families of the node, taken from together. */
export interface Pools {
  /** IPv4 first. */
  readonly families: readonly AddressFamily[];
  /** How many peers with an address of every family the node can have; at most 2^53 - 1. */
  readonly possible: number;
  /** Takes one address of each family, in the order of `families`; null, and nothing is taken, when one of them has none left. */
  take(families: readonly AddressFamily[]): readonly AllowedIP[] | null;
  /** Gives back what `take` gave, or what `createPools` was told is taken. */
  release(allowedIPs: readonly AllowedIP[]): void;
  /**
   * Hands out no address from now on that stands in this list by itself, in place of those that were on hold before. A
   * network in it holds none of its addresses: a peer with one of them takes nothing away from whoever has the network,
   * since the longest prefix wins (WireGuard paper, section 2).
   */
  hold(allowedIPs: readonly string[]): void;
}

/** A network to hand out addresses from, less the node's own address. */
export interface PoolSubnet {
  readonly cidr: Cidr;
  readonly serverIp: Address;
}

/**
 * Whether a peer may have this address: inside the network, and neither its first address (the network's own; for
 * IPv6 the subnet-router anycast address, RFC 4291 section 2.6.1), nor IPv4's last (broadcast), nor the node's own.
 */
export function isAssignable(subnet: PoolSubnet, address: Address): boolean {
  if (!cidrContains(subnet.cidr, address)) return false;
  const { first, last } = hostRange(subnet.cidr);
  return address.value >= first && address.value <= last && address.value !== subnet.serverIp.value;
}

/** The address of an allowed IP that spans exactly one address; null for any other text. */
export function allowedIPAddress(allowedIP: string): Address | null {
  const parsed = parsePrefixed(allowedIP);
  return parsed !== null && parsed.prefix === addressBits(parsed.address.family) ? parsed.address : null;
}

/** Pools for these networks, of which these allowed IPs are taken. Each of them must be assignable, and none may come twice. */
export function createPools(subnets: readonly PoolSubnet[], taken: Iterable<AllowedIP>): Pools {
  const pools = createPoolsByFamily(subnets, taken);
  const families = [...pools.keys()];

  return {
    families,
    get possible() {
      return smallest([...pools.values()].map((pool) => pool.possible));
    },
    take(wanted) {
      const allowedIPs: AllowedIP[] = [];
      for (const family of families) {
        if (!wanted.includes(family)) continue;
        const value = pools.get(family)?.take() ?? null;
        if (value === null) {
          this.release(allowedIPs);
          return null;
        }
        allowedIPs.push(formatAllowedIP(family, value));
      }
      return allowedIPs;
    },
    release(allowedIPs) {
      for (const allowedIP of allowedIPs) {
        const address = allowedIPAddress(allowedIP);
        if (address !== null) pools.get(allowedIPFamily(allowedIP))?.release(address.value);
      }
    },
    hold(allowedIPs) {
      const addresses = allowedIPs.map(allowedIPAddress).filter((address) => address !== null);
      for (const subnet of subnets) {
        const held = addresses.filter((address) => isAssignable(subnet, address));
        pools.get(subnet.cidr.family)?.hold(new Set(held.map((address) => address.value)));
      }
    },
  };
}

// By itself, so that nobody keeps the addresses that it gathers.
function createPoolsByFamily(subnets: readonly PoolSubnet[], taken: Iterable<AllowedIP>) {
  const takenBy = new Map<AddressFamily, bigint[]>(subnets.map((subnet) => [subnet.cidr.family, []]));
  for (const allowedIP of taken) {
    const address = allowedIPAddress(allowedIP);
    if (address !== null) takenBy.get(address.family)?.push(address.value);
  }
  return new Map(
    subnets.map((subnet) => [subnet.cidr.family, createPool(subnet, takenBy.get(subnet.cidr.family) ?? [])]),
  );
}

/**
 * The pool of one network, of which these addresses are taken.
 *
 * Untouched addresses are kept as ranges and handed out in ascending order. Addresses given back rest in a queue, so
 * that one which a stale client may still use is not handed to the next caller at once; the oldest of them is taken
 * when more than `restingAddressesMax` rest, which bounds the queue, or when nothing untouched is left. An address on hold
 * is put aside when its turn comes, and rests once it is no longer on hold.
 */
export function createPool(subnet: PoolSubnet, taken: readonly bigint[]): Pool {
  const untouched = freeRanges(subnet, taken);
  let range = 0;
  let resting: bigint[] = [];
  let oldest = 0;
  let held: ReadonlySet<bigint> = new Set();
  let aside: bigint[] = [];

  function takeUntouched(): bigint | null {
    const current = untouched[range];
    if (current === undefined) return null;
    const value = current.next;
    if (value === current.last) range++;
    else current.next = value + 1n;
    return value;
  }

  function takeResting(): bigint | null {
    const value = resting[oldest];
    if (value === undefined) return null;
    oldest++;
    // Drops what was taken once it is half of the array: a copy for as many takes, so constant on average.
    if (oldest * 2 > resting.length) {
      resting = resting.slice(oldest);
      oldest = 0;
    }
    return value;
  }

  function takeNext(): bigint | null {
    const crowded = resting.length - oldest > restingAddressesMax;
    return crowded ? takeResting() : (takeUntouched() ?? takeResting());
  }

  return {
    family: subnet.cidr.family,
    get possible() {
      return hostCount(subnet) - BigInt(held.size);
    },
    take() {
      // Each comes up once, however long it is on hold: constant on average.
      for (let value = takeNext(); ; value = takeNext()) {
        if (value === null || !held.has(value)) return value;
        aside.push(value);
      }
    },
    release(value) {
      resting.push(value);
    },
    hold(values) {
      held = values;
      const before = aside;
      aside = [];
      for (const value of before) (held.has(value) ? aside : resting).push(value);
    },
  };
}

/** `10.0.0.2/32` or `fd00::2/128`. */
export function formatAllowedIP(family: AddressFamily, value: bigint): AllowedIP {
  return `${formatAddress({ family, value })}/${addressBits(family)}` as AllowedIP;
}

interface Range {
  next: bigint;
  readonly last: bigint;
}

function freeRanges(subnet: PoolSubnet, taken: readonly bigint[]): Range[] {
  const { first, last } = hostRange(subnet.cidr);
  const occupied = [...taken, subnet.serverIp.value].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const ranges: Range[] = [];
  let next = first;
  for (const value of occupied) {
    if (value > next) ranges.push({ next, last: value - 1n });
    if (value >= next) next = value + 1n;
  }
  if (next <= last) ranges.push({ next, last });
  return ranges;
}

function hostRange(cidr: Cidr): { readonly first: bigint; readonly last: bigint } {
  const end = cidr.base + cidrSize(cidr) - 1n;
  return { first: cidr.base + 1n, last: cidr.family === 'IPv4' ? end - 1n : end };
}

function hostCount({ cidr, serverIp }: PoolSubnet): bigint {
  const { first, last } = hostRange(cidr);
  // In IPv6 the node may sit on the network's first address, and then takes none from its peers.
  const serverTakesOne = serverIp.value >= first && serverIp.value <= last;
  return last - first + (serverTakesOne ? 0n : 1n);
}

function smallest(counts: readonly bigint[]): number {
  let least = BigInt(Number.MAX_SAFE_INTEGER);
  for (const count of counts) if (count < least) least = count;
  return Number(least);
}
