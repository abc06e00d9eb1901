// GET /healthz: the process is up.
import { defineRoute } from '../core/http/route.ts';
import { ok } from '../core/result.ts';
import type { ApiContext } from './context.ts';
import type { ApiCode } from './failures.ts';
import { okSchema } from './schemas.ts';

const alive = ok({ status: 200, body: Buffer.from('{"status":"ok"}') } as const);

export const health = defineRoute<ApiContext, ApiCode, null>({
  method: 'GET',
  path: '/healthz',
  access: 'public',
  takesBody: false,
  description: {
    name: 'getHealth',
    summary: 'Whether the process is up',
    answers: { 200: { details: 'It is up.', schema: okSchema, example: { status: 'ok' } } },
    failures: [],
  },
  decode: () => ok(null),
  handle: () => alive,
});
