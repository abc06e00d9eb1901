// The real routes on dispatch over a node that holds peers, without a socket and outside of time: the same answer each time.
import { createMemoryDevice } from '../adapters/device/memory-device.ts';
import { createMemoryStore } from '../adapters/store/memory-store.ts';
import { parseCidr } from '../core/address.ts';
import { type Access, createAccess } from '../core/http/access.ts';
import { createDispatch, type Dispatch } from '../core/http/dispatch.ts';
import { createRequestIds } from '../core/http/request-id.ts';
import { createNode, type PeerNode } from '../core/node.ts';
import type { Clock, Log } from '../core/ports.ts';
import { service } from '../core/version.ts';
import type { ApiContext } from '../handlers/context.ts';
import { type ApiCode, apiFailures } from '../handlers/failures.ts';
import { KeptReply } from '../handlers/kept-reply.ts';
import { LastPage } from '../handlers/last-page.ts';
import { routes } from '../handlers/routes.ts';
import { TextBuffer } from '../handlers/text-buffer.ts';
import { createFakeClock } from '../test/fakes/clock.ts';
import { createFakeKeySource } from '../test/fakes/key-source.ts';
import { mustSucceed } from '../test/fixtures/outcome.ts';
import { peerFixtures, publicKeyFixture } from '../test/fixtures/peers.ts';

/** What all benchmarks send as `X-API-Key`. */
export const apiKey = 'benchmark-0123456789-0123456789-0123456789';

/** The networks of every node that is measured: room for 65,000 peers and more. */
export const subnets: readonly string[] = ['10.0.0.0/8', 'fd00::/64'];

export interface BenchApi {
  readonly dispatch: Dispatch;
  readonly access: Access;
  readonly node: PeerNode;
}

const silent = () => {};
const noLog: Log = { trace: silent, debug: silent, info: silent, warn: silent, error: silent, fatal: silent };

/** A node with peers number 0 to `count` - 1. `nodeSeen`: what the handlers get for it, if not the node itself. */
export async function createBenchApi(
  count: number,
  options: { readonly clock?: Clock; readonly nodeSeen?: (node: PeerNode) => PeerNode } = {},
): Promise<BenchApi> {
  const clock = options.clock ?? createFakeClock(Date.UTC(2027, 0, 1));
  const poolSubnets = subnets.map((text) => {
    const cidr = mustSucceed(parseCidr(text));
    return { cidr, serverIp: { family: cidr.family, value: cidr.base + 1n } };
  });
  const peers = new Map(peerFixtures(count).map((peer) => [peer.id, peer]));
  const node = createNode({
    device: createMemoryDevice({ clock, publicKey: publicKeyFixture('server') }),
    store: createMemoryStore({ peers, retired: [] }),
    keys: createFakeKeySource(),
    clock,
    log: noLog,
    subnets: poolSubnets,
    unknownPeers: 'remove',
  });
  mustSucceed(await node.start());
  const access = createAccess({
    apiKey,
    allowedIps: ['127.0.0.0/8'].map((text) => mustSucceed(parseCidr(text))),
    trustedProxies: [],
  });
  const dispatch = createDispatch<ApiContext, ApiCode>({
    routes,
    context: {
      node: options.nodeSeen?.(node) ?? node,
      nowMs: clock.nowMs,
      startedAtMs: clock.nowMs(),
      service,
      wireguard: {
        interface: 'wg0',
        listenPort: 51_820,
        subnets,
        serverIps: ['10.0.0.1', 'fd00::1'],
        addressFamilies: ['IPv4', 'IPv6'],
      },
      statsReply: new KeptReply(),
      lastPage: new LastPage(),
      buffer: new TextBuffer(),
      readApiDescription: async () => null,
      diagnose: async () => ({ ok: true, value: '{}' }),
    },
    failures: apiFailures,
    access,
    clock,
    requestIds: createRequestIds((bytes) => bytes.fill(0x5a)),
    log: noLog,
    debug: false,
    tls: false,
    onAnswered: null,
  });
  return { dispatch, access, node };
}
