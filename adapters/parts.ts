// What a node is made of on this host: the store and the device that the configuration asks for, counted where metrics are served.
import type { Config } from '../core/config/config.ts';
import { HttpCounts } from '../core/http/http-counts.ts';
import { countLooks } from '../core/metrics/counted-device.ts';
import { countStoreWrites } from '../core/metrics/counted-store.ts';
import { TimedCounts } from '../core/metrics/timed-counts.ts';
import type { Clock, Device, Log, PeerStore } from '../core/ports.ts';
import { routes } from '../handlers/routes.ts';
import type { KeptDump } from './device/kept-dump.ts';
import { createMemoryDevice } from './device/memory-device.ts';
import { createWgDevice } from './device/wg-cli.ts';
import type { WgRun } from './device/wg-shell.ts';
import { createFlock } from './disk/file-lock.ts';
import { generateKeyPair } from './keys.ts';
import type { MetricSources, WgRuns } from './metrics/families.ts';
import { readInterfaceTraffic } from './metrics/interface-traffic.ts';
import { commandEnvironment, createRunCommand } from './run-command.ts';
import { createFileStore, type FileStore } from './store/file-store.ts';
import { createMemoryStore } from './store/memory-store.ts';

/** What parts are made from. */
interface PartsOptions {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  /** A dump of the interface, if one was read before. */
  readonly keptDump?: KeptDump;
  readonly environment: {
    /** PATH to find `wg` and `flock` in. */
    readonly path: string;
  };
}

/** Where the numbers of a node are before it serves. */
export type Counted = Omit<MetricSources, 'service' | 'node'>;

/** A store that is not loaded yet, and a device that nobody has looked at. */
export interface Parts {
  readonly device: Device;
  readonly store: PeerStore;
  /** Null: nobody asks, and nothing is counted. */
  readonly counted: Counted | null;
}

/** Makes the parts. A `wg` device has started its shells: it must be closed. */
export function createParts(options: PartsOptions): Parts {
  const { config, clock } = options;
  const fileStore = createStoreFile(options);
  const store = fileStore ?? createMemoryStore();
  if (config.metrics === null) return { device: createDevice(options), store, counted: null };

  const wgRuns: WgRuns = new TimedCounts(['show', 'addconf', 'set']);
  const onRun = ({ command, result, tookMs }: WgRun) => wgRuns.note(command, result, tookMs);
  const looked = countLooks(createDevice(options, onRun), clock);
  const written = countStoreWrites(store, clock);
  const counted: Counted = {
    http: new HttpCounts(routes),
    storeWrites: written.writes,
    storeBytes: fileStore?.bytes ?? null,
    looks: looked.looks,
    wgRuns: config.wireguard.backend === 'wg' ? wgRuns : null,
    traffic: () => readInterfaceTraffic(config.wireguard.interface),
  };
  return { device: looked.device, store: written.store, counted };
}

function createDevice(
  { config, log, clock, keptDump, environment }: PartsOptions,
  onRun: (run: WgRun) => void = () => {},
): Device {
  const { backend, interface: interfaceName, listenPort } = config.wireguard;
  if (backend === 'memory') {
    return createMemoryDevice({ clock, publicKey: generateKeyPair().publicKey, listenPort });
  }
  return createWgDevice({
    interfaceName,
    surroundings: { shell: ['/bin/sh'], path: environment.path, clock },
    log,
    ...(keptDump !== undefined && { keptDump }),
    onRun,
  });
}

/** Null: peers are kept in memory only. */
function createStoreFile({ config, log, environment }: PartsOptions): FileStore | null {
  const path = config.wireguard.peerStoreFile;
  if (path === null) return null;
  return createFileStore(path, {
    log,
    lock: createFlock(createRunCommand(commandEnvironment(environment.path))),
  });
}
