// HTTP as plain data: what goes into dispatch and what comes out. No behaviour, no socket, no peer.
import type { Result } from '../result.ts';

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

/** The body of an answer: JSON text; the same in UTF-8; or its pieces, made as the reader takes them. */
export type ReplyBody = string | Uint8Array | Iterable<string>;

/** A good answer; its content type is JSON. */
export interface Reply {
  readonly status: 200 | 503;
  readonly body: ReplyBody;
  /** Adds `Cache-Control: no-store`. */
  readonly noStore?: true;
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
  readonly clientAddress: () => string;
}
