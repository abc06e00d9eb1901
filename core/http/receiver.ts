// One native request from its head to its answer: guards the framing, reads the body, and sends what dispatch says.
import { formatAddress } from '../address.ts';
import { describeBug } from '../hide-keys.ts';
import { bodyBytesMax, bodyDropBytesMax, streamsMax } from '../limits.ts';
import type { Clock, Log } from '../ports.ts';
import { BodyBuffer } from './body-buffer.ts';
import { addressFromBytes } from './client-address.ts';
import type { Connections } from './connections.ts';
import type { Response } from './contract.ts';
import type { Admitted, Dispatch } from './dispatch.ts';
import { HeadReader } from './head-reader.ts';
import type { NativeRequest, NativeResponse } from './native.ts';
import { PendingResponse } from './pending-response.ts';
import { createRefusalLog } from './refusal-log.ts';
import { isStreamed, type StreamedResponse, sendStreamed, sendWhole } from './sender.ts';

export interface ReceiverOptions {
  readonly dispatch: Dispatch;
  readonly connections: Connections;
  readonly clock: Clock;
  readonly log: Log;
  /** Called whenever a request that could not be answered at once has come to its end. */
  readonly onEnded: () => void;
}

/** Takes native requests. */
export interface Receiver {
  /** Handles one request, with `isLast` the last one of its connection. Never throws: that would end the process. */
  receive(res: NativeResponse, req: NativeRequest, isLast?: boolean): void;
  /** Requests that are not yet answered to the end. */
  underWay(): number;
}

/** Makes a receiver. */
export function createReceiver(options: ReceiverOptions): Receiver {
  const { dispatch, connections, clock, log } = options;
  const { counts } = dispatch;
  const head = new HeadReader(dispatch.keyScheme);
  const noteRefusal = createRefusalLog(log, clock, 'request');
  /** Whether the request at hand is on a foreign connection. */
  let isForeign = false;
  let underWay = 0;
  let streams = 0;

  const handle = (res: NativeResponse): void => {
    const admitted = dispatch.admit(head);
    if (admitted.kind === 'response') respond(res, admitted);
    else if (admitted.takesBody) readBody(res, admitted);
    else respondTo(res, admitted);
  };

  const respondTo = (res: NativeResponse, admitted: Admitted): void => {
    const response = admitted.finish(null);
    if (response instanceof Promise) respondLater(pend(res), admitted, response);
    else if (isStreamed(response)) stream(pend(res), admitted, response);
    else respond(res, response);
  };

  const respond = (res: NativeResponse, response: Response): void => {
    // Closed at once, the native server would still run the next request of the same packet. One that comes while an
    // answer is pending makes it drop the connection instead.
    if (response.head.closes) endSoon(pend(res), () => send(res, response));
    else send(res, response);
  };

  const send = (res: NativeResponse, response: Response): void => {
    const bytes = sendWhole(res, response);
    counts?.sent(bytes);
  };

  const pend = (res: NativeResponse): PendingResponse => {
    const wasForeign = isForeign;
    underWay++;
    return new PendingResponse(res, () => {
      underWay--;
      if (wasForeign) connections.foreignLeft();
      options.onEnded();
    });
  };

  const endSoon = (pending: PendingResponse, write: () => void): void => {
    clock.soon(() => pending.end(write));
  };

  const respondLater = (pending: PendingResponse, admitted: Admitted, later: Promise<Response>): void => {
    later.then(
      (response) => {
        if (!pending.open) return;
        if (isStreamed(response)) stream(pending, admitted, response);
        else pending.end(() => send(pending.res, response));
      },
      (bug: unknown) => cutForBug(pending, bug),
    );
  };

  const stream = (pending: PendingResponse, admitted: Admitted, response: StreamedResponse): void => {
    if (streams === streamsMax) {
      const refused = admitted.refuse({ code: 'overloaded', retryAfterSeconds: 1 });
      endSoon(pending, () => send(pending.res, refused));
      return;
    }
    streams++;
    sendStreamed(pending, response, clock, {
      sent: (bytes) => counts?.sent(bytes),
      stopped: () => streams--,
      failed: (bug) => cutForBug(pending, bug),
    });
  };

  const readBody = (res: NativeResponse, admitted: Admitted): void => {
    const pending = pend(res);
    const body = new BodyBuffer(bodyBytesMax, head.contentLength);
    res.onData((chunk, isLast) => {
      if (!pending.open) return;
      body.add(new Uint8Array(chunk));
      if (isLast) finishBody(pending, admitted, body);
      else if (body.received > bodyDropBytesMax) pending.cut();
    });
  };

  const finishBody = (pending: PendingResponse, admitted: Admitted, body: BodyBuffer): void => {
    counts?.received(body.received);
    const whole = body.whole();
    const response = whole === null ? admitted.refuse({ code: 'body_too_large' }) : admitted.finish(whole);
    respondLater(pending, admitted, Promise.resolve(response));
  };

  const refuseFraming = (res: NativeResponse): void => {
    counts?.refused('bad_framing');
    noteRefusal('bad_framing', () => ({
      method: head.method.slice(0, 16),
      path: head.path.slice(0, 128),
      remote: formatAddress(addressFromBytes(head.remoteAddress())),
    }));
    endSoon(pend(res), () => {
      res.writeStatus('400 Bad Request');
      res.end('', true);
    });
  };

  const cutForBug = (pending: PendingResponse, bug: unknown): void => {
    logBug(bug);
    pending.cut();
  };

  const logBug = (bug: unknown): void => {
    log.error({ trace: describeBug(bug) }, 'a request could not be answered: this is a bug');
  };

  return {
    receive(res, req, isLast = false) {
      try {
        head.read(req, res);
        connections.judge(head);
        isForeign = head.closes;
        // To a HEAD that closes the true length can't be told (see sendNoBody), which is worth more than the right hint.
        if (isLast || (head.isLast && head.method !== 'HEAD')) head.closes = true;
        if (head.framedWell) handle(res);
        else refuseFraming(res);
      } catch (bug) {
        logBug(bug);
        closeQuietly(res);
      } finally {
        head.release();
      }
    },
    underWay: () => underWay,
  };
}

/** Closes a response that may be dead already. */
function closeQuietly(res: NativeResponse): void {
  try {
    res.close();
  } catch {
    // It was.
  }
}
