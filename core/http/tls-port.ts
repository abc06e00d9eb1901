// One TLS port whose certificate can be replaced: a native app that listens and hands each connection to another one, which
// has today's certificate. Swapping listen sockets instead would refuse those who connect meanwhile. Sees no request.
import { tlsRetiredMax, tlsRetiredMs } from '../limits.ts';
import type { Clock, Log } from '../ports.ts';
import { fail, ok, type Result } from '../result.ts';
import type { Native, NativeApp, NativeRequest, NativeResponse } from './native.ts';
import { checkTlsPair, describeTlsFailure, type TlsFailure, type TlsPair, tlsCiphers } from './tls.ts';

/** What happens on the port's connections. */
export interface PortEvents {
  /** A request; `isLast`: its connection began with a certificate that has been replaced, and ends with the answer. */
  request(res: NativeResponse, req: NativeRequest, isLast?: boolean): void;
  /** A connection came (positive) or went (negative). */
  connection(res: NativeResponse, change: number): void;
}

/** Why a certificate can't be used. `tls_refused`: it and its key look good, and the library does not take them. */
export interface CertificateFailure {
  readonly code: TlsFailure | 'tls_refused';
  /** One line, which names the files. */
  readonly detail: string;
}

/** A certificate that was checked and loaded, and that nobody sees yet. One of the two is to be called, once. */
export interface LoadedCertificate {
  /**
   * New connections get it at once, and none is refused. Open ones end with their next answer, or within `tlsRetiredMs`.
   * This can't fail.
   */
  use(): void;
  /** Everything stays as it is. */
  discard(): void;
}

export interface TlsPort {
  /** The app to listen with. */
  readonly door: NativeApp;
  /** All of a change of certificate that can fail; it changes nothing that is seen. */
  loadCertificate(pair: TlsPair): Result<LoadedCertificate, CertificateFailure>;
  /** Closes everything at once. */
  close(): void;
}

/** The connections that began with one certificate. */
interface Generation {
  readonly app: NativeApp;
  open: number;
  retired: boolean;
}

/** Makes a port that does not listen yet. */
export function createTlsPort(
  native: Native,
  pair: TlsPair,
  events: PortEvents,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Result<TlsPort, CertificateFailure> {
  // Its own certificate is never shown.
  const door = createApp(native, pair, clock, log);
  if (!door.ok) return door;
  const retired: Generation[] = [];

  const begin = (app: NativeApp): Generation => {
    const generation: Generation = { app, open: 0, retired: false };
    const count = (res: NativeResponse, change: number) => {
      generation.open += change > 0 ? 1 : -1;
      events.connection(res, change);
      if (generation.retired && generation.open === 0) forget(generation);
    };
    app.any('/*', (res, req) => events.request(res, req, generation.retired));
    app.filter(count);
    door.value.addChildAppDescriptor(app.getDescriptor());
    return generation;
  };

  const retire = (generation: Generation): void => {
    generation.retired = true;
    door.value.removeChildAppDescriptor(generation.app.getDescriptor());
    if (generation.open === 0) return;
    retired.push(generation);
    if (retired.length > tlsRetiredMax) end(retired[0]);
    clock.after(tlsRetiredMs, () => end(generation));
  };

  const forget = (generation: Generation): void => {
    const at = retired.indexOf(generation);
    if (at >= 0) retired.splice(at, 1);
  };

  /** Cuts what is left of it. */
  const end = (generation: Generation | undefined): void => {
    if (generation === undefined || generation.open === 0) return;
    generation.app.close();
    forget(generation);
  };

  const first = createApp(native, pair, clock, null);
  if (!first.ok) return first;
  let current = begin(first.value);
  return ok({
    door: door.value,
    loadCertificate(next) {
      const app = createApp(native, next, clock, log);
      if (!app.ok) return app;
      return ok({
        use() {
          const before = current;
          current = begin(app.value);
          retire(before);
        },
        discard: () => app.value.close(),
      });
    },
    close() {
      for (const app of [door.value, current.app, ...retired.map((generation) => generation.app)])
        app.close();
    },
  });
}

/** Checks the pair first: the library takes bad ones in silence, or fails without a reason. `log` gets what clients will mind; null: nobody does. */
function createApp(
  native: Native,
  pair: TlsPair,
  clock: Clock,
  log: Log | null,
): Result<NativeApp, CertificateFailure> {
  const { certPath, keyPath } = pair;
  const checked = checkTlsPair(pair, clock.nowMs());
  if (!checked.ok) {
    return fail({ code: checked.failure, detail: describeTlsFailure(checked.failure, pair) });
  }
  try {
    const app = native.SSLApp({ key_file_name: keyPath, cert_file_name: certPath, ssl_ciphers: tlsCiphers });
    if (checked.value !== null) {
      log?.warn({ code: checked.value, file: certPath }, 'clients will refuse the certificate');
    }
    return ok(app);
  } catch {
    return fail({
      code: 'tls_refused',
      detail: `the HTTP library does not take ${certPath} with ${keyPath}`,
    });
  }
}
