// A network namespace with the real program on a real interface, and what is run beside it in there. Needs root.
import { spawnSync } from 'node:child_process';
import { readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { renderAddconf } from '../adapters/device/wg-text.ts';
import { createNamespace, type Namespace } from '../test/fixtures/namespace.ts';
import { peerFixture } from '../test/fixtures/peers.ts';
import { type BenchNode, createHome, type NodeHome, type NodeOptions } from './node-process.ts';
import { cpuNs, loadCore } from './processes.ts';
import { makeScratch, removeScratch } from './scratch.ts';

export interface Site {
  readonly namespace: Namespace;
  readonly home: NodeHome;
  start(): Promise<BenchNode>;
  /** Runs one of the programs of `bench/load/` inside, and parses what it prints. */
  measure<Times>(program: string, ...words: readonly string[]): Promise<Times>;
  close(): Promise<void>;
}

/** Why this machine can't; null: it can. */
export function whyNoSite(): string | null {
  if (process.getuid?.() !== 0) return 'it makes interfaces: only root can';
  if (spawnSync('unshare', ['--net', '--mount', 'true']).status !== 0)
    return 'network namespaces are refused here';
  return spawnSync('wireguard-go', ['--version']).error === undefined
    ? null
    : 'wireguard-go is not installed';
}

/**
 * Makes the namespace and the node's home in it.
 *
 * `calm`: the interface is there, never up, and the node is told that it is, or it would not be ready. One that is up calls each peer
 * with keepalive every 5 s, and with 65,000 peers that never answer, wireguard-go takes all that two cores have. One that is
 * down is read and changed the same.
 */
export async function createSite(
  options: Omit<NodeOptions, 'backend' | 'prefix'> & { readonly calm?: true },
): Promise<Site> {
  const cleanups: (() => Promise<unknown>)[] = [];
  const namespace = await createNamespace({ after: (remove) => cleanups.push(remove) });
  const environment = { ...options.environment };
  if (options.calm) {
    await addDownWireGuard(namespace, 'wg0');
    const folder = makeScratch('ip', 'memory');
    cleanups.push(async () => removeScratch(folder));
    environment['PATH'] = `${withoutUp(folder)}:${process.env['PATH']}`;
  }
  const home = await createHome({ ...options, environment, backend: 'wg', prefix: namespace.enter });
  const nodes = new Set<BenchNode>();
  return {
    namespace,
    home,
    async start() {
      const node = await home.start();
      nodes.add(node);
      return node;
    },
    async measure(program, ...words) {
      const path = fileURLToPath(import.meta.resolve(`./load/${program}.js`));
      return JSON.parse(
        await namespace.run('taskset', '-c', String(loadCore), process.execPath, path, ...words),
      );
    },
    async close() {
      for (const node of nodes) await node.stop();
      for (const cleanup of cleanups) await cleanup();
      home.remove();
    },
  };
}

/**
 * Makes an interface whose wireguard-go is down and stays so until somebody sets it up. Under some kernels (6.18) wireguard-go
 * takes a new one for up (tun/tun_linux.go, routineHackListener): then it binds a port, and that fails here, since the only one
 * there is to draw is taken. It does not try again.
 */
async function addDownWireGuard(namespace: Namespace, name: string): Promise<void> {
  const range = '/proc/sys/net/ipv4/ip_local_port_range';
  const setRange = (ports: string) => namespace.run('sh', '-c', `echo ${ports} >${range}`);
  const usual = (await namespace.run('cat', range)).trim();
  await setRange('65535 65535');
  const taker = await namespace.addWireGuard('taker');
  await namespace.run('wg', 'set', 'taker', 'listen-port', '65535');
  await namespace.run('ip', 'link', 'set', 'taker', 'up');
  await namespace.addWireGuard(name);
  // Longer than it takes to look once more whether it is up.
  await setTimeout(1_500);
  await setRange(usual);
  await taker.remove();
}

/** A folder for PATH with an `ip` that brings nothing up, and says of WireGuard's interfaces that they are. */
function withoutUp(folder: string): string {
  const script = `#!/bin/sh
case "$*" in "link set"*up*) exit 0 ;; esac
PATH=${process.env['PATH']}
case "$1" in -o) ip "$@" | exec sed -u 's/<POINTOPOINT,/<UP,POINTOPOINT,/' ;; *) exec ip "$@" ;; esac
`;
  writeFileSync(join(folder, 'ip'), script, { mode: 0o755 });
  return folder;
}

/** An interface as the node's own is: with a key, bound and up. A peer costs more on one that is up, since it is called at once. */
export async function addRunningWireGuard(namespace: Namespace, name: string): Promise<void> {
  await namespace.addWireGuard(name);
  await namespace.run(
    'sh',
    '-c',
    `wg genkey | wg set ${name} private-key /dev/stdin && ip link set ${name} up`,
  );
}

/** Longer than any pause between two calls of a silent peer. */
const restMinSeconds = 6;

/**
 * Waits until the devices of the namespace do next to nothing: a peer with keepalive that was never heard of is called
 * 18 times after it was added (wireguard-go, device/constants.go), all of them at once, with pauses of up to 5 s: only what
 * lasts for longer is rest. It begins anew 25 s later, so there are some 19 s left then. Tens of thousands of such peers on an
 * interface that is up leave no rest at all: that is not waited for.
 */
export async function quiet(namespace: Namespace): Promise<void> {
  const pids = (await namespace.run('sh', '-c', 'pgrep -x wireguard-go || true')).trim().split('\n');
  const net = networkOf(String(namespace.pid));
  const here = pids.filter((pid) => networkOf(pid) === net).map(Number);
  const spentNs = () => here.reduce((total, pid) => total + cpuNs(pid), 0);
  let restSeconds = 0;
  for (let second = 0; second < 180 && restSeconds < restMinSeconds; second += 3) {
    const before = spentNs();
    await setTimeout(3_000);
    restSeconds = spentNs() - before < 3e9 * 0.05 ? restSeconds + 3 : 0;
  }
}

/** The network namespace of a process; null: it has gone. */
function networkOf(pid: string): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return null;
  }
}

