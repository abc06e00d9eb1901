// From a plain request to a plain response: route, limit, authorise, read the body, run, render. No socket; never throws, never rejects.
import { describeBug } from '../hide-keys.ts';
import { bodyBytesMax, requestDeadlineMs } from '../limits.ts';
import type { Clock, Log } from '../ports.ts';
import type { Access } from './access.ts';
import { createAdmission } from './admission.ts';
import { createAnswers } from './answer.ts';
import type { KeyScheme } from './auth.ts';
import { parseJsonBody } from './body.ts';
import {
  type Failure,
  type FailureTable,
  jsonType,
  type Outcome,
  type RequestHead,
  type Response,
} from './contract.ts';
import { Exchange } from './exchange.ts';
import type { HttpCode } from './failures.ts';
import type { HttpCounts } from './http-counts.ts';
import { createRefusalLog } from './refusal-log.ts';
import type { RequestIds } from './request-id.ts';
import type { Route } from './route.ts';
import { createRouter } from './router.ts';

/** Everything that answers requests of one API. */
export interface DispatchOptions<Context, Code extends string> {
  readonly routes: readonly Route<Context, Code>[];
  /** Handed to every route. */
  readonly context: Context;
  readonly failures: FailureTable<Code | HttpCode>;
  readonly access: Access;
  readonly clock: Clock;
  readonly requestIds: RequestIds;
  readonly log: Log;
  /** Error bodies carry `detail`. */
  readonly debug: boolean;
  /** Answers carry `Strict-Transport-Security`. */
  readonly tls: boolean;
  /** Told of every answer; null: nobody is, and nothing is measured. Must not throw. */
  readonly onAnswered: ((answered: Answered) => void) | null;
  /** Where requests carry their key. Unless given: `x-api-key`. */
  readonly keyScheme?: KeyScheme;
  /** The content type of good answers; errors are JSON in any case. Unless given: JSON. */
  readonly contentType?: string;
  /** Made for the same routes; unless given, nothing is counted. */
  readonly counts?: HttpCounts;
}

/** One answered request, for logs and counters. */
export interface Answered {
  readonly method: string;
  /** The route's template; null: none was found. */
  readonly route: string | null;
  readonly status: number;
  readonly requestId: string;
  /** From the head's arrival to the finished answer, before it is sent. */
  readonly durationMs: number;
}

/** A request that nothing in its head speaks against. */
export interface Admitted {
  readonly kind: 'admitted';
  /** Whether the body is to be read first. */
  readonly takesBody: boolean;
  /** Runs the operation, once; `body` is whole, or null where none is taken. */
  finish(body: Uint8Array | null): Response | Promise<Response>;
  /** Answers instead of running it. */
  refuse(failure: Failure<HttpCode>): Response;
}

/** How an exchange may go on. */
interface Steps<SomeRoute> {
  run(exchange: Exchange, route: SomeRoute, body: Uint8Array | null): Response | Promise<Response>;
  refuse(
    exchange: Exchange,
    failure: Failure<HttpCode>,
    allow: string | undefined,
    route: SomeRoute,
  ): Response;
}

/** One small object a request, without closures: there is one for every read. */
class AdmittedExchange<SomeRoute extends { readonly takesBody: boolean }> implements Admitted {
  readonly kind = 'admitted';
  readonly #exchange: Exchange;
  readonly #route: SomeRoute;
  readonly #steps: Steps<SomeRoute>;

  constructor(exchange: Exchange, route: SomeRoute, steps: Steps<SomeRoute>) {
    this.#exchange = exchange;
    this.#route = route;
    this.#steps = steps;
  }

  get takesBody(): boolean {
    return this.#route.takesBody;
  }

  finish(body: Uint8Array | null): Response | Promise<Response> {
    return this.#steps.run(this.#exchange, this.#route, body);
  }

  refuse(failure: Failure<HttpCode>): Response {
    return this.#steps.refuse(this.#exchange, failure, undefined, this.#route);
  }
}

/** Answers requests. */
export interface Dispatch {
  /** Where the key is to be read from. */
  readonly keyScheme: KeyScheme;
  /** For those in front of it to count on, too; null: nothing is counted. */
  readonly counts: HttpCounts | null;
  /** Decides everything that needs no body. The head may change as soon as this, or a `finish` right after it, has returned. */
  admit(head: RequestHead): Response | Admitted;
  /** Both steps in one, for callers that have the whole request. */
  handle(head: RequestHead, body: Uint8Array | null): Response | Promise<Response>;
  /** From now on operations that need a key are refused with `shutting_down`, and every answer ends its connection. */
  drain(): void;
}

