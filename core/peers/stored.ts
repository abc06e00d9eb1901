// Which stored peers the node can take up today. Pure.
import { isExpired } from './lifecycle.ts';
import type { Peer } from './peer.ts';
import { allowedIPAddress, isAssignable, type PoolSubnet } from './pool.ts';

/** Why a stored peer is not taken up: its time has come, or a subnet of today does not hold one of its addresses. */
export type DropReason = 'expired' | 'address_not_assignable';

/** Every stored peer is in one of the two. */
export interface Admitted {
  readonly peers: readonly Peer[];
  readonly dropped: readonly { readonly peer: Peer; readonly reason: DropReason }[];
}

/** Parts stored peers into those that go on and those that go. */
export function admitStored(
  stored: readonly Peer[],
  subnets: readonly PoolSubnet[],
  nowMs: number,
): Admitted {
  const peers: Peer[] = [];
  const dropped: { peer: Peer; reason: DropReason }[] = [];
  for (const peer of stored) {
    if (isExpired(peer, nowMs)) dropped.push({ peer, reason: 'expired' });
    else if (!fitsSubnets(peer, subnets)) dropped.push({ peer, reason: 'address_not_assignable' });
    else peers.push(peer);
  }
  return { peers, dropped };
}

function fitsSubnets(peer: Peer, subnets: readonly PoolSubnet[]): boolean {
  return peer.allowedIPs.every((allowedIP) => {
    const address = allowedIPAddress(allowedIP);
    return address !== null && subnets.some((subnet) => isAssignable(subnet, address));
  });
}
