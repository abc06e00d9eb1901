// The rate limit: a token bucket for each client address, in bounded memory. Asks no clock: the time is handed in.
import type { Address } from '../address.ts';

/** How fast clients may ask. */
export interface RateLimitSettings {
  readonly perSecond: number;
  /** Requests at once after a rest. */
  readonly burst: number;
  /** Addresses remembered at most, twice over. */
  readonly addressesMax: number;
}

/** Counts requests by client address. */
export interface RateLimit {
  /** Takes one request from the address's bucket. Answers 0 when it had one, else the milliseconds until it will have; then nothing is taken. */
  take(address: Address, monotonicMs: number): number;
  /** Addresses remembered now. */
  size(): number;
}

/**
 * Makes a rate limit. A bucket is one number: the moment when it will be full again. One whose moment has passed is as
 * good as new and is forgotten. Addresses live in two generations, of which the older is dropped when all of its buckets
 * have refilled, or when the younger has no room left: so one's own bucket is forgotten early only at the price of
 * requests from as many other addresses as are remembered.
 */
export function createRateLimit(settings: RateLimitSettings): RateLimit {
  const stepMs = 1_000 / settings.perSecond;
  const refillMs = stepMs * settings.burst;
  let young = new Map<number | bigint, number>();
  let old = new Map<number | bigint, number>();
  let turnedMs = Number.NEGATIVE_INFINITY;
  return {
    take(address, monotonicMs) {
      if (monotonicMs - turnedMs >= refillMs || young.size >= settings.addressesMax) {
        old = young;
        young = new Map();
        turnedMs = monotonicMs;
      }
      // A number for IPv4 and a bigint for IPv6: the two never equal each other as keys.
      const key = address.family === 'IPv4' ? Number(address.value) : address.value;
      const fullAtMs = Math.max(young.get(key) ?? old.get(key) ?? monotonicMs, monotonicMs);
      const waitMs = fullAtMs + stepMs - monotonicMs - refillMs;
      if (waitMs > 0) return waitMs;
      young.set(key, fullAtMs + stepMs);
      return 0;
    },
    size: () => young.size + old.size,
  };
}