/** What a device takes by itself: calls of `wg addconf` back to back, each with this many new peers. */
export interface BareDevice {
  /** New peers a second, over so many calls. They are removed again. */
  rate(calls: number): Promise<number>;
  remove(): void;
}

const peersPerCall = 64;

/** A second interface in the namespace, which holds as many peers beforehand: without keepalive, so that it does not call them. */
export async function createBareDevice(
  namespace: Namespace,
  name: string,
  peers: number,
): Promise<BareDevice> {
  await addRunningWireGuard(namespace, name);
  const folder = makeScratch('addconf', 'memory');
  let next = 4_000_000;
  const make = (count: number) => Array.from({ length: count }, () => peerFixture(next++));
  const write = (file: string, text: string) => {
    writeFileSync(join(folder, file), text, { mode: 0o600 });
    return join(folder, file);
  };
  const uncalled = renderAddconf(make(peers)).replaceAll(/^PersistentKeepalive = .*\n/gm, '');
  await namespace.run('wg', 'addconf', name, write('first', uncalled));
  return {
    async rate(calls) {
      const batches = Array.from({ length: calls }, () => make(peersPerCall));
      const files = batches.map((batch, call) => write(`call-${call}`, renderAddconf(batch)));
      // Timed by the shell itself: starting it is none of the device's cost.
      const text = `began=$(date +%s%N); for file in "$@"; do wg addconf ${name} "$file" || exit; done; echo $(($(date +%s%N) - began))`;
      const tookNs = Number(await namespace.run('sh', '-c', text, 'sh', ...files));
      const removals = batches.flat().flatMap((peer) => ['peer', peer.publicKey, 'remove']);
      await namespace.run('wg', 'set', name, ...removals);
      return (calls * peersPerCall) / (tookNs / 1e9);
    },
    remove: () => removeScratch(folder),
  };
}
