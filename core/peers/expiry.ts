// Which peer expires next. A binary heap of moments; entries of peers that changed since are passed over when they come up.
import type { Peer, PeerId } from './peer.ts';

/** Moments, of which those that no longer hold are passed over. */
export interface ExpiryQueue {
  /** Notes a peer's expiry. A permanent peer is passed over; a known one may be noted again with another moment. */
  add(peer: Peer): void;
  /** The earliest noted moment, milliseconds since the Unix epoch; null: none. It may belong to a peer that changed since. */
  nextMs(): number | null;
  /** Takes up to `max` ids whose noted moment has come. Each must be held against the peer as it is now. */
  takeDue(nowMs: number, max: number): readonly PeerId[];
}

interface Moment {
  readonly atMs: number;
  readonly id: PeerId;
}

/** An empty queue. `isCurrent` tells whether a noted moment still is the expiry of that peer. */
export function createExpiryQueue(isCurrent: (id: PeerId, atMs: number) => boolean): ExpiryQueue {
  let heap: Moment[] = [];
  let tidyAt = 64;

  // Each rotation notes the peer again, and would leave its earlier entry behind for years.
  function dropOutdated(): void {
    const current = new Map<PeerId, Moment>();
    for (const moment of heap) if (isCurrent(moment.id, moment.atMs)) current.set(moment.id, moment);
    heap = [...current.values()];
    for (let index = (heap.length >>> 1) - 1; index >= 0; index--) sink(heap, index);
    tidyAt = heap.length * 2 + 64;
  }

  return {
    add(peer) {
      if (peer.expiresAtMs === null) return;
      if (heap.length >= tidyAt) dropOutdated();
      heap.push({ atMs: peer.expiresAtMs, id: peer.id });
      rise(heap, heap.length - 1);
    },
    nextMs: () => heap[0]?.atMs ?? null,
    takeDue(nowMs, max) {
      // A set, since a peer whose expiry was noted twice must not come up twice.
      const due = new Set<PeerId>();
      let first = heap[0];
      while (first !== undefined && first.atMs <= nowMs && due.size < max) {
        if (isCurrent(first.id, first.atMs)) due.add(first.id);
        removeFirst(heap);
        first = heap[0];
      }
      return [...due];
    },
  };
}

function removeFirst(heap: Moment[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  heap[0] = last;
  sink(heap, 0);
}

function rise(heap: Moment[], from: number): void {
  let index = from;
  while (index > 0) {
    const parent = (index - 1) >>> 1;
    if (momentAt(heap, parent) <= momentAt(heap, index)) return;
    swap(heap, parent, index);
    index = parent;
  }
}

function sink(heap: Moment[], from: number): void {
  let index = from;
  for (;;) {
    const left = 2 * index + 1;
    const least = momentAt(heap, left + 1) < momentAt(heap, left) ? left + 1 : left;
    if (momentAt(heap, index) <= momentAt(heap, least)) return;
    swap(heap, index, least);
    index = least;
  }
}

function momentAt(heap: readonly Moment[], index: number): number {
  return heap[index]?.atMs ?? Number.POSITIVE_INFINITY;
}

function swap(heap: Moment[], a: number, b: number): void {
  const first = heap[a];
  const second = heap[b];
  if (first === undefined || second === undefined) return;
  heap[a] = second;
  heap[b] = first;
}
