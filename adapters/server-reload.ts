// What a server that runs takes of a new configuration: its certificate, and who may ask. When that is done is reload.ts.
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../core/config/config.ts';
import type { Access, AccessSettings } from '../core/http/access.ts';
import type { Server } from '../core/http/server.ts';
import type { TlsPair } from '../core/http/tls.ts';
import { fail, ok } from '../core/result.ts';
import type { ReloadableServer } from './reload.ts';
import { readTlsFiles } from './tls-files.ts';

/** Who may ask, as configured. */
export function accessSettings({ auth, server }: Config): AccessSettings {
  return { apiKey: auth.apiKey, allowedIps: server.allowedIps, trustedProxies: server.trustedProxies };
}

/** `servers` all have the same certificate: what one of them takes, the others take too. `access` is the API's. */
export function createServerReload(
  servers: readonly Server[],
  access: Access,
  startedWith: TlsPair | null,
): ReloadableServer['reload'] {
  let current = startedWith;
  return (config) => {
    // To begin or end with TLS takes a restart.
    const wanted = current === null ? null : config.server.tls;
    const tls = wanted === null ? ok(current) : readTlsFiles(wanted);
    if (!tls.ok) return tls;
    const certificate = !isDeepStrictEqual(tls.value, current);
    for (const server of certificate ? servers : []) {
      const replaced = tls.value === null ? ok(undefined) : server.replaceCertificate(tls.value);
      if (!replaced.ok) return fail([replaced.failure.detail]);
    }
    current = tls.value;
    access.replace(accessSettings(config));
    return ok({ certificate });
  };
}
