// All that the node has decided about its peers: the table, the addresses that are left, what expires when. One change
// moves all three. Pure memory: store and device follow it, or it follows them, elsewhere.
import type { Result } from '../result.ts';
import { createExpiryQueue } from './expiry.ts';
import { type Decision, decide, type PeerChange, type PeerCommand, peerIdOf } from './lifecycle.ts';
import type { Peer, PeerId, PeerKeys } from './peer.ts';
import { createPools, type PoolSubnet, type Pools } from './pool.ts';
import { createPeerTable, type PeerTable } from './table.ts';

/** Each method does its work before it returns: nobody sees half a change. */
export interface Book {
  readonly table: PeerTable;
  readonly pools: Pick<Pools, 'families' | 'possible'>;
  /** Takes up the peers of a store; once, into an empty book. Their addresses are assignable, and none comes twice. */
  load(peers: readonly Peer[]): void;
  /**
   * What a command does to the peer of its id, with keys from `makeKeys`. A new peer's addresses are taken at once:
   * the change must be published, or its addresses given back. Otherwise nothing is changed.
   */
  decide(
    command: PeerCommand,
    nowMs: number,
    makeKeys: () => PeerKeys,
  ): Result<Decision, 'peer_not_found' | 'no_available_ip'>;
  /** Notes that decided changes are in the store, of one peer at most one, and on their way to the device. */
  stored(changes: readonly PeerChange[]): void;
  /** Whether a change of this peer is on its way. */
  isOnItsWay(id: PeerId): boolean;
  /** All peers as the store has them: those of the table, with what is on its way. */
  storedPeers(): readonly Peer[];
  /** Makes decided changes true for every reader, all at once. */
  publish(changes: readonly PeerChange[]): void;
  /** Drops decided changes that were not made, or that were taken back from the store. */
  giveBack(changes: readonly PeerChange[]): void;
  /** Keeps single addresses from being handed out, in place of those that were kept before: others have them. */
  hold(allowedIPs: readonly string[]): void;
  /** The next moment at which a peer may expire, milliseconds since the Unix epoch; null: none. */
  nextExpiryMs(): number | null;
  /** Up to `max` peers whose time has come. Each comes once: its expiry must be published. */
  takeExpired(nowMs: number, max: number): readonly Peer[];
}

/** An empty book over these networks. */
export function createBook(subnets: readonly PoolSubnet[]): Book {
  const table = createPeerTable();
  const expiry = createExpiryQueue((id, atMs) => table.get(id)?.peer.expiresAtMs === atMs);
  const onTheirWay = new Map<PeerId, PeerChange>();
  let pools = createPools(subnets, []);
  const shownPools: Book['pools'] = {
    get families() {
      return pools.families;
    },
    get possible() {
      return pools.possible;
    },
  };

  function enter(peer: Peer): void {
    table.put(peer);
    expiry.add(peer);
  }

  function arrive(changes: readonly PeerChange[]): void {
    for (const change of changes) onTheirWay.delete(peerIdOf(change));
  }

  return {
    table,
    pools: shownPools,
    load(peers) {
      for (const peer of peers) enter(peer);
      pools = createPools(
        subnets,
        peers.flatMap((peer) => peer.allowedIPs),
      );
    },
    decide: (command, nowMs, makeKeys) =>
      decide(command, table.get(command.id)?.peer, {
        nowMs,
        makeKeys,
        takeAddresses: (families) => pools.take(families ?? pools.families),
      }),
    stored(changes) {
      for (const change of changes) onTheirWay.set(peerIdOf(change), change);
    },
    isOnItsWay: (id) => onTheirWay.has(id),
    storedPeers() {
      if (onTheirWay.size === 0) return table.peers();
      const peers = table.peers().filter((peer) => !onTheirWay.has(peer.id));
      for (const change of onTheirWay.values()) if ('after' in change) peers.push(change.after);
      return peers;
    },
    publish(changes) {
      arrive(changes);
      const gone: Peer[] = [];
      for (const change of changes) {
        if ('after' in change) enter(change.after);
        else gone.push(change.before);
      }
      if (gone.length === 0) return;
      table.remove(gone.map((peer) => peer.id));
      for (const peer of gone) pools.release(peer.allowedIPs);
    },
    giveBack(changes) {
      arrive(changes);
      for (const change of changes) if (change.kind === 'created') pools.release(change.after.allowedIPs);
    },
    hold: (allowedIPs) => pools.hold(allowedIPs),
    nextExpiryMs: expiry.nextMs,
    takeExpired: (nowMs, max) => expiry.takeDue(nowMs, max).flatMap((id) => table.get(id)?.peer ?? []),
  };
}
