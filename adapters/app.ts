// What is plugged into what: from a configuration to a node that serves. Decides nothing by itself.
import { formatAddress, formatCidr } from '../core/address.ts';
import type { Config } from '../core/config/config.ts';
import { count } from '../core/count.ts';
import { shareDiagnosis } from '../core/doctor/shared-diagnosis.ts';
import { type Access, createAccess } from '../core/http/access.ts';
import { type Answered, createDispatch } from '../core/http/dispatch.ts';
import { createRequestIds } from '../core/http/request-id.ts';
import { type Server, type ServerFailure, startServer } from '../core/http/server.ts';
import type { TlsPair } from '../core/http/tls.ts';
import { drainMs } from '../core/limits.ts';
import { createNode, type PeerNode } from '../core/node.ts';
import type { Clock, Log } from '../core/ports.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { ApiContext } from '../handlers/context.ts';
import { type ApiCode, apiFailures } from '../handlers/failures.ts';
import { KeptReply } from '../handlers/kept-reply.ts';
import { LastPage } from '../handlers/last-page.ts';
import { routes } from '../handlers/routes.ts';
import { TextBuffer } from '../handlers/text-buffer.ts';
import { readApiDescription } from './api-description.ts';
import type { KeptDump } from './device/kept-dump.ts';
import { createKeySource, fillRandom } from './keys.ts';
import { affordableConnections } from './open-files.ts';
import { type Counted, createParts } from './parts.ts';
import type { ReloadableServer } from './reload.ts';
import { accessSettings, createServerReload } from './server-reload.ts';
import type { Condition } from './supervisor.ts';
import { readTlsFiles } from './tls-files.ts';
import { warningsOf } from './warnings.ts';

/** What a node is started from. */
export interface AppOptions {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  /** Logs every request and adds `detail` to error bodies. */
  readonly debug: boolean;
  /** A dump of the interface, if one was read before. */
  readonly keptDump?: KeptDump;
  readonly environment: {
    /** PATH to find `wg`, `ip` and `flock` in. */
    readonly path: string;
  };
  readonly service: { readonly name: string; readonly version: string };
  /** Looks at the whole host, each time it is called. */
  readonly diagnose: ApiContext['diagnose'];
}

/** A node that serves. */
export interface App extends ReloadableServer {
  /** The API's port. */
  readonly port: number;
  condition(): Condition;
  /** Drains the API, lets the writer end and gives store and device up; the interface stays as it is. */
  stop(): Promise<void>;
}

/** Why a node did not start, in one line for the terminal. Nothing of it is left running. */
export interface AppFailure {
  readonly message: string;
}

/**
 * Starts a node on an interface that is up; where it is not, the node serves and waits for it. That `findStartProblems`
 * found none is to be known before: whoever has the port may be a node on the same store.
 */
export async function startApp(options: AppOptions): Promise<Result<App, AppFailure>> {
  const { config, log, clock, debug } = options;
  const startedAtMs = clock.nowMs();
  for (const warning of warningsOf(config, debug)) log.warn({}, warning);
  const tls = config.server.tls === null ? ok(null) : readTlsFiles(config.server.tls);
  if (!tls.ok) return fail({ message: tls.failure.join('; ') });
  const { device, store, counted } = createParts(options);
  const node = createNode({
    device,
    store,
    keys: createKeySource(clock),
    clock,
    log,
    subnets: config.wireguard.subnets,
    unknownPeers: config.wireguard.unknownPeers,
  });
  const started = await node.start();
  if (!started.ok) return giveUp(node, started.failure);
  const access = createAccess(accessSettings(config));
  const served = { node, access, startedAtMs, tls: tls.value, counted };
  // Before the API, so that whoever is answered there finds this one too.
  const metrics = await serveMetrics(options, served);
  if (!metrics.ok) return giveUp(node, metrics.failure);
  const server = await serve(options, served);
  if (!server.ok) {
    metrics.value?.close();
    return giveUp(node, server.failure);
  }
  const servers = metrics.value === null ? [server.value] : [server.value, metrics.value];
  return ok({
    port: server.value.port,
    reload: createServerReload(servers, access, tls.value),
    condition: () => ({
      alive: node.alive(),
      status: [
        node.health(),
        count(node.table.size, 'peer'),
        count(server.value.connections(), 'connection'),
      ].join(', '),
    }),
    async stop() {
      node.announceStop();
      await Promise.all(servers.map((one) => one.drain(drainMs)));
      await node.stop();
    },
  });
}

async function giveUp(
  node: PeerNode,
  { detail }: { readonly detail: string },
): Promise<Result<never, AppFailure>> {
  await node.stop();
  return fail({ message: detail });
}

interface Served {
  readonly node: PeerNode;
  /** To the API. */
  readonly access: Access;
  readonly startedAtMs: number;
  readonly tls: TlsPair | null;
  readonly counted: Counted | null;
}

function serve(
  options: AppOptions,
  { node, access, startedAtMs, tls, counted }: Served,
): Promise<Result<Server, ServerFailure>> {
  const { config, log, clock, debug } = options;
  const { host, port } = config.server;
  const dispatch = createDispatch<ApiContext, ApiCode>({
    routes,
    context: describeNode(options, node, startedAtMs),
    failures: apiFailures,
    access,
    clock,
    requestIds: createRequestIds(fillRandom),
    log,
    debug,
    tls: tls !== null,
    onAnswered: debug ? (answered: Answered) => log.debug({ ...answered }, 'request') : null,
    ...(counted !== null && { counts: counted.http }),
  });
  const connectionsMax = affordableConnections();
  return startServer({ host, port, tls, dispatch, access, clock, log, connectionsMax });
}

/** Null: metrics are not wanted, and nothing of theirs is loaded. */
async function serveMetrics(
  { config, log, clock, debug, service }: AppOptions,
  { node, startedAtMs, tls, counted }: Served,
): Promise<Result<Server | null, ServerFailure>> {
  if (config.metrics === null || counted === null) return ok(null);
  const { startMetricsListener } = await import('./metrics/listener.ts');
  const listener = await startMetricsListener({
    settings: config.metrics,
    host: config.server.host,
    tls,
    sources: { ...counted, service, node },
    startedAtMs,
    requestIds: createRequestIds(fillRandom),
    clock,
    log,
    debug,
  });
  if (listener.ok) log.info({ port: config.metrics.port, tls: tls !== null }, 'metrics are served');
  return listener;
}

function describeNode(
  { config, log, clock, service, diagnose }: AppOptions,
  node: PeerNode,
  startedAtMs: number,
): ApiContext {
  const { subnets, listenPort, interface: name } = config.wireguard;
  return {
    node,
    nowMs: clock.nowMs,
    startedAtMs,
    service,
    wireguard: {
      interface: name,
      listenPort,
      subnets: subnets.map((subnet) => formatCidr(subnet.cidr)),
      serverIps: subnets.map((subnet) => formatAddress(subnet.serverIp)),
      addressFamilies: subnets.map((subnet) => subnet.cidr.family),
    },
    statsReply: new KeptReply(),
    lastPage: new LastPage(),
    buffer: new TextBuffer(),
    readApiDescription: () => readApiDescription(log),
    diagnose: shareDiagnosis(diagnose, clock),
  };
}
