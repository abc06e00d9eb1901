// What speaks against a request before its body is read and its operation is asked. Answers nothing by itself.
import { bodyBytesMax } from '../limits.ts';
import type { Clock } from '../ports.ts';
import type { Access } from './access.ts';
import { isJsonType, isPlainEncoding } from './body.ts';
import type { Failure, RequestHead } from './contract.ts';
import type { Exchange } from './exchange.ts';
import type { HttpCode } from './failures.ts';

/** What a request asked for, as far as its admission depends on it. */
interface Wanted {
  /** Whether anything lives at its path. */
  readonly exists: boolean;
  /** The operation; undefined: none lives there under this method. */
  readonly operation: { readonly access: 'public' | 'key'; readonly takesBody: boolean } | undefined;
}

/** Looks at a request's head. Answers null when nothing speaks against it; otherwise the first thing that does. */
export type Admission = (
  head: RequestHead,
  exchange: Exchange,
  wanted: Wanted,
  draining: boolean,
) => Failure<HttpCode> | null;

/**
 * Makes the checks, in the order in which they are made: rate, path, method, address, key, whether the node stops, and the
 * body as its head describes it. Everything but public operations counts for the rate, guesses at paths and keys too.
 */
export function createAdmission(access: Access, clock: Clock): Admission {
  const checkRate = (exchange: Exchange): Failure<HttpCode> | null => {
    const client = access.limitsRate() ? exchange.client() : null;
    const waitMs = client === null ? 0 : access.take(client, clock.monotonicMs());
    return waitMs > 0 ? { code: 'rate_limited', retryAfterSeconds: Math.ceil(waitMs / 1_000) } : null;
  };

  const isAllowed = (head: RequestHead, exchange: Exchange): boolean => {
    if (!access.hasAllowlist()) return true;
    // What comes from an allowed address and was not forwarded needs no second look, and a look costs more than routing.
    if (head.fromAllowed && head.forwardedFor === '') return true;
    const client = exchange.client();
    return client !== null && access.allows(client);
  };

  const checkCaller = (
    head: RequestHead,
    exchange: Exchange,
    draining: boolean,
  ): Failure<HttpCode> | null => {
    if (!isAllowed(head, exchange)) return { code: 'forbidden' };
    if (!access.keyMatches(head.apiKey)) return { code: 'unauthorized' };
    return draining ? { code: 'shutting_down', retryAfterSeconds: 1 } : null;
  };

  return (head, exchange, { exists, operation }, draining) => {
    const isPublic = operation?.access === 'public';
    const tooFast = isPublic ? null : checkRate(exchange);
    if (tooFast !== null) return tooFast;
    if (operation === undefined) return { code: exists ? 'method_not_allowed' : 'not_found' };
    const unwelcome = isPublic ? null : checkCaller(head, exchange, draining);
    return unwelcome ?? (operation.takesBody ? checkBody(head) : null);
  };
}

function checkBody(head: RequestHead): Failure<HttpCode> | null {
  if (!isJsonType(head.contentType)) return { code: 'unsupported_media_type' };
  if (!isPlainEncoding(head.contentEncoding)) {
    return { code: 'unsupported_media_type', sentence: 'The body must not be compressed.' };
  }
  if (head.contentLength !== null && head.contentLength > bodyBytesMax) return { code: 'body_too_large' };
  return null;
}
