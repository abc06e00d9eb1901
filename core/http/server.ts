// The socket side of HTTP: loads the native server, listens, counts connections, and stops. Sees no request.
import { drainGraceMs, headBytesMax } from '../limits.ts';
import type { Clock, Log } from '../ports.ts';
import { fail, ok, type Result } from '../result.ts';
import type { Access } from './access.ts';
import { Connections } from './connections.ts';
import type { Dispatch } from './dispatch.ts';
import { findListenFailure, type ListenFailure } from './listen-failure.ts';
import type { Native, NativeApp, NativeListenSocket, NativeResponse } from './native.ts';
import { createReceiver, type Receiver } from './receiver.ts';
import { createRefusalLog } from './refusal-log.ts';
import type { TlsPair } from './tls.ts';
import {
  type CertificateFailure,
  createTlsPort,
  type LoadedCertificate,
  type PortEvents,
} from './tls-port.ts';

/** What the environment must say before the first server is started: the native module reads it once, when it is loaded. */
export const nativeEnvironment = { UWS_HTTP_MAX_HEADERS_SIZE: String(headBytesMax) } as const;

export interface ServerOptions {
  /** An address; null: every address, IPv4 and IPv6. */
  readonly host: string | null;
  /** TCP; 0: any free one. */
  readonly port: number;
  /** Null: plain HTTP. */
  readonly tls: TlsPair | null;
  readonly dispatch: Dispatch;
  /** The same that `dispatch` asks. */
  readonly access: Access;
  readonly clock: Clock;
  readonly log: Log;
  /** Connections at once; one more is closed as it comes. Well under the limit of open files, at which the native server spins. */
  readonly connectionsMax: number;
}

/**
 * Why a server did not start; nothing is left behind.
 * - `native_module`: the HTTP library has no build for this Node.js or C library.
 * - `address_in_use`, `address_not_available`, `no_permission`, `listen_failed`: the port can't be had.
 * - the rest: as `CertificateFailure` has them.
 */
export interface ServerFailure {
  readonly code: 'native_module' | ListenFailure['code'] | CertificateFailure['code'];
  /** One line for the terminal. */
  readonly detail: string;
}

/** A server that listens. */
export interface Server {
  /** The port that it listens on. */
  readonly port: number;
  /** Connections open now. */
  connections(): number;
  /** See `TlsPort`. Of a server without TLS it throws. */
  loadCertificate(pair: TlsPair): Result<LoadedCertificate, CertificateFailure>;
  /** Takes no more connections, lets requests under way finish and closes all connections, at the latest after `deadlineMs`. Asked again it waits for the same. */
  drain(deadlineMs: number): Promise<void>;
  /** Closes everything at once. */
  close(): void;
}

/** Starts a server. */
export async function startServer(options: ServerOptions): Promise<Result<Server, ServerFailure>> {
  const native = await loadNative();
  if (native === null) return failure('native_module', nativeModuleNeeds);
  const watch = { changed: () => {} };
  const connections = new Connections(options.access, options.connectionsMax);
  const receiver = createReceiver({ ...options, connections, onEnded: () => watch.changed() });
  const noteRefusal = createRefusalLog(options.log, options.clock, 'connection');
  const comes = (res: NativeResponse) => {
    const taken = connections.came(res);
    options.dispatch.counts?.connectionCame(taken);
    if (taken) return;
    noteRefusal('too_many_connections', () => ({ connectionsMax: options.connectionsMax }));
    res.close();
  };
  const goes = () => {
    connections.went();
    options.dispatch.counts?.connectionWent();
  };
  const count = (res: NativeResponse, change: number) => {
    if (change > 0) comes(res);
    else goes();
    watch.changed();
  };
  const port = createPort(native, options, { request: receiver.receive, connection: count });
  if (!port.ok) return port;
  native._cfg('silent');
  const socket = await listen(port.value.door, options);
  if (socket === null) {
    port.value.close();
    const reason = await findListenFailure(options.host, options.port);
    return fail(reason ?? { code: 'listen_failed', detail: `port ${options.port}: can not listen` });
  }
  return ok(createServer(native, port.value, socket, { options, connections, receiver, watch }));
}

/** What listens, and what it answers with. */
interface Port {
  readonly door: NativeApp;
  loadCertificate(pair: TlsPair): Result<LoadedCertificate, CertificateFailure>;
  close(): void;
}

function createPort(native: Native, options: ServerOptions, events: PortEvents): Result<Port, ServerFailure> {
  if (options.tls !== null) return createTlsPort(native, options.tls, events, options);
  const app = native.App({});
  app.any('/*', events.request);
  app.filter(events.connection);
  return ok({
    door: app,
    loadCertificate: () => {
      throw new Error('a server without TLS has no certificate');
    },
    close: () => app.close(),
  });
}

interface Running {
  readonly options: ServerOptions;
  readonly connections: Connections;
  readonly receiver: Receiver;
  /** `changed` is called when a connection or a request under way ends. */
  readonly watch: { changed: () => void };
}

function createServer(native: Native, port: Port, socket: NativeListenSocket, running: Running): Server {
  const { connections } = running;
  let closed = false;
  let drained: Promise<void> | null = null;
  const close = () => {
    if (!closed) port.close();
    closed = true;
  };
  return {
    port: native.us_socket_local_port(socket),
    connections: () => connections.open,
    loadCertificate: port.loadCertificate,
    close,
    drain(deadlineMs) {
      if (closed) return Promise.resolve();
      if (drained === null) {
        native.us_listen_socket_close(socket);
        drained = whenIdle(running, deadlineMs).then(close);
      }
      return drained;
    },
  };
}

/** Resolves when nothing is left to wait for, at the latest after the deadline. */
function whenIdle({ options, connections, receiver, watch }: Running, deadlineMs: number): Promise<void> {
  const { clock, dispatch } = options;
  dispatch.drain();
  return new Promise((resolve) => {
    let cancelGrace = () => {};
    const finish = () => {
      watch.changed = () => {};
      cancelDeadline();
      cancelGrace();
      resolve();
    };
    const cancelDeadline = clock.after(deadlineMs, finish);
    watch.changed = () => {
      cancelGrace();
      if (receiver.underWay() > 0) return;
      if (connections.open === 0) finish();
      // The system may still be sending what was answered; idle connections are not waited for.
      else cancelGrace = clock.after(drainGraceMs, finish);
    };
    watch.changed();
  });
}

/** Whether the HTTP library loads here. The server need not start for it. */
export async function nativeLoads(): Promise<boolean> {
  return (await loadNative()) !== null;
}

async function loadNative(): Promise<Native | null> {
  try {
    // Loaded late, because it reads the environment as it is loaded.
    const module = (await import('uWebSockets.js')) as unknown as { readonly default: Native };
    return module.default;
  } catch {
    return null;
  }
}

/** What the HTTP library needs, for the terminal. */
export const nativeModuleNeeds =
  'the HTTP library has no build for this system: it needs Node.js 20 or 22 with glibc 2.27 or later, or Node.js 24 with glibc 2.38 or later (not musl)';

/** Without it two servers would share a port in silence. */
const exclusivePort = 1;

function listen(app: NativeApp, options: ServerOptions): Promise<NativeListenSocket | null> {
  return new Promise((resolve) => {
    const done = (socket: NativeListenSocket | false) => resolve(socket === false ? null : socket);
    if (options.host === null) app.listen(options.port, exclusivePort, done);
    else app.listen(options.host, options.port, exclusivePort, done);
  });
}

function failure(code: ServerFailure['code'], detail: string): Result<never, ServerFailure> {
  return fail({ code, detail });
}
