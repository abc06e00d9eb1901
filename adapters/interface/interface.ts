// The life of the WireGuard interface: its file, bringing it up, taking it down. One call at a time, whoever makes it.
import { join } from 'node:path';
import type { Config } from '../../core/config/config.ts';
import { interfaceLongCallMs } from '../../core/limits.ts';
import type { PrivateKey } from '../../core/peers/peer.ts';
import { fail, ok } from '../../core/result.ts';
import { acquireFolderLock } from '../disk/folder-lock.ts';
import { clearRules, findLeftovers, settleBackend, warnOfDrops } from './firewall.ts';
import type { FirewallBackend } from './firewall-rules.ts';
import { markAsOwn } from './foreign-peers.ts';
import { ensureForwarding } from './forwarding.ts';
import {
  ensureFolder,
  interfacePath,
  readInterfaceFile,
  type SettledFile,
  settleFile,
  takeOverFile,
} from './interface-file.ts';
import { type InterfaceFailure, type InterfaceHost, isThere, type Step, succeeds } from './interface-host.ts';
import {
  adjustInterface,
  makeInterface,
  readDevice,
  readLiveKey,
  removeInterface,
  removePeers,
} from './live-interface.ts';
import { backendOfPostDown, type InterfaceConfig, type WgQuickFile } from './wg-quick-text.ts';

/** What of the configuration makes the interface. */
export type WireguardConfig = Pick<Config['wireguard'], 'interface' | 'listenPort' | 'subnets' | 'routing'>;

/**
 * Makes sure that the file exists and says what the configuration says; a live interface is read for its key at most, and
 * never changed. The answer is the file's path. `peersStored` tells whether a store holds peers: then a missing file is an
 * error in the log, since their clients know the old key; it is made all the same.
 */
export function initInterface(
  asked: WireguardConfig,
  peersStored: boolean,
  host: InterfaceHost,
): Step<string> {
  return exclusively(host, async () => {
    const settled = await settle(asked, peersStored, host);
    return settled.ok ? ok(settled.value.file.path) : settled;
  });
}

/**
 * `initInterface`, then forwarding, then the interface: made when it is missing, adjusted when it differs from the
 * configuration, whoever rewrote the file; never bounced.
 */
export function bringUp(
  asked: WireguardConfig,
  peersStored: boolean,
  host: InterfaceHost,
): Step<'made' | 'was_up'> {
  return exclusively<'made' | 'was_up'>(host, async () => {
    const settled = await settle(asked, peersStored, host);
    if (!settled.ok) return settled;
    const { config, file } = settled.value;
    const told = await tellRouting(asked, config, host);
    if (!told.ok) return told;
    const forwarding = await ensureForwarding(config, join(host.procFolder, 'sys'), host.log);
    if (!forwarding.ok) return forwarding;
    if (await isThere(config.interface, host)) {
      const adjusted = await adjustInterface(config, file, host);
      return adjusted.ok ? ok('was_up') : adjusted;
    }
    return makeInterface(config, file, host);
  });
}

/** Makes the file the node's own, as `takeOverFile` does; of a live interface only the mark is changed, which makes it the node's. */
export function takeOver(
  asked: WireguardConfig,
  privateKey: PrivateKey,
  nowMs: number,
  host: InterfaceHost,
): Step<string | null> {
  return exclusively<string | null>(host, async () => {
    const routing = await settleBackend(asked, host);
    if (!routing.ok) return routing;
    const config = { ...asked, routing: routing.value };
    const taken = await takeOverFile(config, privateKey, { folder: host.folder, nowMs });
    if (!taken.ok || !(await isThere(asked.interface, host))) return taken;
    const marked = await markAsOwn(asked.interface, host);
    return marked.ok ? taken : marked;
  });
}

/** Takes the interface and its rules away; the file stays. */
export function takeDown(asked: WireguardConfig, host: InterfaceHost): Step<'taken_down' | 'was_down'> {
  const config = { ...asked, routing: null };
  return exclusively(host, async () => {
    const wasUp = await isThere(config.interface, host);
    // A `down` that was cut off may have left them.
    const gone = wasUp ? await removeFound(config, host) : await clearRules(config, host);
    if (!gone.ok) return gone;
    const left = await findLeftoversOfFile(asked, null, host);
    if (!left.ok) return left;
    if (left.value === null) return ok(wasUp ? 'taken_down' : 'was_down');
    return fail({ code: 'tool_missing', message: `${config.interface} is down, but ${left.value}` });
  });
}

