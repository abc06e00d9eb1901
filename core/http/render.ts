// Answers as text and bytes: heads with the constant headers joined once, and the bodies of errors. Decides nothing.
import { keepAliveSeconds } from '../limits.ts';
import type { Failure, FailureMeaning, Header, ResponseHead } from './contract.ts';
import { requestIdLength } from './request-id.ts';

/** The heads of all answers, each made when it is first asked for. */
export interface ResponseHeads {
  /** `closes`: the connection ends with the answer. */
  of(status: number, closes: boolean): ResponseHead;
}

/** Prepares heads of answers of one content type. `tls`: browsers are told to come by HTTPS only. */
export function createHeads(tls: boolean, contentType: string): ResponseHeads {
  const lasting = new Map<number, ResponseHead>();
  const closing = new Map<number, ResponseHead>();
  return {
    of(status, closes) {
      const heads = closes ? closing : lasting;
      let head = heads.get(status);
      if (head === undefined) {
        head = renderHead(status, constantHeaders(tls, contentType, closes), closes);
        heads.set(status, head);
      }
      return head;
    },
  };
}

/** An error's body. `detail` is left out unless `debug`. */
export function renderError(failure: Failure<string>, meaning: FailureMeaning, debug: boolean): string {
  return JSON.stringify({
    error: failure.sentence ?? meaning.sentence,
    code: failure.code,
    ...(debug && failure.detail !== undefined && { detail: failure.detail }),
  });
}

/** Reason phrases (RFC 9110 section 15) of every status that is sent. */
const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

function constantHeaders(tls: boolean, contentType: string, closes: boolean): readonly Header[] {
  return [
    ['Content-Type', contentType],
    // No answer may come from a cache: most carry what only a key opens, and a stale probe would lie.
    ['Cache-Control', 'no-store'],
    ['X-Content-Type-Options', 'nosniff'],
    ['X-Frame-Options', 'DENY'],
    ['X-XSS-Protection', '1; mode=block'],
    ['Referrer-Policy', 'strict-origin-when-cross-origin'],
    ...(tls ? [['Strict-Transport-Security', 'max-age=31536000'] as const] : []),
    ...(closes ? [] : [['Keep-Alive', `timeout=${keepAliveSeconds}`] as const]),
  ];
}

function renderHead(status: number, headers: readonly Header[], closes: boolean): ResponseHead {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const start = `${status} ${reasons[status] ?? 'Unknown'}\r\n${lines}X-Request-Id: `;
  return {
    status,
    headers,
    closes,
    bytes: Buffer.from(start + ' '.repeat(requestIdLength), 'latin1'),
    requestIdOffset: start.length,
  };
}
