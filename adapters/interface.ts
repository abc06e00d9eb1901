// The life of the WireGuard interface: brought up, adjusted while it lives, taken down. Knows no peer beyond removing them all.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isKey, type PrivateKey, type PublicKey } from '../core/peers/peer.ts';
import type { Log } from '../core/ports.ts';
import { fail, ok, type Result } from '../core/result.ts';
import {
  type FirewallProgram,
  firewallChains,
  firewallRules,
  listArgs,
  parseTaggedRules,
  ruleArgs,
} from './firewall-rules.ts';
import { acquireFolderLock } from './folder-lock.ts';
import { ensureForwarding, type ForwardingFailure } from './forwarding.ts';
import {
  ensureFolder,
  type FileFailure,
  interfacePath,
  readInterfaceFile,
  type SettledFile,
  settleFile,
} from './interface-file.ts';
import { type Link, parseLink, parseLinkNames } from './link-text.ts';
import { openMemoryFile } from './memory-file.ts';
import type { CommandBounds, CommandFailure, RunCommand } from './run-command.ts';
import { type InterfaceConfig, interfaceAddress } from './wg-quick-text.ts';

/** The host, as far as the interface needs it. */
export interface InterfaceHost {
  readonly run: RunCommand;
  readonly log: Log;
  readonly isRoot: boolean;
  /** Absolute; see `interfaceFolder`. */
  readonly folder: string;
  /** Absolute: `/proc`. */
  readonly procFolder: string;
  readonly createPrivateKey: () => PrivateKey;
  readonly derivePublicKey: (key: PrivateKey) => PublicKey;
}

/**
 * Why the interface is not as it ought to be. What was done before stays, save for an interface that the same call
 * made, which is taken away again.
 * - `tool_missing`: a program is not installed.
 * - `wireguard_missing`: neither has the kernel WireGuard nor can a userspace one run.
 * - `not_wireguard`: an interface of this name exists and is something else.
 * - `not_permitted`: this needs root.
 * - `owner_unknown`: the interface is up and has no file, so it may be somebody else's.
 * - `command_failed`: a program said no, did not end in time, or can't be understood.
 * - `busy`: another `init`, `up` or `down` did not end in time.
 */
export type InterfaceFailure =
  | FileFailure
  | ForwardingFailure
  | {
      readonly code:
        | 'tool_missing'
        | 'wireguard_missing'
        | 'not_wireguard'
        | 'not_permitted'
        | 'owner_unknown'
        | 'command_failed'
        | 'busy';
      /** For the operator: what is wrong and what to do, in one line or a few. Holds no secret. */
      readonly message: string;
    };

type Step<Value = void> = Promise<Result<Value, InterfaceFailure>>;

/**
 * Makes sure that the file exists and says what the configuration says, and adjusts a live interface when the file had
 * to change. The answer is the file's path. `peersStored` tells whether a store holds peers: then a missing file is an
 * error in the log, since their clients know the old key; it is made all the same.
 */
export function initInterface(
  config: InterfaceConfig,
  peersStored: boolean,
  host: InterfaceHost,
): Step<string> {
  return exclusively(host, async () => {
    const file = await settle(config, peersStored, host);
    if (!file.ok) return file;
    if (file.value.rewritten && (await isThere(config.interface, host))) {
      const adjusted = await adjust(config, file.value, host);
      if (!adjusted.ok) return adjusted;
    }
    return ok(file.value.path);
  });
}

/** `initInterface`, then forwarding, then the interface: made when it is missing, adjusted when it differs, never bounced. */
export function bringUp(
  config: InterfaceConfig,
  peersStored: boolean,
  host: InterfaceHost,
): Step<'made' | 'was_up'> {
  return exclusively<'made' | 'was_up'>(host, async () => {
    const file = await settle(config, peersStored, host);
    if (!file.ok) return file;
    await tellRouting(config, host);
    const families = config.subnets.map((subnet) => subnet.cidr.family);
    const forwarding = await ensureForwarding(families, join(host.procFolder, 'sys'), host.log);
    if (!forwarding.ok) return forwarding;
    if (await isThere(config.interface, host)) {
      const adjusted = await adjust(config, file.value, host);
      return adjusted.ok ? ok('was_up') : adjusted;
    }
    return make(config, file.value, host);
  });
}