async function removeFound(config: InterfaceConfig, host: InterfaceHost): Step {
  const name = config.interface;
  const path = interfacePath(host.folder, name);
  const file = await readInterfaceFile(path);
  if (!file.ok) return file;
  if (file.value === null) return fail(ownerUnknown(name, path));
  // Nothing is deleted that only has the name.
  const device = await readDevice(name, host);
  if (!device.ok) return device;
  return file.value.writtenByNode ? removeInterface(config, host) : removeByWgQuick(config, file.value, host);
}

/**
 * What to tell of rules that the node made by its file with another back end than this one, and that can't be seen any
 * more; null: nothing. A file that can't be read tells of none.
 */
async function findLeftoversOfFile(
  asked: WireguardConfig,
  settled: FirewallBackend | null,
  host: InterfaceHost,
): Step<string | null> {
  const file = await readInterfaceFile(interfacePath(host.folder, asked.interface));
  const lines = file.ok ? (file.value?.postDown ?? []) : [];
  const backend = lines.map((line) => backendOfPostDown(line, asked)).find((each) => each !== null);
  if (backend === undefined || backend === null || backend === settled) return ok(null);
  return findLeftovers(asked, backend, host);
}

// With SaveConfig wg-quick writes the peers that it finds into the file, so there they stay.
async function removeByWgQuick(config: InterfaceConfig, file: WgQuickFile, host: InterfaceHost): Step {
  if (!file.savesPeers) await removePeers(config.interface, host);
  const path = interfacePath(host.folder, config.interface);
  const gone = await succeeds('wg-quick', ['down', path], host, { timeoutMs: interfaceLongCallMs });
  // Such a file may have been the node's before it was edited, and does not remove what the node has made.
  return gone.ok ? clearRules(config, host) : gone;
}

/** Chooses the firewall back end and makes sure of the file. */
async function settle(
  asked: WireguardConfig,
  peersStored: boolean,
  host: InterfaceHost,
): Step<{ readonly config: InterfaceConfig; readonly file: SettledFile }> {
  const routing = await settleBackend(asked, host);
  if (!routing.ok) return routing;
  const config = { ...asked, routing: routing.value };
  const left = await findLeftoversOfFile(asked, routing.value?.backend ?? null, host);
  if (!left.ok) return left;
  if (left.value !== null) host.log.warn({ interface: config.interface }, left.value);
  const file = await settleFile<InterfaceFailure>(config, {
    folder: host.folder,
    log: host.log,
    createPrivateKey: host.createPrivateKey,
    peersStored,
    liveKey: () => readLiveKey(config.interface, host),
  });
  return file.ok ? ok({ config, file: file.value }) : file;
}

async function tellRouting({ routing }: WireguardConfig, config: InterfaceConfig, host: InterfaceHost): Step {
  if (routing === null) {
    host.log.info(
      {},
      'no wireguard.routing.wan_interface: no firewall rules are made, peers reach this host alone',
    );
  } else if (routing.backend === 'none') {
    host.log.info({}, 'wireguard.routing.backend is none: no firewall rules are made');
  } else if (!(await isThere(routing.wanInterface, host))) {
    host.log.warn(
      { wanInterface: routing.wanInterface },
      'wireguard.routing.wan_interface does not exist now',
    );
  }
  return warnOfDrops(config, host);
}

async function exclusively<Value>(host: InterfaceHost, work: () => Step<Value>): Step<Value> {
  const folder = await ensureFolder(host.folder, host.log);
  if (!folder.ok) return folder;
  const lock = await acquireFolderLock(host.folder, host.run);
  if (!lock.ok && lock.failure.code === 'lock_busy') {
    return fail({ code: 'busy', message: `another init, up or down is at work in ${host.folder}` });
  }
  if (!lock.ok) return fail({ code: 'command_failed', message: lock.failure.detail });
  try {
    return await work();
  } finally {
    await lock.value.release();
  }
}

function ownerUnknown(name: string, path: string): InterfaceFailure {
  const message = `${name} is up, but there is no ${path}, so it may not be the node's. If it is to go: ip link delete dev ${name}`;
  return { code: 'owner_unknown', message };
}
