// The metrics listener: GET /metrics behind a bearer token, on the same HTTP server as the API's, with routes of its own.
import type { Config } from '../../core/config/config.ts';
import { createAccess } from '../../core/http/access.ts';
import { createDispatch } from '../../core/http/dispatch.ts';
import { type HttpCode, httpFailures } from '../../core/http/failures.ts';
import type { RequestIds } from '../../core/http/request-id.ts';
import type { Route } from '../../core/http/route.ts';
import { type Server, type ServerFailure, startServer } from '../../core/http/server.ts';
import type { TlsPair } from '../../core/http/tls.ts';
import { metricsConnectionsMax, scrapeSettleMs } from '../../core/limits.ts';
import type { PeerNode } from '../../core/node.ts';
import type { Entry } from '../../core/peers/entry.ts';
import type { Clock, Log } from '../../core/ports.ts';
import { ok, type Result } from '../../core/result.ts';
import { createFamilies, type MetricSources } from './families.ts';
import { watchLoopDelay } from './loop-delay.ts';
import { chooseBusiest, renderPeerSeries } from './peer-series.ts';
import { createProcessFamilies } from './process-families.ts';
import { createRegistry, metricsType } from './registry.ts';

export interface MetricsListenerOptions {
  readonly settings: NonNullable<Config['metrics']>;
  /** As for the API. */
  readonly host: string | null;
  readonly tls: TlsPair | null;
  readonly sources: MetricSources;
  /** When the process started, milliseconds since the Unix epoch. */
  readonly startedAtMs: number;
  readonly requestIds: RequestIds;
  readonly clock: Clock;
  readonly log: Log;
  readonly debug: boolean;
}

/** What the one route answers from. */
interface Scrape {
  readonly node: PeerNode;
  readonly clock: Clock;
  /** All but the series of peers. */
  readonly renderFamilies: () => Promise<string>;
  /** Null: peers have no series. */
  readonly perPeerMax: number | null;
}

/** Starts to watch the process and serves what is found. Once in a process. */
export function startMetricsListener(
  options: MetricsListenerOptions,
): Promise<Result<Server, ServerFailure>> {
  const { settings, host, tls, sources, startedAtMs, requestIds, clock, log, debug } = options;
  // Whoever holds the token may read from anywhere: Prometheus is hardly ever where the orchestrator is.
  const access = createAccess({ apiKey: settings.token, allowedIps: null, trustedProxies: [] });
  const dispatch = createDispatch<Scrape, HttpCode>({
    routes: [metricsRoute],
    context: {
      node: sources.node,
      clock,
      renderFamilies: createRegistry([
        ...createFamilies(sources),
        ...createProcessFamilies({ startedAtMs, readLoopDelay: watchLoopDelay() }),
      ]),
      perPeerMax: settings.perPeer ? settings.perPeerMax : null,
    },
    failures: {
      ...httpFailures,
      unauthorized: { status: 401, sentence: 'The bearer token is missing or wrong.' },
    },
    access,
    clock,
    requestIds,
    log,
    debug,
    tls: tls !== null,
    onAnswered: null,
    keyScheme: 'bearer',
    contentType: metricsType,
  });
  return startServer({
    host,
    port: settings.port,
    tls,
    dispatch,
    access,
    clock,
    log,
    connectionsMax: metricsConnectionsMax,
  });
}

const metricsRoute: Route<Scrape, HttpCode> = {
  method: 'GET',
  path: '/metrics',
  access: 'key',
  takesBody: false,
  async run(_, { node, clock, renderFamilies, perPeerMax }) {
    await settleSoon(node, clock);
    const text = await renderFamilies();
    if (perPeerMax === null) return ok({ status: 200, body: text });
    const all = node.table.page(0, node.table.size);
    const shown = await chooseBusiest(all, perPeerMax, () => new Promise(clock.soon));
    return ok({ status: 200, body: joinSeries(text, shown, all.length - shown.length) });
  },
};

/** Waits for a fresh look at the device, but not for one that hangs: that is when metrics are wanted most. */
function settleSoon({ observer }: PeerNode, clock: Clock): Promise<void> | null {
  const settling = observer.settle();
  if (settling === null) return null;
  return new Promise((resolve) => {
    const cancel = clock.after(scrapeSettleMs, resolve);
    void settling.then(() => {
      cancel();
      resolve();
    });
  });
}

function* joinSeries(text: string, peers: readonly Entry[], omitted: number): Iterable<string> {
  yield text;
  yield* renderPeerSeries(peers, omitted);
}