/** Takes the interface and its rules away; the file stays. */
export function takeDown(config: InterfaceConfig, host: InterfaceHost): Step<'taken_down' | 'was_down'> {
  return exclusively(host, async () => {
    const name = config.interface;
    if (!(await isThere(name, host))) {
      // A `down` that was cut off may have left them.
      const cleared = await clearRules(config, host);
      return cleared.ok ? ok('was_down') : cleared;
    }
    const path = interfacePath(host.folder, name);
    const file = await readInterfaceFile(path);
    if (!file.ok) return file;
    if (file.value === null) return fail(ownerUnknown(name, path));
    const gone = file.value.writtenByNode
      ? await remove(config, host)
      : await succeeds('wg-quick', ['down', path], host);
    return gone.ok ? ok('taken_down') : gone;
  });
}

function settle(config: InterfaceConfig, peersStored: boolean, host: InterfaceHost): Step<SettledFile> {
  return settleFile<InterfaceFailure>(config, {
    folder: host.folder,
    log: host.log,
    createPrivateKey: host.createPrivateKey,
    peersStored,
    liveKey: () => readLiveKey(config.interface, host),
  });
}

// Making

// A file of the node is brought up step by step, each of which may be repeated; one made by hand may ask for more than
// the node knows, so it is left to wg-quick.
async function make(config: InterfaceConfig, file: SettledFile, host: InterfaceHost): Step<'made'> {
  const made = file.writtenByNode
    ? await createLink(config.interface, host)
    : await succeeds('wg-quick', ['up', file.path], host);
  if (!made.ok) return made;
  const adjusted = await adjust(config, file, host);
  if (adjusted.ok) return ok('made');
  if (file.writtenByNode) await remove(config, host);
  return adjusted;
}

