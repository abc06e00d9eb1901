// The failures of HTTP itself: what can be wrong with a request before any operation is asked. Knows no operation's own codes.
import type { FailureTable } from './contract.ts';
import type { Route } from './route.ts';

/** Every code that this folder answers with by itself. */
export type HttpCode =
  | 'invalid_json'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'rate_limited'
  | 'internal_error'
  | 'overloaded'
  | 'shutting_down'
  | 'deadline_exceeded';

/** The table of these codes, to be spread into the table of an API. */
export const httpFailures: FailureTable<HttpCode> = {
  invalid_json: { status: 400, sentence: 'The body must be one JSON object in UTF-8.' },
  unauthorized: { status: 401, sentence: 'The API key is missing or wrong.' },
  forbidden: { status: 403, sentence: 'This client address is not allowed.' },
  not_found: { status: 404, sentence: 'There is nothing at this path.' },
  method_not_allowed: { status: 405, sentence: 'This path does not take this method.' },
  body_too_large: { status: 413, sentence: 'The body is larger than 256 KiB.' },
  unsupported_media_type: { status: 415, sentence: 'The body must be application/json in UTF-8.' },
  rate_limited: { status: 429, sentence: 'Too many requests from this client address.' },
  internal_error: { status: 500, sentence: 'The node failed to answer.' },
  overloaded: { status: 503, sentence: 'The node has too much to do.' },
  shutting_down: { status: 503, sentence: 'The node is shutting down.' },
  deadline_exceeded: {
    status: 504,
    sentence: 'The request took too long and its outcome is unknown; a GET tells.',
  },
};

/** The codes with which any operation of this kind may fail, whatever it does. */
export function httpCodesOf(
  operation: Pick<Route<never, never>, 'access' | 'takesBody'>,
): readonly HttpCode[] {
  return [
    ...(operation.access === 'key' ? keyCodes : []),
    ...(operation.takesBody ? bodyCodes : []),
    'internal_error',
    'deadline_exceeded',
  ];
}

const keyCodes = ['unauthorized', 'forbidden', 'rate_limited', 'shutting_down'] as const;
const bodyCodes = ['invalid_json', 'body_too_large', 'unsupported_media_type', 'overloaded'] as const;
