// GET /readyz: whether this node can do its work now, and why not.
import * as v from 'valibot';
import type { Outcome } from '../core/http/contract.ts';
import { defineRoute } from '../core/http/route.ts';
import { ok } from '../core/result.ts';
import type { ApiContext } from './context.ts';
import type { ApiCode } from './failures.ts';
import { okSchema } from './schemas.ts';

const unhealthySchema = v.object({
  status: v.literal('unhealthy'),
  reason: v.picklist(['wireguard_unavailable', 'store_unavailable', 'shutting_down']),
});

export const ready = defineRoute<ApiContext, ApiCode, null>({
  method: 'GET',
  path: '/readyz',
  access: 'public',
  takesBody: false,
  description: {
    name: 'getReadiness',
    summary: 'Whether the node can do its work now',
    answers: {
      200: { details: 'It can.', schema: okSchema, example: { status: 'ok' } },
      503: {
        details: 'It can not, and why.',
        schema: unhealthySchema,
        example: { status: 'unhealthy', reason: 'wireguard_unavailable' },
      },
    },
    failures: [],
  },
  decode: () => ok(null),
  handle(_, context) {
    const settling = context.node.observer.settle();
    return settling === null ? answer(context) : settling.then(() => answer(context));
  },
});

function answer({ node }: ApiContext): Outcome<ApiCode> {
  const health = node.health();
  if (health === 'ok') return ok({ status: 200, body: '{"status":"ok"}' });
  return ok({ status: 503, body: `{"status":"unhealthy","reason":"${health}"}` });
}
