// GET /stats: what this node is and how full it is.
import type { Outcome } from '../core/http/contract.ts';
import { defineRoute } from '../core/http/route.ts';
import { fail, ok } from '../core/result.ts';
import { formatTimestamp } from '../core/timestamp.ts';
import type { ApiContext } from './context.ts';
import type { ApiCode } from './failures.ts';

export const stats = defineRoute<ApiContext, ApiCode, null>({
  method: 'GET',
  path: '/stats',
  access: 'key',
  takesBody: false,
  decode: () => ok(null),
  handle(_, context) {
    const settling = context.node.observer.settle();
    return settling === null ? answer(context) : settling.then(() => answer(context));
  },
});

function answer(context: ApiContext): Outcome<ApiCode> {
  const { node, replies } = context;
  if (!node.observer.readable()) return fail({ code: 'stats_unavailable' });
  return ok({ status: 200, body: replies.get(node.table.revision, 'stats', () => renderStats(context)) });
}

function renderStats({ node, service, wireguard, startedAtMs }: ApiContext): string {
  return JSON.stringify({
    service: { name: service.name, version: service.version },
    wireguard: {
      interface: wireguard.interface,
      listenPort: wireguard.listenPort,
      subnets: wireguard.subnets,
      serverIps: wireguard.serverIps,
      addressFamilies: wireguard.addressFamilies,
    },
    peers: { possible: node.pools.possible, issued: node.table.size, active: node.table.active },
    startedAt: formatTimestamp(startedAtMs),
  });
}
