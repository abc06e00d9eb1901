// Who may ask, and how often: API key, allowlist, trusted proxies and rate limit in one object whose settings can be replaced.
import { isDeepStrictEqual } from 'node:util';
import type { Address, Cidr } from '../address.ts';
import { rateAddressesMax, rateBurst, ratePerSecond } from '../limits.ts';
import { createKeyCheck } from './auth.ts';
import { addressFromBytes, containsAddress, findClient } from './client-address.ts';
import type { RequestHead } from './contract.ts';
import { createRateLimit } from './rate-limit.ts';

/** What an operator can set. */
export interface AccessSettings {
  /** Secret. At least 32 characters. */
  readonly apiKey: string;
  /** Null: every address may ask, at a limited rate. */
  readonly allowedIps: readonly Cidr[] | null;
  /** Those whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly Cidr[];
}

/** Decides about clients. */
export interface Access {
  /** Whether this is the API key; takes the same time for every candidate. */
  keyMatches(candidate: string): boolean;
  /** The client that a request is from, after trusted proxies. */
  client(head: Pick<RequestHead, 'remoteAddress' | 'forwardedFor'>): Address;
  /** Whether the allowlist lets a client in; always true without one. */
  allows(client: Address): boolean;
  /** Whether there is an allowlist. */
  hasAllowlist(): boolean;
  /** Whether the rate of clients is limited. */
  limitsRate(): boolean;
  /** Counts a request of a client. Answers 0, or the milliseconds until its next request is welcome. */
  take(client: Address, monotonicMs: number): number;
  /** What a connection's other end is: see `Standing`. */
  standing(remote: Uint8Array): Standing;
  /** Counts the changes of allowlist and proxies, for those who remember standings. */
  version(): number;
  /** Takes new settings at once. Open connections are judged by them from their next request on. */
  replace(settings: AccessSettings): void;
}

/**
 * What the allowlist says about one end of a connection.
 * - `allowed`: requests from it are, unless they were forwarded.
 * - `proxy`: a trusted proxy that may not ask for itself: it depends on each request.
 * - `foreign`: no protected request on this connection is allowed.
 */
type Standing = 'allowed' | 'proxy' | 'foreign';

/** Makes the one object that decides about clients. */
export function createAccess(initial: AccessSettings): Access {
  const rateLimit = createRateLimit({
    perSecond: ratePerSecond,
    burst: rateBurst,
    addressesMax: rateAddressesMax,
  });
  let settings = initial;
  let keyCheck = createKeyCheck(initial.apiKey);
  let version = 0;
  const allows = (address: Address) =>
    settings.allowedIps === null || containsAddress(settings.allowedIps, address);
  return {
    keyMatches: (candidate) => keyCheck(candidate),
    client: (head) =>
      findClient(addressFromBytes(head.remoteAddress()), head.forwardedFor, settings.trustedProxies),
    allows,
    hasAllowlist: () => settings.allowedIps !== null,
    limitsRate: () => settings.allowedIps === null,
    take: (client, monotonicMs) => rateLimit.take(client, monotonicMs),
    standing(remote) {
      const address = addressFromBytes(remote);
      if (allows(address)) return 'allowed';
      return containsAddress(settings.trustedProxies, address) ? 'proxy' : 'foreign';
    },
    version: () => version,
    replace(next) {
      // To look at every connection again costs as long as one of them lasts: only for what can change a standing.
      const sameNetworks =
        isDeepStrictEqual(next.allowedIps, settings.allowedIps) &&
        isDeepStrictEqual(next.trustedProxies, settings.trustedProxies);
      if (!sameNetworks) version++;
      settings = next;
      keyCheck = createKeyCheck(next.apiKey);
    },
  };
}