// As wg-quick does it: the kernel's WireGuard, else wireguard-go.
async function createLink(name: string, host: InterfaceHost): Step {
  const kernel = await call('ip', ['link', 'add', 'dev', name, 'type', 'wireguard'], host);
  if (kernel.ok) return ok(undefined);
  if (kernel.failure.code === 'command_missing' || existsSync('/sys/module/wireguard')) {
    return fail(refused(kernel.failure, host));
  }
  const userspace = await call('wireguard-go', [name], host);
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

async function remove(config: InterfaceConfig, host: InterfaceHost): Step {
  const name = config.interface;
  await removePeers(name, host);
  const gone = await succeeds('ip', ['link', 'delete', 'dev', name], host);
  return gone.ok ? clearRules(config, host) : gone;
}

// To delete an interface costs the kernel about 18 ms a peer that it still has (measured); emptying it first next to nothing.
async function removePeers(name: string, host: InterfaceHost): Promise<void> {
  const listed = await call('wg', ['show', name, 'peers'], host);
  if (!listed.ok) return;
  const keys = listed.value.split('\n').filter((key) => isKey(key));
  for (let start = 0; start < keys.length; start += peersPerCall) {
    const removals = keys.slice(start, start + peersPerCall).flatMap((key) => ['peer', key, 'remove']);
    await call('wg', ['set', name, ...removals], host);
  }
}

// Adjusting

/** Makes a live interface what the configuration says, touching only what differs. May be cut off anywhere and repeated. */
async function adjust(config: InterfaceConfig, file: SettledFile, host: InterfaceHost): Step {
  const steps = [adjustDevice, adjustAddresses, ...(file.writtenByNode ? [adjustRules] : [])];
  for (const step of steps) {
    const done = await step(config, host, file);
    if (!done.ok) return done;
  }
  return ok(undefined);
}

async function adjustDevice(config: InterfaceConfig, host: InterfaceHost, file: SettledFile): Step {
  const name = config.interface;
  const liveKey = await readDevice(name, 'public-key', host);
  if (!liveKey.ok) return liveKey;
  const livePort = await readDevice(name, 'listen-port', host);
  if (!livePort.ok) return livePort;
  if (livePort.value !== String(config.listenPort)) {
    const set = await succeeds('wg', ['set', name, 'listen-port', String(config.listenPort)], host);
    if (!set.ok) return set;
    host.log.info({ interface: name, before: livePort.value, now: config.listenPort }, 'listen port set');
  }
  if (liveKey.value === host.derivePublicKey(file.privateKey)) return ok(undefined);
  if (file.writtenByNode || liveKey.value === '(none)') return setPrivateKey(name, file.privateKey, host);
  host.log.warn(
    { interface: name, path: file.path },
    'the interface runs with another key than its file has, which the node did not write: left alone',
  );
  return ok(undefined);
}

async function setPrivateKey(name: string, key: PrivateKey, host: InterfaceHost): Step {
  const secret = openMemoryFile();
  if (secret?.replace(key) !== true) {
    secret?.close();
    const message = 'no memory file for the private key: is there a tmpfs at /dev/shm, with room?';
    return fail({ code: 'command_failed', message });
  }
  const args = ['set', name, 'private-key', '/dev/fd/3'];
  const set = await succeeds('wg', args, host, { descriptors: [secret.descriptor] });
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

// Around each packet WireGuard puts up to 80 bytes (IPv6 40, UDP 8, its own 32), and so reckons wg-quick too.
async function setUp(config: InterfaceConfig, host: InterfaceHost): Step {
  const name = config.interface;
  const wan = config.routing?.wanInterface;
  const outer = wan !== undefined && (await isThere(wan, host)) ? await readLink(wan, host) : null;
  const mtuBytes = Math.max(outer?.ok === true ? outer.value.mtuBytes - 80 : 1_420, 1_280);
  return succeeds('ip', ['link', 'set', 'mtu', String(mtuBytes), 'up', 'dev', name], host);
}

// Rules

function clearRules(config: InterfaceConfig, host: InterfaceHost): Step {
  return adjustRules({ ...config, routing: null }, host);
}

/** Makes the rules that carry this interface's comment those of the configuration, each once. */
async function adjustRules(config: InterfaceConfig, host: InterfaceHost): Step {
  for (const program of ['iptables', 'ip6tables'] as const) {
    for (const place of firewallChains) {
      const done = await adjustChain(program, place, config, host);
      if (!done.ok) return done;
    }
  }
  return ok(undefined);
}

async function adjustChain(
  program: FirewallProgram,
  { table, chain }: (typeof firewallChains)[number],
  config: InterfaceConfig,
  host: InterfaceHost,
): Step {
  const wanted = firewallRules(config).filter((rule) => rule.program === program && rule.chain === chain);
  const listing = await call(program, listArgs(table, chain), host);
  // Where nothing is wanted, a host without this firewall is as good as one without rules.
  if (!listing.ok) return wanted.length === 0 ? ok(undefined) : fail(refused(listing.failure, host));
  const present = parseTaggedRules(listing.value, config.interface);
  for (const rule of wanted.filter(({ tag }) => !present.some((each) => each.tag === tag))) {
    const added = await succeeds(program, ruleArgs(rule, '-A'), host);
    if (!added.ok) return added;
    host.log.info({ program, table, chain, rule: rule.match }, 'firewall rule added');
  }
  const missed = new Set(wanted.map(({ tag }) => tag));
  for (const { tag, specification } of present.filter((each) => !missed.delete(each.tag))) {
    const gone = await succeeds(program, ['-w', '5', '-t', table, '-D', ...specification], host);
    if (!gone.ok) return gone;
    host.log.info({ program, table, chain, tag }, 'firewall rule removed');
  }
  return ok(undefined);
}

async function tellRouting(config: InterfaceConfig, host: InterfaceHost): Promise<void> {
  const { routing } = config;
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
}

// Looking

// From /proc, which is there before any tool is and knows the network namespace.
async function isThere(name: string, host: InterfaceHost): Promise<boolean> {
  return parseLinkNames(await readFile(join(host.procFolder, 'net/dev'), 'utf8')).includes(name);
}

async function readLink(name: string, host: InterfaceHost): Step<Link> {
  const shown = await call('ip', ['-json', 'address', 'show', 'dev', name], host);
  if (!shown.ok) return fail(refused(shown.failure, host));
  const link = parseLink(shown.value, name);
  if (link !== null) return ok(link);
  return fail({
    code: 'command_failed',
    message: `what "ip -json address show" says of ${name} is not understood`,
  });
}

async function readDevice(name: string, field: string, host: InterfaceHost): Step<string> {
  const shown = await call('wg', ['show', name, field], host);
  if (shown.ok) return ok(shown.value.trim());
  if (shown.failure.code !== 'command_refused' || !host.isRoot) return fail(refused(shown.failure, host));
  const message = `an interface ${name} exists, and wg can't read it (${shown.failure.detail}): is it another kind of interface? Then give wireguard.interface another name`;
  return fail({ code: 'not_wireguard', message });
}

async function readLiveKey(name: string, host: InterfaceHost): Step<PrivateKey | null> {
  if (!(await isThere(name, host))) return ok(null);
  const shown = await readDevice(name, 'private-key', host);
  if (!shown.ok) return shown;
  return ok(isKey(shown.value) ? (shown.value as PrivateKey) : null);
}

// Calling

// Far above what these calls take on a busy machine; output for a million peers (the kernel's limit) of 45 bytes. Ours.
const callBounds: CommandBounds = { timeoutMs: 60_000, outputMax: 64 * 1024 * 1024 };

// An argument list holds about 19,300 (measured). Ours.
const peersPerCall = 1_000;

function call(
  command: string,
  args: readonly string[],
  host: InterfaceHost,
  more: Partial<CommandBounds> = {},
) {
  return host.run(command, args, { ...callBounds, ...more });
}

async function succeeds(
  command: string,
  args: readonly string[],
  host: InterfaceHost,
  more: Partial<CommandBounds> = {},
): Step {
  const called = await call(command, args, host, more);
  return called.ok ? ok(undefined) : fail(refused(called.failure, host));
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

// Failures

const packages: Readonly<Record<string, string>> = {
  wg: 'wireguard-tools',
  'wg-quick': 'wireguard-tools',
  ip: 'iproute2',
  iptables: 'iptables',
  ip6tables: 'iptables',
};

function refused(failure: CommandFailure, host: InterfaceHost): InterfaceFailure {
  const { command, detail } = failure;
  if (failure.code === 'command_missing') {
    const message = `${detail}: install the package ${packages[command] ?? command}`;
    return { code: 'tool_missing', message };
  }
  if (!host.isRoot) return { code: 'not_permitted', message: `${detail}. This needs root` };
  return { code: 'command_failed', message: detail };
}

function wireguardMissing(kernel: CommandFailure, userspace: CommandFailure): InterfaceFailure {
  const reasons = [`this kernel has no WireGuard (${kernel.detail})`];
  if (userspace.code === 'command_missing') {
    reasons.push('and userspace wireguard-go is not installed: install the package wireguard-go');
  } else reasons.push(`and userspace wireguard-go can't run (${userspace.detail})`);
  if (!existsSync('/dev/net/tun')) reasons.push('; it also needs /dev/net/tun, which is missing');
  return { code: 'wireguard_missing', message: reasons.join(' ') };
}

function ownerUnknown(name: string, path: string): InterfaceFailure {
  const message = `${name} is up, but there is no ${path}, so it may not be the node's. If it is to go: ip link delete dev ${name}`;
  return { code: 'owner_unknown', message };
}
