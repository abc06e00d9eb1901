// Memory for the texts of blocks of peers: large pieces, cut into slots of one size, so that it moves no object to find one.
import { peerTextBytesMax } from '../limits.ts';

/** Peers in a block at most. Ours: a page of 50 lies in two blocks, and a text that changes its length moves some 10 KB. */
export const blockPeersMax = 64;

/** Room for the texts of a block, each behind a comma, however long they are. */
export interface TextSlot {
  readonly bytes: Buffer;
  /** Where it begins in there. */
  readonly start: number;
}

const slotBytes = blockPeersMax * peerTextBytesMax;

/** Slots in a piece. Ours: 1.5 MB, of which the system gives what is written to. */
const pieceSlots = 64;

/** Hands out slots and takes them back; memory that it has once it keeps. */
export class BlockMemory {
  readonly #free: TextSlot[] = [];

  take(): TextSlot {
    if (this.#free.length === 0) this.#addPiece();
    return this.#free.pop() as TextSlot;
  }

  /** The slot's bytes are nobody's from now on. */
  give(slot: TextSlot): void {
    this.#free.push(slot);
  }

  #addPiece(): void {
    const bytes = Buffer.allocUnsafeSlow(pieceSlots * slotBytes);
    // The first is taken first, for it is the last in the list.
    for (let index = pieceSlots - 1; index >= 0; index--)
      this.#free.push({ bytes, start: index * slotBytes });
  }
}
