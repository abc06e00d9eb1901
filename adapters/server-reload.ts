// What a server that runs takes of a new configuration: its certificate, and who may ask. When that is done is reload.ts.
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../core/config/config.ts';
import type { Access, AccessSettings } from '../core/http/access.ts';
import type { Server } from '../core/http/server.ts';
import type { TlsPair } from '../core/http/tls.ts';
import type { LoadedCertificate } from '../core/http/tls-port.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { ReloadableServer } from './reload.ts';
import { readTlsFiles } from './tls-files.ts';

/** Who may ask, as configured. */
export function accessSettings({ auth, server }: Config): AccessSettings {
  return { apiKey: auth.apiKey, allowedIps: server.allowedIps, trustedProxies: server.trustedProxies };
}

/**
 * `servers` all have the same certificate, and all of them take a new one or none does: it is put in force only when each
 * has loaded it. `access` is the API's.
 */
export function createServerReload(
  servers: readonly Pick<Server, 'loadCertificate'>[],
  access: Access,
  startedWith: TlsPair | null,
): ReloadableServer['reload'] {
  let current = startedWith;
  return (config) => {
    // To begin or end with TLS takes a restart.
    const wanted = current === null ? null : config.server.tls;
    const tls = wanted === null ? ok(current) : readTlsFiles(wanted);
    if (!tls.ok) return tls;
    const isNew = !isDeepStrictEqual(tls.value, current);
    const loaded = isNew && tls.value !== null ? loadEverywhere(servers, tls.value) : ok([]);
    if (!loaded.ok) return loaded;
    for (const certificate of loaded.value) certificate.use();
    current = tls.value;
    access.replace(accessSettings(config));
    return ok({ certificate: isNew });
  };
}

// Each server has the library read the files once more, so one may fail after another has not.
function loadEverywhere(
  servers: readonly Pick<Server, 'loadCertificate'>[],
  pair: TlsPair,
): Result<readonly LoadedCertificate[], readonly string[]> {
  const loaded: LoadedCertificate[] = [];
  for (const server of servers) {
    const certificate = server.loadCertificate(pair);
    if (!certificate.ok) {
      for (const each of loaded) each.discard();
      return fail([certificate.failure.detail]);
    }
    loaded.push(certificate.value);
  }
  return ok(loaded);
}
