// Who a request is from: the other end of the connection, or what trusted proxies say. Decides nothing about them.
import { type Address, type Cidr, cidrContains, parseAddress, unmapAddress } from '../address.ts';

/**
 * The client's address. `remote` is the other end of the connection; `forwardedFor` all `X-Forwarded-For` lines joined by
 * commas, each proxy having added the address that it saw at the right, and '' when there are none. The walk goes from the
 * right through trusted proxies only and ends at the first address that is none of them, since whatever stands left of it
 * can be made up. What is no address ends it too: then the proxy that passed it on counts as the client.
 */
export function findClient(remote: Address, forwardedFor: string, trustedProxies: readonly Cidr[]): Address {
  let client = remote;
  let end = forwardedFor.length;
  while (end > 0 && containsAddress(trustedProxies, client)) {
    const comma = forwardedFor.lastIndexOf(',', end - 1);
    const hop = parseHop(forwardedFor.slice(comma + 1, end).trim());
    if (hop === null) break;
    client = hop;
    end = comma;
  }
  return client;
}

/** Whether one of the networks holds the address. */
export function containsAddress(networks: readonly Cidr[], address: Address): boolean {
  for (const network of networks) if (cidrContains(network, address)) return true;
  return false;
}

/**
 * An address in network byte order, 4 or 16 bytes; an IPv4 address mapped into IPv6 counts as the IPv4 one. No bytes are
 * all that the native server tells of a connection whose other end has reset it already: 0.0.0.0, which is no client's.
 */
export function addressFromBytes(bytes: Uint8Array): Address {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength === 4) return { family: 'IPv4', value: BigInt(view.getUint32(0)) };
  if (bytes.byteLength !== 16) return { family: 'IPv4', value: 0n };
  // Most clients of a socket for both families are mapped ones: the cheap way first.
  if (view.getUint32(0) === 0 && view.getUint32(4) === 0 && view.getUint32(8) === 0xffff) {
    return { family: 'IPv4', value: BigInt(view.getUint32(12)) };
  }
  return { family: 'IPv6', value: (view.getBigUint64(0) << 64n) | view.getBigUint64(8) };
}

/** One hop: an address, perhaps with a port, in brackets where IPv6 has one. */
function parseHop(text: string): Address | null {
  const bracketed = /^\[([^\]]*)\](?::[0-9]{1,5})?$/.exec(text);
  const withPort = /^([0-9.]+):[0-9]{1,5}$/.exec(text);
  const address = parseAddress(bracketed?.[1] ?? withPort?.[1] ?? text);
  if (address === null || (bracketed !== null && address.family !== 'IPv6')) return null;
  return unmapAddress(address);
}
