// The live interface: made, adjusted while it lives, removed. Knows nothing of who asks for it and when.
import { existsSync } from 'node:fs';
import { deviceLineBytesMax, interfaceLongCallMs, interfaceRemovalsMax } from '../../core/limits.ts';
import { isKey, type PrivateKey } from '../../core/peers/peer.ts';
import { fail, ok } from '../../core/result.ts';
import { ethernetMtuBytes, tunnelMtuBytes } from '../../core/tunnel-mtu.ts';
import { openMemoryFile } from '../device/memory-file.ts';
import type { CommandBounds, CommandFailure } from '../run-command.ts';
import { adjustRules, clearRules } from './firewall.ts';
import { markAsOwn } from './foreign-peers.ts';
import type { SettledFile } from './interface-file.ts';
import {
  call,
  type InterfaceFailure,
  type InterfaceHost,
  isThere,
  refused,
  type Step,
  succeeds,
} from './interface-host.ts';
import { type Link, parseLink } from './link-text.ts';
import { explainPort } from './udp-port.ts';
import { type InterfaceConfig, interfaceAddress } from './wg-quick-text.ts';

/**
 * Makes an interface that is not there. A file of the node is brought up step by step, each of which may be repeated; one
 * made by hand may ask for more than the node knows, so it is left to wg-quick.
 */
export async function makeInterface(
  config: InterfaceConfig,
  file: SettledFile,
  host: InterfaceHost,
): Step<'made'> {
  const made = file.writtenByNode
    ? await createLink(config.interface, host)
    : await succeeds('wg-quick', ['up', file.path], host, { timeoutMs: interfaceLongCallMs });
  if (!made.ok) return file.writtenByNode ? made : fail(await explainPort(made.failure, config.listenPort));
  const adjusted = await adjustInterface(config, file, host);
  if (adjusted.ok) return ok('made');
  if (file.writtenByNode) await removeInterface(config, host);
  return adjusted;
}

// As wg-quick does it: the kernel's WireGuard, else wireguard-go.
async function createLink(name: string, host: InterfaceHost): Step {
  const kernel = await call('ip', ['link', 'add', 'dev', name, 'type', 'wireguard'], host);
  if (kernel.ok) return ok(undefined);
  if (kernel.failure.code === 'command_missing' || existsSync('/sys/module/wireguard')) {
    return fail(refused(kernel.failure, host));
  }
  // On stderr it draws a box about kernels that have WireGuard.
  const userspace = await call('wireguard-go', [name], host, { reasonsOn: 'stdout' });
  if (userspace.ok) {
    host.log.warn(
      { interface: name },
      'this kernel has no WireGuard: userspace wireguard-go is used, slower',
    );
    return ok(undefined);
  }
  if (!host.isRoot) return fail(refused(kernel.failure, host));
  return fail(wireguardMissing(kernel.failure, userspace.failure));
}

/** Deletes the interface and its rules. */
export async function removeInterface(config: InterfaceConfig, host: InterfaceHost): Step {
  const name = config.interface;
  await removePeers(name, host);
  const gone = await succeeds('ip', ['link', 'delete', 'dev', name], host, {
    timeoutMs: interfaceLongCallMs,
  });
  return gone.ok ? clearRules(config, host) : gone;
}

/**
 * Empties an interface that is about to go: to delete it costs the kernel about 18 ms a peer that it still has (measured),
 * to empty it first next to nothing. What can't be removed stays.
 */
export async function removePeers(name: string, host: InterfaceHost): Promise<void> {
  const listed = await call('wg', ['show', name, 'peers'], host);
  if (!listed.ok) return;
  const keys = listed.value.split('\n').filter((key) => isKey(key));
  for (let start = 0; start < keys.length; start += interfaceRemovalsMax) {
    const removals = keys
      .slice(start, start + interfaceRemovalsMax)
      .flatMap((key) => ['peer', key, 'remove']);
    await call('wg', ['set', name, ...removals], host);
  }
}

// Adjusting

/** Makes a live interface what the configuration says, touching only what differs. May be cut off anywhere and repeated. */
export async function adjustInterface(config: InterfaceConfig, file: SettledFile, host: InterfaceHost): Step {
  const steps = [adjustDevice, adjustAddresses, ...(file.writtenByNode ? [adjustRules] : [])];
  for (const step of steps) {
    const done = await step(config, host, file);
    if (!done.ok) return done;
  }
  return markAsOwn(config.interface, host);
}

async function adjustDevice(config: InterfaceConfig, host: InterfaceHost, file: SettledFile): Step {
  const name = config.interface;
  const live = await readDevice(name, host);
  if (!live.ok) return live;
  const { publicKey, listenPort } = live.value;
  if (listenPort !== String(config.listenPort)) {
    const set = await setDevice(name, ['listen-port', String(config.listenPort)], host);
    if (!set.ok) return fail(await explainPort(set.failure, config.listenPort));
    host.log.info({ interface: name, before: listenPort, now: config.listenPort }, 'listen port set');
  }
  if (publicKey === host.derivePublicKey(file.privateKey)) return ok(undefined);
  if (file.writtenByNode || publicKey === '(none)') return setPrivateKey(name, file.privateKey, host);
  host.log.warn(
    { interface: name, path: file.path },
    'the interface runs with another key than its file has, which the node did not write, or was edited since: left alone',
  );
  return ok(undefined);
}

function setDevice(
  name: string,
  settings: readonly string[],
  host: InterfaceHost,
  more: Partial<CommandBounds> = {},
): Step {
  host.keptDump?.drop();
  return succeeds('wg', ['set', name, ...settings], host, more);
}

