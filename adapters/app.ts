// What is plugged into what: from a configuration to a node that serves. Decides nothing by itself.
import { isDeepStrictEqual } from 'node:util';
import { formatAddress, formatCidr } from '../core/address.ts';
import type { Config } from '../core/config/config.ts';
import { type Access, type AccessSettings, createAccess } from '../core/http/access.ts';
import { type Answered, createDispatch } from '../core/http/dispatch.ts';
import { findListenFailure } from '../core/http/listen-failure.ts';
import { createRequestIds } from '../core/http/request-id.ts';
import { type Server, type ServerFailure, startServer } from '../core/http/server.ts';
import type { TlsPair } from '../core/http/tls.ts';
import { drainMs } from '../core/limits.ts';
import { createNode, type PeerNode } from '../core/node.ts';
import type { Clock, Device, Log, PeerStore } from '../core/ports.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { ApiContext } from '../handlers/context.ts';
import { type ApiCode, apiFailures } from '../handlers/failures.ts';
import { KeptReply } from '../handlers/kept-reply.ts';
import { routes } from '../handlers/routes.ts';
import { TextBuffer } from '../handlers/text-buffer.ts';
import { readApiDescription } from './api-description.ts';
import { createMemoryDevice } from './device/memory-device.ts';
import { createWgDevice } from './device/wg-cli.ts';
import { createFlock } from './disk/file-lock.ts';
import { createKeySource, fillRandom, generateKeyPair } from './keys.ts';
import { affordableConnections } from './open-files.ts';
import type { ReloadableServer } from './reload.ts';
import { createRunCommand } from './run-command.ts';
import { createFileStore } from './store/file-store.ts';
import { createMemoryStore } from './store/memory-store.ts';
import { readTlsFiles } from './tls-files.ts';
import { warningsOf } from './warnings.ts';

/** What a node is started from. */
export interface AppOptions {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  /** Logs every request and adds `detail` to error bodies. */
  readonly debug: boolean;
  readonly environment: {
    /** PATH to find `wg`, `ip` and `flock` in. */
    readonly path: string;
  };
  readonly service: { readonly name: string; readonly version: string };
}

/** A node that serves. */
export interface App extends ReloadableServer {
  /** The API's port. */
  readonly port: number;
  /** Drains the API, lets the writer end and gives store and device up; the interface stays as it is. */
  stop(): Promise<void>;
}

/** Why a node did not start, in one line for the terminal. Nothing of it is left running. */
export interface AppFailure {
  readonly message: string;
}

/** Starts a node on an interface that is up; where it is not, the node serves and waits for it. */
export async function startApp(options: AppOptions): Promise<Result<App, AppFailure>> {
  const { config, log, clock, debug } = options;
  const startedAtMs = clock.nowMs();
  for (const warning of warningsOf(config, debug)) log.warn({}, warning);
  const tls = config.server.tls === null ? ok(null) : readTlsFiles(config.server.tls);
  if (!tls.ok) return fail({ message: tls.failure.join('; ') });

  // Before the store and the device are touched: whoever listens there may be a node on the same interface.
  const taken = await findListenFailure(config.server.host, config.server.port);
  if (taken !== null) return fail({ message: taken.detail });

  const node = createNode({
    device: createDevice(options),
    store: createStore(options),
    keys: createKeySource(clock),
    clock,
    log,
    subnets: config.wireguard.subnets,
    unknownPeers: config.wireguard.unknownPeers,
  });
  const started = await node.start();
  if (!started.ok) {
    await node.stop();
    return fail({ message: started.failure.detail });
  }
  const access = createAccess(accessSettings(config));
  const server = await serve(options, { node, access, startedAtMs, tls: tls.value });
  if (!server.ok) {
    await node.stop();
    return fail({ message: server.failure.detail });
  }
  return ok({
    port: server.value.port,
    reload: createServerReload(server.value, access, tls.value),
    async stop() {
      await server.value.drain(drainMs);
      await node.stop();
    },
  });
}

interface Served {
  readonly node: PeerNode;
  readonly access: Access;
  readonly startedAtMs: number;
  readonly tls: TlsPair | null;
}

function serve(
  options: AppOptions,
  { node, access, startedAtMs, tls }: Served,
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
  });
  const connectionsMax = affordableConnections();
  return startServer({ host, port, tls, dispatch, access, clock, log, connectionsMax });
}

function accessSettings({ auth, server }: Config): AccessSettings {
  return { apiKey: auth.apiKey, allowedIps: server.allowedIps, trustedProxies: server.trustedProxies };
}

function createServerReload(server: Server, access: Access, startedWith: TlsPair | null): App['reload'] {
  let current = startedWith;
  return (config) => {
    // To begin or end with TLS takes a restart.
    const wanted = current === null ? null : config.server.tls;
    const tls = wanted === null ? ok(current) : readTlsFiles(wanted);
    if (!tls.ok) return tls;
    const certificate = !isDeepStrictEqual(tls.value, current);
    if (certificate && tls.value !== null) {
      const replaced = server.replaceCertificate(tls.value);
      if (!replaced.ok) return fail([replaced.failure.detail]);
    }
    current = tls.value;
    access.replace(accessSettings(config));
    return ok({ certificate });
  };
}

function describeNode(
  { config, log, clock, service }: AppOptions,
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
    buffer: new TextBuffer(),
    readApiDescription: () => readApiDescription(log),
  };
}

function createDevice({ config, log, clock, environment }: AppOptions): Device {
  const { backend, interface: interfaceName, listenPort } = config.wireguard;
  if (backend === 'memory') {
    return createMemoryDevice({ clock, publicKey: generateKeyPair().publicKey, listenPort });
  }
  return createWgDevice({
    interfaceName,
    surroundings: { shell: ['/bin/sh'], path: environment.path, clock },
    log,
  });
}

function createStore({ config, log, environment }: AppOptions): PeerStore {
  const path = config.wireguard.peerStoreFile;
  if (path === null) return createMemoryStore();
  return createFileStore(path, { log, lock: createFlock(createRunCommand({ PATH: environment.path })) });
}
