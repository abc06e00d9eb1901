// Looks for the programs that the node runs, and for WireGuard in the kernel or beside it.
import { constants, existsSync } from 'node:fs';
import { access, open, readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../core/config/config.ts';
import type { KernelWireGuard, ProgramFacts, WireGuardFacts } from '../../core/doctor/tools.ts';
import { packageOf } from '../program-packages.ts';
import { readDeviceFacts } from './device.ts';
import type { DoctorHost } from './host.ts';

/** Looks for what the configuration needs; for what every node needs where there is none that is right. */
export async function lookForPrograms(host: DoctorHost, config: Config | null): Promise<ProgramFacts> {
  const wanted = await programsFor(config, host.path);
  const found = await Promise.all(wanted.map((program) => isOnPath(program, host.path)));
  return { wanted, missing: wanted.filter((_, index) => found[index] === false), packageOf };
}

async function programsFor(config: Config | null, path: string): Promise<readonly string[]> {
  if (config?.wireguard.backend === 'memory') return config.wireguard.peerStoreFile === null ? [] : ['flock'];
  return ['wg', 'ip', 'flock', ...(config === null ? [] : await firewallPrograms(config.wireguard, path))];
}

/** Those of the back end; of the one that is there, where either will do. */
async function firewallPrograms(
  { routing, subnets }: Config['wireguard'],
  path: string,
): Promise<readonly string[]> {
  if (routing === null || routing.backend === 'none') return [];
  const iptables = subnets.map(({ cidr }) => (cidr.family === 'IPv4' ? 'iptables-save' : 'ip6tables-save'));
  if (routing.backend === 'iptables') return iptables;
  if (routing.backend === 'nftables' || (await isOnPath('nft', path))) return ['nft'];
  const found = await Promise.all(iptables.map((program) => isOnPath(program, path)));
  return found.includes(false) ? ['nft'] : iptables;
}

async function isOnPath(program: string, path: string): Promise<boolean> {
  for (const folder of path.split(':').filter(Boolean)) {
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/** Tells where WireGuard would come from, without trying it. `config` null: of no interface it is known that it is the node's. */
export async function lookForWireGuard(host: DoctorHost, config: Config | null): Promise<WireGuardFacts> {
  const kernel = existsSync('/sys/module/wireguard') ? 'loaded' : await lookForModule();
  return {
    kernel,
    hasUserspace: await isOnPath('wireguard-go', host.path),
    hasTun: await opens('/dev/net/tun'),
    isUsed: kernel !== 'loaded' && config !== null && (await answers(config.wireguard.interface, host)),
  };
}

/** A device node may be there, and its driver or a container's permission not (ENODEV, EPERM). */
async function opens(path: string): Promise<boolean> {
  const handle = await open(path, 'r+').catch(() => null);
  await handle?.close();
  return handle !== null;
}

async function answers(name: string, { run, isRoot }: DoctorHost): Promise<boolean> {
  const device = await readDeviceFacts(name, run, isRoot);
  return device !== null && typeof device === 'object';
}

async function lookForModule(): Promise<Exclude<KernelWireGuard, 'loaded'>> {
  // A kernel that can load modules lists them, in a container, too (proc(5)).
  if (!existsSync('/proc/modules')) return 'absent';
  // What modprobe(8) goes by. A container has no modules of its host's kernel to see.
  const folder = `/lib/modules/${release()}`;
  const lists = await Promise.all(
    ['modules.dep', 'modules.builtin'].map((name) => readFile(join(folder, name), 'utf8').catch(() => null)),
  );
  if (lists.some((list) => list !== null && /\/wireguard\.ko/.test(list))) return 'loadable';
  return lists[0] === null ? 'unknown' : 'absent';
}
