// Puts a changed configuration in force while the server runs, or keeps all of the old one. Knows no signal.
import { type ConfigChanges, findConfigChanges } from '../core/config/changes.ts';
import type { Config } from '../core/config/config.ts';
import type { LogLevel } from '../core/ports.ts';
import type { Result } from '../core/result.ts';
import type { ConfigFailure, LoadedConfig } from './config-file.ts';
import type { BufferedLog } from './log.ts';

/** A server that takes some keys of a new configuration. */
export interface ReloadableServer {
  /**
   * Takes certificate, API key, `allowed_ips` and `trusted_proxies`, or nothing at all: then the answer is every reason, a
   * line each. `certificate`: whether it is another one than before.
   */
  reload(config: Config): Result<{ readonly certificate: boolean }, readonly string[]>;
}

/** What a reload works on. */
export interface ReloadSurroundings {
  /** What the server was started with. */
  readonly config: Config;
  readonly server: ReloadableServer;
  readonly log: BufferedLog;
  readonly loadConfig: () => Result<LoadedConfig, ConfigFailure>;
  readonly levelOf: (config: Config) => LogLevel;
}

/** Makes the reload of one server. It is done when it returns, and has said in the log what it did. */
export function createReload({ config, server, log, loadConfig, levelOf }: ReloadSurroundings): () => void {
  let current = config;

  function keepOld(problems: readonly string[]): void {
    log.error({ problems }, 'the configuration was not reloaded: all of the old one stays in force');
  }

  return () => {
    const loaded = loadConfig();
    if (!loaded.ok) return keepOld(loaded.failure.lines);
    const next = loaded.value.config;
    const taken = server.reload(next);
    if (!taken.ok) return keepOld(taken.failure);
    log.setLevel(levelOf(next));
    const { live } = findConfigChanges(current, next);
    const changed = taken.value.certificate ? ['server.tls_cert', ...live] : live;
    log.info({ changed }, 'the configuration was reloaded');
    for (const warning of loaded.value.warnings) log.warn({}, warning);
    warnOfFixed(findConfigChanges(config, next));
    current = next;
  };

  function warnOfFixed({ fixed }: ConfigChanges): void {
    if (fixed.length > 0) log.warn({ keys: fixed }, 'these keys have changed, and need a restart');
  }
}
