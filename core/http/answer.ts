// Outcomes and failures to responses: which head, which headers, which body. Knows the table of failures; sends nothing.
import type { Failure, FailureTable, Header, Outcome, Response } from './contract.ts';
import type { Exchange } from './exchange.ts';
import { createHeads, renderError } from './render.ts';

/** Makes responses. `closes`: the connection ends with this answer, whatever the request wanted. */
export interface Answers<Code extends string> {
  outcome(exchange: Exchange, outcome: Outcome<Code>, closes: boolean): Response;
  failure(exchange: Exchange, failure: Failure<Code>, closes: boolean, allow?: string): Response;
}

/** Prepares answers for one table of failures. `debug`: details are sent; `tls`: browsers are told to come by HTTPS only. */
export function createAnswers<Code extends string>(
  failures: FailureTable<Code>,
  settings: { readonly debug: boolean; readonly tls: boolean },
): Answers<Code> {
  const heads = createHeads(settings.tls);
  const respond = (
    exchange: Exchange,
    status: number,
    headers: readonly Header[],
    body: Response['body'],
    closes: boolean,
  ): Response => ({
    kind: 'response',
    head: heads.of(status, closes || exchange.closes),
    requestId: exchange.id,
    headers,
    body,
    sendsBody: exchange.method !== 'HEAD',
  });
  const failure: Answers<Code>['failure'] = (exchange, failed, closes, allow) => {
    const meaning = failures[failed.code];
    const body = renderError(failed, meaning, settings.debug);
    return respond(exchange, meaning.status, failureHeaders(failed, allow), body, closes);
  };
  return {
    failure,
    outcome: (exchange, outcome, closes) =>
      outcome.ok
        ? respond(exchange, outcome.value.status, noHeaders, outcome.value.body, closes)
        : failure(exchange, outcome.failure, closes),
  };
}

const noHeaders: readonly Header[] = [];

function failureHeaders(failure: Failure<string>, allow: string | undefined): readonly Header[] {
  if (allow !== undefined) return [['Allow', allow]];
  if (failure.retryAfterSeconds !== undefined) return [['Retry-After', String(failure.retryAfterSeconds)]];
  return noHeaders;
}
