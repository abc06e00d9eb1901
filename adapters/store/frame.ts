// Frames: how a payload lies in the store file so that every damage shows, and a write that was cut off is told from it. Knows no peer.
//
// A frame is three MessagePack values: a bin of 32 bytes (number of the frame, length of the payload, 16 bytes of the
// payload's SHA-256, 8 bytes of the SHA-256 of these three; integers big-endian), the payload, and `true`.
import { createHash } from 'node:crypto';

/** What stands at one place of a file. Offsets in bytes from its start. */
export type FrameReading =
  | { readonly kind: 'frame'; readonly payload: Uint8Array; readonly end: number }
  /** What a write leaves that was cut off by a crash: from here to the end of the file there is no whole frame. */
  | { readonly kind: 'unfinished' }
  | { readonly kind: 'damaged'; readonly detail: string };

const binHead = Uint8Array.of(0xc4, 32);
const headBytes = 34;
const endMark = 0xc3;

// The smallest piece that a disk writes whole: a sector (READ(10), SCSI block commands).
const sectorBytes = 512;

/** A payload as a frame. `number` counts the frames of a file from 0. */
export function encodeFrame(number: number, payload: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(headBytes + payload.length + 1);
  frame.set(binHead, 0);
  frame.writeUInt32BE(number, 2);
  frame.writeUInt32BE(payload.length, 6);
  frame.set(digest(payload, 16), 10);
  frame.set(digest(frame.subarray(2, 26), 8), 26);
  frame.set(payload, headBytes);
  frame[frame.length - 1] = endMark;
  return frame;
}

/** Reads the frame that starts at `start`, which lies before the end of the file. */
export function readFrame(file: Buffer, start: number, number: number): FrameReading {
  const damaged = (detail: string): FrameReading => ({ kind: 'damaged', detail });
  const head = file.subarray(start, start + headBytes);
  if (!isHead(head))
    return isCutOffHead(file, start) ? { kind: 'unfinished' } : damaged('no frame starts here');
  if (head.readUInt32BE(2) !== number)
    return damaged(`frame ${head.readUInt32BE(2)} stands where ${number} belongs`);
  const end = start + headBytes + head.readUInt32BE(6) + 1;
  if (end > file.length) return { kind: 'unfinished' };
  const payload = file.subarray(start + headBytes, end - 1);
  if (file[end - 1] === endMark && digest(payload, 16).equals(head.subarray(10, 26))) {
    return { kind: 'frame', payload, end };
  }
  const cutOff = end === file.length && hasEmptySector(file, start, end);
  return cutOff ? { kind: 'unfinished' } : damaged('the checksum does not match');
}

function isHead(bytes: Buffer): boolean {
  return (
    bytes.length === headBytes &&
    bytes[0] === binHead[0] &&
    bytes[1] === binHead[1] &&
    digest(bytes.subarray(2, 26), 8).equals(bytes.subarray(26))
  );
}

function isCutOffHead(file: Buffer, start: number): boolean {
  const left = file.subarray(start, start + headBytes);
  if (left.length < headBytes && left.subarray(0, 2).equals(binHead.subarray(0, left.length))) return true;
  return hasEmptySector(file, start, Math.min(start + headBytes, file.length)) && !hasHeadAfter(file, start);
}

// A power cut may leave a file that grew while some of its new sectors were never written: they read as zeros. No
// damage of a few bits looks like that, for a frame's part in a sector is never all zeros, nor nearly: it begins with
// 0xc4, ends with 0xc3, and is text or digest between.
function hasEmptySector(file: Buffer, start: number, end: number): boolean {
  for (let from = start; from < end; ) {
    const to = Math.min(from - (from % sectorBytes) + sectorBytes, file.length);
    if (file.subarray(from, to).every((byte) => byte === 0)) return true;
    from = to;
  }
  return false;
}

// A frame after the broken one was written later, so the broken one had been flushed: then it is damage.
function hasHeadAfter(file: Buffer, start: number): boolean {
  for (let at = file.indexOf(binHead, start + 1); at !== -1; at = file.indexOf(binHead, at + 1)) {
    if (isHead(file.subarray(at, at + headBytes))) return true;
  }
  return false;
}

function digest(bytes: Uint8Array, length: number): Buffer {
  return createHash('sha256').update(bytes).digest().subarray(0, length);
}
