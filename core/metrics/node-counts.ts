// What the writer counts about itself. Numbers only: who reads them is not known here.
import type { ChangeFailure } from '../batch.ts';
import { batchMax } from '../limits.ts';
import { Histogram } from './histogram.ts';
import { TimedCounts } from './timed-counts.ts';

/** What is done to peers. `repair`: the device was made right, all that differed at once. */
export type Operation = 'create' | 'rotate' | 'delete' | 'expire' | 'repair';

/** Counts since the process started; `unknownKeys` is of now. */
export interface NodeCounts {
  /** A caller's operations from their arrival to their answer, those that were refused too; the node's own from their start. */
  readonly operations: TimedCounts<Operation, ChangeFailure>;
  /** Commands that shared a batch. */
  readonly batches: Histogram;
  /** Peers that the device lacked or had otherwise, and that were put on it. */
  peersPutBack: number;
  /** Keys that had no business on the device and were removed from it. */
  keysRemoved: number;
  /** Unknown keys on the device that were only reported, when it was last compared. */
  unknownKeys: number;
}

/** All at nothing. */
export function createNodeCounts(): NodeCounts {
  return {
    operations: new TimedCounts(['create', 'rotate', 'delete', 'expire', 'repair']),
    batches: new Histogram(powersOfTwo(batchMax)),
    peersPutBack: 0,
    keysRemoved: 0,
    unknownKeys: 0,
  };
}

function powersOfTwo(max: number): readonly number[] {
  const powers: number[] = [];
  for (let power = 1; power <= max; power *= 2) powers.push(power);
  return powers;
}
