// What a route is: method, template, who may call it, how its input is decoded and what answers it.
import type { Result } from '../result.ts';
import type { Failure, Outcome, RawInput } from './contract.ts';
import type { OperationDescription } from './description.ts';

/** One operation as a caller finds it. */
export interface Route<Context, Code extends string> {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** In find-my-way's syntax, without a trailing slash: `/peers/:peerId`. */
  readonly path: string;
  /** `public`: a probe, that needs no key and is held back by neither allowlist nor rate limit. */
  readonly access: 'public' | 'key';
  /** Whether a JSON body is read and handed on. Without one, a body that comes is read and dropped. */
  readonly takesBody: boolean;
  /** Decodes and answers. Never throws and never rejects; stays synchronous where it needs no waiting. */
  readonly run: (raw: RawInput, context: Context) => Outcome<Code> | Promise<Outcome<Code>>;
}

/** A route that tells its callers about itself. */
export interface DescribedRoute<Context, Code extends string> extends Route<Context, Code> {
  readonly description: OperationDescription<Code>;
}

/** Joins a decoder and a handler into a route: what the decoder refuses never reaches the handler. */
export function defineRoute<Context, Code extends string, Input>(definition: {
  readonly method: Route<Context, Code>['method'];
  readonly path: string;
  readonly access: Route<Context, Code>['access'];
  readonly takesBody: boolean;
  readonly description: OperationDescription<Code>;
  readonly decode: (raw: RawInput, context: Context) => Result<Input, Failure<Code>>;
  readonly handle: (input: Input, context: Context) => Outcome<Code> | Promise<Outcome<Code>>;
}): DescribedRoute<Context, Code> {
  const { decode, handle, ...rest } = definition;
  return {
    ...rest,
    run(raw, context) {
      const input = decode(raw, context);
      return input.ok ? handle(input.value, context) : input;
    },
  };
}
