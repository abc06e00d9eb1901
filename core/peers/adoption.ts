// Which peers of a set-up made by hand the node can take up as they are, and why not the others. Pure; changes nothing.
import type { DevicePeer } from '../ports.ts';
import {
  type AllowedIP,
  noPresharedKey,
  type Peer,
  type PeerId,
  type PresharedKey,
  type PublicKey,
} from './peer.ts';
import { allowedIPAddress, isAssignable, type PoolSubnet } from './pool.ts';
import { isSameSet } from './reconcile.ts';

/** A peer as somebody wrote it down. */
export interface FoundPeer {
  readonly publicKey: PublicKey;
  /** Null: none. */
  readonly presharedKey: PresharedKey | null;
  /** In the canonical text of `formatCidr`. */
  readonly allowedIPs: readonly string[];
}

/**
 * Why a peer can't be taken up.
 * - `no_address`: it has none.
 * - `not_one_address`: it has more than one address a family, or a network.
 * - `not_assignable`: an address of it is none that the node could give a peer.
 * - `address_taken`, `id_taken`: another peer has it, stored or found.
 * - `live_differs`: the live interface has it with other addresses or another preshared key.
 * - `only_live`: it is on the live interface, and neither found nor stored.
 */
export type AdoptionProblem =
  | 'no_address'
  | 'not_one_address'
  | 'not_assignable'
  | 'address_taken'
  | 'id_taken'
  | 'live_differs'
  | 'only_live';

/** What becomes of each peer that was found. */
export interface Adoption {
  /** Peers to be stored, in the order in which they were found. */
  readonly added: readonly Peer[];
  /** Found peers that are stored, be it with a newer key: nothing is to be done for them. */
  readonly known: readonly FoundPeer[];
  readonly refused: readonly { readonly publicKey: PublicKey; readonly problem: AdoptionProblem }[];
}

/** What found peers are held against. */
export interface AdoptionFacts {
  readonly stored: readonly Peer[];
  /** Null: there is no live interface. */
  readonly live: ReadonlyMap<PublicKey, DevicePeer> | null;
  readonly subnets: readonly PoolSubnet[];
  readonly idOf: (publicKey: PublicKey) => PeerId;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
}

/** Sorts found peers, each with a key of its own, and those of the live interface that nobody knows. */
export function planAdoption(found: readonly FoundPeer[], facts: AdoptionFacts): Adoption {
  const taken = takenBy(facts.stored);
  const added: Peer[] = [];
  const known: FoundPeer[] = [];
  const refused: { publicKey: PublicKey; problem: AdoptionProblem }[] = [];
  const seen = new Set(found.map(({ publicKey }) => publicKey));
  for (const peer of found) {
    const { publicKey } = peer;
    const id = facts.idOf(publicKey);
    const problem = problemOf(peer, id, taken, facts);
    if (problem === 'known') known.push(peer);
    else if (problem !== null) refused.push({ publicKey, problem });
    else {
      const adopted = adopt(peer, id, facts.nowMs);
      added.push(adopted);
      taken.ids.add(id);
      for (const allowedIP of adopted.allowedIPs) taken.addresses.add(allowedIP);
    }
  }
  for (const publicKey of facts.live?.keys() ?? []) {
    if (!seen.has(publicKey) && !taken.keys.has(publicKey)) refused.push({ publicKey, problem: 'only_live' });
  }
  return { added, known, refused };
}

/** What no further peer may have. */
interface Taken {
  /** Of stored peers alone. */
  readonly keys: ReadonlySet<PublicKey>;
  readonly ids: Set<PeerId>;
  readonly addresses: Set<string>;
}

function takenBy(stored: readonly Peer[]): Taken {
  return {
    keys: new Set(stored.map((peer) => peer.publicKey)),
    ids: new Set(stored.map((peer) => peer.id)),
    addresses: new Set(stored.flatMap((peer) => peer.allowedIPs)),
  };
}

function problemOf(
  peer: FoundPeer,
  id: PeerId,
  taken: Taken,
  { stored, live, subnets }: AdoptionFacts,
): AdoptionProblem | 'known' | null {
  if (taken.keys.has(peer.publicKey)) return 'known';
  const onDevice = live?.get(peer.publicKey);
  if (taken.ids.has(id)) {
    // A key that the node rotated away is on the interface no more.
    const isOutdated = onDevice === undefined && stored.some((each) => each.id === id);
    return isOutdated ? 'known' : 'id_taken';
  }
  if (peer.allowedIPs.length === 0) return 'no_address';
  if (!isOneAddressAFamily(peer.allowedIPs)) return 'not_one_address';
  if (!peer.allowedIPs.every((allowedIP) => isAssignableIn(subnets, allowedIP))) return 'not_assignable';
  if (peer.allowedIPs.some((allowedIP) => taken.addresses.has(allowedIP))) return 'address_taken';
  return onDevice === undefined || isSameAs(onDevice, peer) ? null : 'live_differs';
}

function isOneAddressAFamily(allowedIPs: readonly string[]): boolean {
  const families = allowedIPs.map((allowedIP) => allowedIPAddress(allowedIP)?.family ?? null);
  return !families.includes(null) && new Set(families).size === families.length;
}

function isAssignableIn(subnets: readonly PoolSubnet[], allowedIP: string): boolean {
  const address = allowedIPAddress(allowedIP);
  return address !== null && subnets.some((subnet) => isAssignable(subnet, address));
}

function isSameAs(seen: DevicePeer, peer: FoundPeer): boolean {
  return seen.presharedKey === peer.presharedKey && isSameSet(seen.allowedIPs, peer.allowedIPs);
}

function adopt(found: FoundPeer, id: PeerId, nowMs: number): Peer {
  const byFamily = (allowedIP: string) => (allowedIP.includes(':') ? 1 : 0);
  return {
    id,
    publicKey: found.publicKey,
    presharedKey: found.presharedKey ?? noPresharedKey,
    allowedIPs: found.allowedIPs.toSorted((a, b) => byFamily(a) - byFamily(b)) as AllowedIP[],
    createdAtMs: nowMs,
    expiresAtMs: null,
  };
}
