// Writes responses to native ones: at once, or piece by piece as the reader takes them. Decides nothing about their content.
import { streamPieceLength, streamStallMs, streamTotalMs, streamTurnLength } from '../limits.ts';
import type { Clock } from '../ports.ts';
import type { ReplyBody, Response, WholeBody } from './contract.ts';
import type { NativeResponse } from './native.ts';
import type { PendingResponse } from './pending-response.ts';

/** A response whose body is made in pieces and wanted. */
export interface StreamedResponse extends Response {
  readonly body: Iterable<string>;
}

/** Whether a response has to be sent piece by piece; to HEAD none has. */
export function isStreamed(response: Response): response is StreamedResponse {
  return response.sendsBody && !isWhole(response.body);
}

/**
 * Sends a response whose body is there or not wanted. Only in the callback of the native request, or corked. The answer is
 * the length of the body in bytes; texts are ASCII.
 */
export function sendWhole(res: NativeResponse, response: Response): number {
  const { body, head } = response;
  writeHead(res, response);
  if (response.sendsBody && isWhole(body)) {
    const bytes = ready(body);
    res.end(bytes, head.closes);
    return bytes.length;
  }
  sendNoBody(res, response);
  return 0;
}

/** Sends a response piece by piece: each is made when the socket has taken the one before. */
export function sendStreamed(
  pending: PendingResponse,
  response: StreamedResponse,
  clock: Clock,
  told: {
    /** With the length of each piece that was written. */
    readonly sent: (bytes: number) => void;
    /** Once, when nothing more will be sent. */
    readonly stopped: () => void;
    /** The body threw; the connection is to be cut, so that nobody takes what came for the whole. */
    readonly failed: (bug: unknown) => void;
  },
): void {
  const { res } = pending;
  const pieces = response.body[Symbol.iterator]();
  const take = cutEvenly(pieces);
  const cancelTotal = clock.after(streamTotalMs, () => pending.cut());
  let cancelPause = () => {};
  let isFull = false;

  const stop = () => {
    cancelTotal();
    cancelPause();
    pieces.return?.();
    told.stopped();
  };
  const turn = () => {
    if (!pending.open) return;
    try {
      pump();
    } catch (bug) {
      told.failed(bug);
    }
  };
  const pump = () => {
    for (let length = 0; length < streamTurnLength; ) {
      const text = take();
      if (text === '') {
        stop();
        pending.end(() => res.end('', response.head.closes));
        return;
      }
      length += text.length;
      told.sent(text.length);
      if (!writePiece(res, text)) {
        isFull = true;
        cancelPause = clock.after(streamStallMs, () => pending.cut());
        return;
      }
    }
    // Others get their turn before this reader's next.
    clock.soon(turn);
  };

  pending.onGone(stop);
  res.onWritable(() => {
    if (isFull) {
      isFull = false;
      cancelPause();
      turn();
    }
    return true;
  });
  res.cork(() => writeHead(res, response));
  turn();
}

/** Ends an answer to HEAD. */
function sendNoBody(res: NativeResponse, { body, head }: Response): void {
  if (head.closes) {
    // The one way to close after a head. It says 0 for the length; with the true one the connection would wait for the body.
    res.endWithoutBody(0, true);
    return;
  }
  // The native server tells the length of what it sends, and of nothing else.
  if (isWhole(body)) res.writeHeader('Content-Length', String(Buffer.byteLength(ready(body))));
  res.endWithoutBody();
}

function writeHead(res: NativeResponse, response: Response): void {
  const { head, headers } = response;
  // The head is shared by all answers of its status: the id goes in right before it is copied to the socket.
  response.requestId.copyTo(head.bytes, head.requestIdOffset);
  res.writeStatus(head.bytes);
  for (const [name, value] of headers) res.writeHeader(name, value);
}

function writePiece(res: NativeResponse, text: string): boolean {
  let taken = true;
  res.cork(() => {
    taken = res.write(text);
  });
  return taken;
}

/** The same text in pieces of a length that is worth a write and that a writable socket takes; '' at the end. */
function cutEvenly(pieces: Iterator<string>): () => string {
  let text = '';
  return () => {
    while (text.length < streamPieceLength) {
      const next = pieces.next();
      if (next.done === true) break;
      text += next.value;
    }
    const piece = text.slice(0, streamPieceLength);
    text = text.slice(streamPieceLength);
    return piece;
  };
}

function isWhole(body: ReplyBody): body is WholeBody {
  return typeof body === 'function' || typeof body === 'string' || body instanceof Uint8Array;
}

function ready(body: WholeBody): string | Uint8Array {
  return typeof body === 'function' ? body() : body;
}
