// GET /stats: what this node is and how full it is.
import * as v from 'valibot';
import type { Outcome } from '../core/http/contract.ts';
import { defineRoute } from '../core/http/route.ts';
import { fail, ok } from '../core/result.ts';
import { formatTimestamp } from '../core/timestamp.ts';
import type { ApiContext } from './context.ts';
import type { ApiCode } from './failures.ts';
import { countSchema, familySchema, momentSchema, udpPortSchema } from './schemas.ts';

/** What `renderStats` writes. */
export const statsSchema = v.object({
  service: v.object({ name: v.string(), version: v.string() }),
  wireguard: v.object({
    interface: v.string(),
    listenPort: udpPortSchema('Where the interface listens for its peers, UDP.'),
    subnets: v.pipe(v.array(v.string()), v.description('What peers get their addresses from, IPv4 first.')),
    serverIps: v.pipe(v.array(v.string()), v.description("The node's own address in each subnet.")),
    addressFamilies: v.array(familySchema),
  }),
  peers: v.object({
    possible: countSchema('How many peers the node can hold: those of the smaller subnet, where it has two.'),
    issued: countSchema('How many it holds.'),
    active: countSchema('How many of these had a handshake within the last 190 seconds.'),
  }),
  startedAt: momentSchema('When the process started.'),
});

const example = {
  service: { name: 'wgkeeper-node', version: '2.0.0' },
  wireguard: {
    interface: 'wg0',
    listenPort: 51_820,
    subnets: ['10.0.0.0/24', 'fd00::/112'],
    serverIps: ['10.0.0.1', 'fd00::1'],
    addressFamilies: ['IPv4', 'IPv6'],
  },
  peers: { possible: 253, issued: 0, active: 0 },
  startedAt: '2026-02-02T00:06:06Z',
};

export const stats = defineRoute<ApiContext, ApiCode, null>({
  method: 'GET',
  path: '/stats',
  access: 'key',
  takesBody: false,
  description: {
    name: 'getStats',
    summary: 'What this node is and how full it is',
    answers: { 200: { details: 'The node and its counts.', schema: statsSchema, example } },
    failures: ['stats_unavailable'],
  },
  decode: () => ok(null),
  handle(_, context) {
    const settling = context.node.observer.settle();
    return settling === null ? answer(context) : settling.then(() => answer(context));
  },
});

function answer(context: ApiContext): Outcome<ApiCode> {
  const { node, statsReply } = context;
  if (!node.observer.readable()) return fail({ code: 'stats_unavailable' });
  return ok({ status: 200, body: statsReply.get(node.table.revision, () => renderStats(context)) });
}

function renderStats({ node, service, wireguard, startedAtMs }: ApiContext): string {
  return JSON.stringify({
    service: { name: service.name, version: service.version },
    wireguard: {
      interface: wireguard.interface,
      listenPort: node.observer.listenPort() ?? wireguard.listenPort,
      subnets: wireguard.subnets,
      serverIps: wireguard.serverIps,
      addressFamilies: wireguard.addressFamilies,
    },
    peers: { possible: node.pools.possible, issued: node.table.size, active: node.table.active },
    startedAt: formatTimestamp(startedAtMs),
  });
}
