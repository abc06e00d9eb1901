// The store file as bytes: a header, the peers in frames up to an end mark, then a frame for each batch of changes. Touches no file.
//
// Every payload is a map: `{records}`, then once `{end, retired}` with the count of records, then `{changes, retired}`
// any number of times, where a change is a record to put or the id of a peer to remove.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Packr } from 'msgpackr/pack';
import { storePeersPerFrame } from '../../core/limits.ts';
import type { Peer, PublicKey } from '../../core/peers/peer.ts';
import type { StoreChange, StoredPeers } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { keepRetired } from './changes.ts';
import { encodeFrame, readFrame } from './frame.ts';
import { formatRecord, parseRecord } from './record.ts';
import { createReplay } from './replay.ts';

/** A store file that was read. */
export interface DecodedStore extends StoredPeers {
  /** Bytes up to the end mark, it included. */
  readonly snapshotBytes: number;
  /** Bytes up to the end of the last whole frame. Fewer than the file has: a last batch was cut off, and was never acknowledged. */
  readonly wholeBytes: number;
  /** The number that the next batch gets. */
  readonly nextFrame: number;
}

const formatVersion = 1;

// The map {format: "wgkeeper-node peers", version: 1} in its shortest form, so that it is the same from every encoder.
const header = Buffer.concat([
  Buffer.of(0x82, 0xa6),
  Buffer.from('format'),
  Buffer.of(0xb3),
  Buffer.from('wgkeeper-node peers'),
  Buffer.of(0xa7),
  Buffer.from('version'),
  Buffer.of(formatVersion),
]);

// Records as an extension would save a little space, but no other reader knows them.
const encoder = new Packr({ useRecords: false });

/** A whole file, piece by piece as it is asked for. Keys in `retired` come back from `decodeStore`. */
export function* encodeStore(
  peers: readonly Peer[],
  retired: readonly PublicKey[],
): Generator<Uint8Array, void> {
  yield header;
  let number = 0;
  for (let from = 0; from < peers.length; from += storePeersPerFrame) {
    const records = peers.slice(from, from + storePeersPerFrame).map(formatRecord);
    yield encodeFrame(number++, encoder.pack({ records }));
  }
  yield encodeFrame(number, encoder.pack({ end: peers.length, retired }));
}

/** The number of the first batch after a whole file of so many peers. */
export function firstBatchNumber(peerCount: number): number {
  return Math.ceil(peerCount / storePeersPerFrame) + 1;
}

/** One batch, to stand behind a whole file and the batches before it. */
export function encodeBatch(number: number, changes: readonly StoreChange[]): Uint8Array {
  return encodeFrame(
    number,
    encoder.pack({
      changes: changes.map((change) => (change.kind === 'put' ? formatRecord(change.peer) : change.id)),
      retired: keepRetired([], changes),
    }),
  );
}

/** Why a change could not be read back if it were stored, naming the field; null: it could. */
export function unstorable(change: StoreChange): string | null {
  if (change.kind === 'remove') return null;
  const record = parseRecord(formatRecord(change.peer));
  return record.ok ? null : record.failure;
}

/**
 * Reads a whole file, in slices between which others get their turn. Nothing is repaired: the failure says in words
 * what is wrong, and where, without any value of a record.
 */
export async function decodeStore(file: Buffer): Promise<Result<DecodedStore, string>> {
  const badHeader = headerProblem(file);
  if (badHeader !== null) return fail(badHeader);
  const replay = createReplay();
  let at = header.length;
  let number = 0;
  let snapshotBytes = 0;
  let sliceRecords = 0;
  while (at < file.length) {
    const reading = readFrame(file, at, number);
    if (reading.kind === 'damaged') return fail(`byte ${at}: ${reading.detail}`);
    if (reading.kind === 'unfinished') break;
    const problem = replay.take(reading.payload);
    if (problem !== null) return fail(`byte ${at}: ${problem}`);
    at = reading.end;
    number += 1;
    if (snapshotBytes === 0 && replay.ended()) snapshotBytes = at;
    sliceRecords += 1 + reading.payload.length / 256;
    if (sliceRecords > storePeersPerFrame) {
      sliceRecords = 0;
      await nextTurn();
    }
  }
  if (snapshotBytes === 0) return fail(`byte ${at}: the file ends before its end mark`);
  const stored = await replay.finish();
  if (!stored.ok) return stored;
  return ok({ ...stored.value, snapshotBytes, wholeBytes: at, nextFrame: number });
}

function headerProblem(file: Buffer): string | null {
  if (file.length === 0) return 'the file is empty, and no store ever is';
  if (file.subarray(0, header.length).equals(header)) return null;
  const sameFormat = file.subarray(0, header.length - 1).equals(header.subarray(0, -1));
  const version = file[header.length - 1];
  if (!sameFormat || version === undefined) return 'byte 0: not a peer store';
  return `byte ${header.length - 1}: format version ${version}, and this program reads ${formatVersion}`;
}
