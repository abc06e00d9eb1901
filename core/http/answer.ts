// Outcomes and failures to responses: which head, which headers, which body. Knows the table of failures; sends nothing.
import type { KeyScheme } from './auth.ts';
import {
  type Failure,
  type FailureTable,
  type Header,
  jsonType,
  type Outcome,
  type Response,
  type ResponseHead,
} from './contract.ts';
import type { Exchange } from './exchange.ts';
import { createHeads, renderError } from './render.ts';

/** Makes responses. `closes`: the connection ends with this answer, whatever the request wanted. */
export interface Answers<Code extends string> {
  outcome(exchange: Exchange, outcome: Outcome<Code>, closes: boolean): Response;
  failure(exchange: Exchange, failure: Failure<Code>, closes: boolean, allow?: string): Response;
}

/** Prepares answers for one table of failures. `contentType`: of good answers; the rest as in `DispatchOptions`. */
export function createAnswers<Code extends string>(
  failures: FailureTable<Code>,
  settings: {
    readonly debug: boolean;
    readonly tls: boolean;
    readonly keyScheme: KeyScheme;
    readonly contentType: string;
  },
): Answers<Code> {
  const goodHeads = createHeads(settings.tls, settings.contentType);
  const errorHeads = settings.contentType === jsonType ? goodHeads : createHeads(settings.tls, jsonType);
  // A client of a scheme that HTTP knows is told which one (RFC 9110 section 15.5.2).
  const challenge: readonly Header[] =
    settings.keyScheme === 'bearer' ? [['WWW-Authenticate', 'Bearer']] : noHeaders;
  const respond = (
    exchange: Exchange,
    head: ResponseHead,
    headers: readonly Header[],
    body: Response['body'],
  ): Response => ({
    kind: 'response',
    head,
    requestId: exchange.id,
    headers,
    body,
    sendsBody: exchange.method !== 'HEAD',
  });
  const failure: Answers<Code>['failure'] = (exchange, failed, closes, allow) => {
    const meaning = failures[failed.code];
    const body = renderError(failed, meaning, settings.debug);
    const headers = failed.code === 'unauthorized' ? challenge : failureHeaders(failed, allow);
    return respond(exchange, errorHeads.of(meaning.status, closes || exchange.closes), headers, body);
  };
  return {
    failure,
    outcome: (exchange, outcome, closes) =>
      outcome.ok
        ? respond(
            exchange,
            goodHeads.of(outcome.value.status, closes || exchange.closes),
            noHeaders,
            outcome.value.body,
          )
        : failure(exchange, outcome.failure, closes),
  };
}

const noHeaders: readonly Header[] = [];

function failureHeaders(failure: Failure<string>, allow: string | undefined): readonly Header[] {
  if (allow !== undefined) return [['Allow', allow]];
  if (failure.retryAfterSeconds !== undefined) return [['Retry-After', String(failure.retryAfterSeconds)]];
  return noHeaders;
}
