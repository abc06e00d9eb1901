// GET /readyz: whether this node can do its work now, and why not.
import type { Outcome } from '../core/http/contract.ts';
import { defineRoute } from '../core/http/route.ts';
import { ok } from '../core/result.ts';
import type { ApiContext } from './context.ts';
import type { ApiCode } from './failures.ts';

export const ready = defineRoute<ApiContext, ApiCode, null>({
  method: 'GET',
  path: '/readyz',
  access: 'public',
  takesBody: false,
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
