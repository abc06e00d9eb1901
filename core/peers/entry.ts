// One peer in memory, with what the device last said of it, and the order in which peers are listed.
import type { Peer } from './peer.ts';

/** A peer and what the last look at the device showed of it. */
export interface Entry {
  readonly peer: Peer;
  /** Milliseconds since the Unix epoch; null: never, or not seen yet. */
  readonly latestHandshakeMs: number | null;
  /** Whether the latest handshake was recent when the device was looked at. */
  readonly active: boolean;
  readonly receiveBytes: number;
  readonly transmitBytes: number;
}

/** List order: oldest first, then by id. */
export function compareInList(a: Peer, b: Peer): number {
  return a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