async function setPrivateKey(name: string, key: PrivateKey, host: InterfaceHost): Step {
  const secret = openMemoryFile();
  if (secret?.replace(key) !== true) {
    secret?.close();
    const message = 'no memory file for the private key: is there a tmpfs at /dev/shm, with room?';
    return fail({ code: 'command_failed', message });
  }
  const settings = ['private-key', '/dev/fd/3'];
  const set = await setDevice(name, settings, host, { descriptors: [secret.descriptor] });
  secret.close();
  if (set.ok) host.log.info({ interface: name }, 'private key of the file set');
  return set;
}

async function adjustAddresses(config: InterfaceConfig, host: InterfaceHost, file: SettledFile): Step {
  const name = config.interface;
  const link = await readLink(name, host);
  if (!link.ok) return link;
  const wanted = config.subnets.map(interfaceAddress);
  const live = link.value.addresses;
  const stale = file.writtenByNode ? live.filter((address) => !wanted.includes(address)) : [];
  for (const address of stale) {
    const gone = await succeeds('ip', ['address', 'delete', address, 'dev', name], host);
    if (!gone.ok) return gone;
    host.log.info({ interface: name, address }, 'address removed');
  }
  // With a primary address the kernel may take others of its subnet away, so after a removal all are put anew.
  for (const address of stale.length > 0 ? wanted : wanted.filter((each) => !live.includes(each))) {
    const there = await succeeds('ip', ['address', 'replace', address, 'dev', name], host);
    if (!there.ok) return there;
    host.log.info({ interface: name, address }, 'address set');
  }
  return link.value.isUp ? ok(undefined) : setUp(config, host);
}

async function setUp(config: InterfaceConfig, host: InterfaceHost): Step {
  const name = config.interface;
  const wan = config.routing?.wanInterface;
  const outer = wan !== undefined && (await isThere(wan, host)) ? await readLink(wan, host) : null;
  const mtuBytes = tunnelMtuBytes(outer?.ok === true ? outer.value.mtuBytes : ethernetMtuBytes);
  const up = await succeeds('ip', ['link', 'set', 'mtu', String(mtuBytes), 'up', 'dev', name], host);
  // The kernel opens the port with the interface.
  return up.ok ? up : fail(await explainPort(up.failure, config.listenPort));
}

/** The interface as `ip` has it. */
export async function readLink(name: string, host: InterfaceHost): Step<Link> {
  const shown = await call('ip', ['-json', 'address', 'show', 'dev', name], host);
  if (!shown.ok) return fail(refused(shown.failure, host));
  const link = parseLink(shown.value, name);
  if (link !== null) return ok(link);
  return fail({
    code: 'command_failed',
    message: `what "ip -json address show" says of ${name} is not understood`,
  });
}

/** The device as the first line of `wg show dump` has it; what is not set stands there as `(none)`. */
export interface LiveDevice {
  /** Secret. */
  readonly privateKey: string;
  readonly publicKey: string;
  readonly listenPort: string;
}

/**
 * Reads the device in one call: each costs as much as the device has peers, whatever it asks for. The dump goes to the host's
 * `keptDump`.
 */
export async function readDevice(name: string, host: InterfaceHost): Step<LiveDevice> {
  const { keptDump, deviceAnswerMs: timeoutMs } = host;
  let head = '';
  const takeOutput = (piece: Buffer) => {
    if (head.length < deviceLineBytesMax) head += piece.toString('latin1', 0, deviceLineBytesMax);
    keptDump?.append(piece);
  };
  keptDump?.begin();
  const shown = await call('wg', ['show', name, 'dump'], host, { timeoutMs, takeOutput });
  if (shown.ok) {
    keptDump?.end();
    const [privateKey = '', publicKey = '', listenPort = ''] = (head.split('\n', 1)[0] ?? '').split('\t');
    return ok({ privateKey, publicKey, listenPort });
  }
  keptDump?.drop();
  if (shown.failure.code === 'command_timeout') return fail(silent(name, shown.failure));
  if (shown.failure.code !== 'command_refused' || !host.isRoot) return fail(refused(shown.failure, host));
  const message = `an interface ${name} exists, and wg can't read it (${shown.failure.detail}): is it another kind of interface? Then give wireguard.interface another name`;
  return fail({ code: 'not_wireguard', message });
}

/** The key of the live interface; null: there is no interface, or it has none. */
export async function readLiveKey(name: string, host: InterfaceHost): Step<PrivateKey | null> {
  if (!(await isThere(name, host))) return ok(null);
  const shown = await readDevice(name, host);
  if (!shown.ok) return shown;
  const key = shown.value.privateKey;
  return ok(isKey(key) ? (key as PrivateKey) : null);
}

function silent(name: string, { detail }: CommandFailure): InterfaceFailure {
  const message = `the interface ${name} exists, and its device does not answer (${detail}): its wireguard-go may hang`;
  return { code: 'device_silent', message };
}

function wireguardMissing(kernel: CommandFailure, userspace: CommandFailure): InterfaceFailure {
  const why =
    userspace.code === 'command_missing'
      ? 'is not installed: install the package wireguard-go'
      : `can't run (${userspace.detail})`;
  const device = existsSync('/dev/net/tun')
    ? ''
    : '. It needs the device /dev/net/tun: modprobe tun, or hand it to the container';
  const message = `this kernel has no WireGuard (${kernel.detail}), and userspace wireguard-go ${why}${device}`;
  return { code: 'wireguard_missing', message };
}