/** Builds dispatch. */
export function createDispatch<Context, Code extends string>(
  options: DispatchOptions<Context, Code>,
): Dispatch {
  const { access, clock, log, onAnswered, keyScheme = 'x-api-key', counts = null } = options;
  const find = createRouter(options.routes);
  const check = createAdmission(access, clock);
  const answers = createAnswers<Code | HttpCode>(options.failures, {
    ...options,
    keyScheme,
    contentType: options.contentType ?? jsonType,
  });
  const noteRefusal = createRefusalLog(log, clock, 'request');
  let draining = false;

  const admit = (head: RequestHead): Response | Admitted => {
    const startedMs = onAnswered === null ? 0 : clock.monotonicMs();
    const exchange = new Exchange(head, options.requestIds.accept(head.requestId), access, startedMs);
    const match = find(head.path);
    const route = match?.resource.operations.get(head.method);
    const failure = check(head, exchange, { exists: match !== null, operation: route }, draining);
    if (failure !== null || match === null || route === undefined) {
      return refuse(exchange, failure ?? { code: 'not_found' }, match?.resource.allow, route);
    }
    exchange.params = match.params;
    // The body comes when the native request is gone, and the client is wanted for audit lines.
    if (route.takesBody) exchange.releaseHead(true);
    return new AdmittedExchange(exchange, route, steps);
  };

  const note = (exchange: Exchange, code: Code | HttpCode): void =>
    noteRefusal(code, () => ({
      requestId: exchange.requestId,
      method: exchange.method.slice(0, 16),
      path: exchange.path.slice(0, 128),
      client: exchange.clientAddress(),
    }));

  const refuse = (
    exchange: Exchange,
    failure: Failure<HttpCode>,
    allow: string | undefined,
    route: Route<Context, Code> | undefined,
  ): Response => {
    note(exchange, failure.code);
    counts?.refused(failure.code);
    const allowed = failure.code === 'method_not_allowed' ? allow : undefined;
    return answered(exchange, route, answers.failure(exchange, failure, draining, allowed));
  };

  const run = (
    exchange: Exchange,
    route: Route<Context, Code>,
    body: Uint8Array | null,
  ): Response | Promise<Response> => {
    if (route.takesBody) {
      const bytes = body ?? new Uint8Array();
      if (bytes.byteLength > bodyBytesMax)
        return refuse(exchange, { code: 'body_too_large' }, undefined, route);
      const parsed = parseJsonBody(bytes);
      if ('problem' in parsed) {
        return refuse(exchange, { code: 'invalid_json', detail: parsed.problem }, undefined, route);
      }
      exchange.body = parsed.value;
    }
    let outcome: Outcome<Code> | Promise<Outcome<Code>>;
    try {
      outcome = route.run(exchange, options.context);
    } catch (bug) {
      return crashed(exchange, route, bug);
    }
    if (outcome instanceof Promise) {
      exchange.releaseHead(true);
      return runLater(exchange, route, outcome);
    }
    const response = conclude(exchange, route, outcome);
    exchange.releaseHead(false);
    return response;
  };

  const conclude = (exchange: Exchange, route: Route<Context, Code>, outcome: Outcome<Code>): Response => {
    // That something is not there is an answer like others.
    if (!outcome.ok && options.failures[outcome.failure.code].status !== 404)
      note(exchange, outcome.failure.code);
    return answered(exchange, route, answers.outcome(exchange, outcome, draining));
  };

  const runLater = (
    exchange: Exchange,
    route: Route<Context, Code>,
    outcome: Promise<Outcome<Code>>,
  ): Promise<Response> =>
    new Promise((resolve) => {
      let late = false;
      const cancel = clock.after(requestDeadlineMs, () => {
        late = true;
        const failure = { code: 'deadline_exceeded' } as const;
        note(exchange, failure.code);
        resolve(answered(exchange, route, answers.failure(exchange, failure, draining)));
      });
      const settle = (respond: () => Response) => {
        cancel();
        if (!late) resolve(respond());
      };
      outcome.then(
        (settled) => settle(() => conclude(exchange, route, settled)),
        (bug: unknown) => settle(() => crashed(exchange, route, bug)),
      );
    });

  const crashed = (exchange: Exchange, route: Route<Context, Code>, bug: unknown): Response => {
    log.error(
      { requestId: exchange.requestId, route: route.path, trace: describeBug(bug) },
      'an operation failed: this is a bug',
    );
    return answered(exchange, route, answers.failure(exchange, { code: 'internal_error' }, draining));
  };

  const answered = (
    exchange: Exchange,
    route: Route<Context, Code> | undefined,
    response: Response,
  ): Response => {
    counts?.answered(route, exchange.method, response.head.status);
    onAnswered?.({
      method: exchange.method,
      route: route?.path ?? null,
      status: response.head.status,
      requestId: exchange.requestId,
      durationMs: clock.monotonicMs() - exchange.startedMs,
    });
    return response;
  };

  const steps: Steps<Route<Context, Code>> = { run, refuse };

  return {
    keyScheme,
    counts,
    admit,
    handle(head, body) {
      const admitted = admit(head);
      return admitted.kind === 'response' ? admitted : admitted.finish(body);
    },
    drain() {
      draining = true;
    },
  };
}
