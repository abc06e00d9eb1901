// HTTP as plain data: what goes into dispatch and what comes out. No behaviour, no socket, no peer.
import type { Result } from '../result.ts';
import type { RequestId } from './request-id.ts';

/** What stands behind a failure code: the status, and the sentence that is sent when the failure brings none of its own. */
export interface FailureMeaning {
  readonly status: number;
  readonly sentence: string;
}

/** The one table of a closed list of codes. A code without a row does not compile. */
export type FailureTable<Code extends string> = Readonly<Record<Code, FailureMeaning>>;

/** A request that is answered with an error. */
export interface Failure<Code extends string> {
  readonly code: Code;
  /** Replaces the table's sentence. Sent to the caller: holds no secret and nothing of the request that could be one. */
  readonly sentence?: string;
  /** Sent in debug only. Holds no secret. */
  readonly detail?: string;
  /** `Retry-After`, whole seconds. */
  readonly retryAfterSeconds?: number;
}

/** The body of an answer: one that is there, or pieces of text, made as the reader takes them. */
export type ReplyBody = WholeBody | Iterable<string>;

/** Text; the same in UTF-8; or what makes it when it is sent, into memory that the next body may be made in. */
export type WholeBody = string | Uint8Array | (() => Uint8Array);

/** The content type of errors, and of good answers where nothing else is said. */
export const jsonType = 'application/json; charset=utf-8';

/** A good answer. */
export interface Reply {
  readonly status: 200 | 503;
  readonly body: ReplyBody;
}

export type Outcome<Code extends string> = Result<Reply, Failure<Code>>;

/** What a route gets to decode. */
export interface RawInput {
  /** Path parameters, percent-decoded. */
  readonly params: Readonly<Record<string, string | undefined>>;
  /** The text behind `?`, undecoded; null: there is none. */
  readonly query: string | null;
  /** The parsed JSON body; undefined where the route takes none. */
  readonly body: unknown;
  /** For audit lines. */
  readonly requestId: string;
  /** For audit lines: the client's address after trusted proxies, as text. Made when asked for, since it costs. */
  clientAddress(): string;
}

/** The head of a request. '' stands for a header that is absent or empty; of a repeated one the first line counts, if not said otherwise. */
export interface RequestHead {
  /** As sent, in its letter case. */
  readonly method: string;
  /** Without the query, not decoded. */
  readonly path: string;
  /** The text behind `?`, undecoded; null: there is none. */
  readonly query: string | null;
  /** The API key or the bearer token. */
  readonly apiKey: string;
  readonly requestId: string;
  readonly contentType: string;
  readonly contentEncoding: string;
  /** Bytes; null: no body, or one of unknown length. */
  readonly contentLength: number | null;
  /** All lines of `X-Forwarded-For`, joined by commas. */
  readonly forwardedFor: string;
  /** The other end of the connection, 4 or 16 bytes in network order. Asked for when needed, since it costs; only until `admit` or `finish` has returned. */
  readonly remoteAddress: () => Uint8Array;
  /** The other end of the connection is known to be in the allowlist; false: unknown, or there is no allowlist. */
  readonly fromAllowed: boolean;
  /** The connection shall end with the answer. */
  readonly closes: boolean;
}

/** A header line of an answer. */
export type Header = readonly [name: string, value: string];

/** An answer as it goes to the wire. */
export interface Response {
  readonly kind: 'response';
  /** Status, and all headers that only depend on it. */
  readonly head: ResponseHead;
  readonly requestId: RequestId;
  /** Headers of this answer alone. */
  readonly headers: readonly Header[];
  readonly body: ReplyBody;
  /** False for HEAD: the body is only measured. */
  readonly sendsBody: boolean;
}

/** What all answers of one status have in common. */
export interface ResponseHead {
  readonly status: number;
  /** Without `X-Request-Id`. */
  readonly headers: readonly Header[];
  /** The connection ends with this answer. */
  readonly closes: boolean;
  /** Status line and headers joined, with room for the request id. Shared: the id is written into it right before it is sent. */
  readonly bytes: Uint8Array;
  /** Where the request id goes in `bytes`. */
  readonly requestIdOffset: number;
}
