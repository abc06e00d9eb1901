// The metrics listener: GET /metrics behind a bearer token, on the same HTTP server as the API's, with routes of its own.
import type { Config } from '../../core/config/config.ts';
import { createAccess } from '../../core/http/access.ts';
import { type Answered, createDispatch } from '../../core/http/dispatch.ts';
import { type HttpCode, httpFailures } from '../../core/http/failures.ts';
import type { RequestIds } from '../../core/http/request-id.ts';
import { type Server, type ServerFailure, startServer } from '../../core/http/server.ts';
import type { TlsPair } from '../../core/http/tls.ts';
import { metricsConnectionsMax } from '../../core/limits.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { Result } from '../../core/result.ts';
import { createFamilies, type MetricSources } from './families.ts';
import { watchLoopDelay } from './loop-delay.ts';
import { createProcessFamilies } from './process-families.ts';
import { createRegistry, metricsType } from './registry.ts';
import { type ScrapeContext, scrape } from './scrape.ts';

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

/** Starts to watch the process and serves what is found. Once in a process. */
export function startMetricsListener(
  options: MetricsListenerOptions,
): Promise<Result<Server, ServerFailure>> {
  const { settings, host, tls, sources, startedAtMs, requestIds, clock, log, debug } = options;
  // Whoever holds the token may read from anywhere: Prometheus is hardly ever where the orchestrator is.
  const access = createAccess({ apiKey: settings.token, allowedIps: null, trustedProxies: [] });
  const dispatch = createDispatch<ScrapeContext, HttpCode>({
    routes: [scrape],
    context: {
      table: sources.node.table,
      observer: sources.node.observer,
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
    onAnswered: debug ? (answered: Answered) => log.debug({ ...answered }, 'request') : null,
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
