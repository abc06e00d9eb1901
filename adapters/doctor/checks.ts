// The table of checks: what each is called, what it needs, what it looks at and what judges that. A new check is a line here,
// a look in this folder and a judge in core/doctor.
import type { Config } from '../../core/config/config.ts';
import {
  judgeCertificate,
  judgeConfig,
  judgeFolder,
  judgeLock,
  judgeStore,
} from '../../core/doctor/files.ts';
import { judgeInterface, judgeInterfaceFile } from '../../core/doctor/interface.ts';
import {
  judgeFirewall,
  judgeMtu,
  judgePort,
  judgeServer,
  judgeSubnets,
  judgeUdpPort,
  judgeWan,
} from '../../core/doctor/network.ts';
import { judgeClock, judgeOpenFiles, judgePrivileges, judgeRuntime } from '../../core/doctor/runtime.ts';
import { canMakeInterface, judgeForwarding, judgePrograms, judgeWireGuard } from '../../core/doctor/tools.ts';
import { good, type Verdict } from '../../core/doctor/verdict.ts';
import { readForwarding } from '../interface/forwarding.ts';
import { interfaceAddress } from '../interface/wg-quick-text.ts';
import { openFilesMax } from '../open-files.ts';
import { lookAtCertificate } from './certificate.ts';
import { lookAtFirewall } from './firewall.ts';
import type { DoctorHost } from './host.ts';
import { lookAtLock } from './lock.ts';
import { lookAtApiPort, lookAtMetricsPort, lookAtServer, lookAtUdpPort } from './ports.ts';
import { lookForPrograms, lookForWireGuard } from './programs.ts';
import { readNetworks } from './routes.ts';
import { lookAtClock, lookAtPrivileges, lookAtRuntime } from './runtime.ts';
import type { Sight } from './sight.ts';
import { lookAtFolder } from './store.ts';

/**
 * One check. `host`: made whatever the configuration says; `device`: the same, unless that has the device in memory;
 * `config`: where there is one that is right; `interface`: where that also has a real interface.
 */
export type Check = HostCheck<'host'> | HostCheck<'device'> | SightCheck<'config'> | SightCheck<'interface'>;

interface HostCheck<Needs> {
  readonly name: string;
  readonly needs: Needs;
  /** `config` is null where there is none that is right. Never rejects for what it finds. */
  readonly make: (host: DoctorHost, config: Config | null) => Verdict | Promise<Verdict>;
}

interface SightCheck<Needs> {
  readonly name: string;
  readonly needs: Needs;
  /** Never rejects for what it finds. */
  readonly make: (sight: Sight) => Promise<Verdict>;
}

/** Every check, in the order in which they are read. Names stay the same from version to version. */
export const checks: readonly Check[] = [
  { name: 'config', needs: 'host', make: checkConfig },
  { name: 'node', needs: 'host', make: async () => judgeRuntime(await lookAtRuntime()) },
  { name: 'privileges', needs: 'device', make: (host) => judgePrivileges(lookAtPrivileges(host)) },
  { name: 'clock', needs: 'host', make: (host) => judgeClock(lookAtClock(host)) },
  {
    name: 'programs',
    needs: 'host',
    make: async (host, config) => judgePrograms(await lookForPrograms(host, config)),
  },
  {
    name: 'wireguard',
    needs: 'host',
    make: async (host, config) =>
      judgeWireGuard(config?.wireguard.backend === 'memory' ? null : await lookForWireGuard(host, config)),
  },
  { name: 'forwarding', needs: 'interface', make: checkForwarding },
  { name: 'interface', needs: 'interface', make: checkInterface },
  { name: 'interface_file', needs: 'interface', make: checkInterfaceFile },
  { name: 'server', needs: 'interface', make: async (sight) => judgeServer(await lookAtServer(sight)) },
  { name: 'udp_port', needs: 'interface', make: async (sight) => judgeUdpPort(await lookAtUdpPort(sight)) },
  { name: 'api_port', needs: 'config', make: async (sight) => judgePort(await lookAtApiPort(sight)) },
  { name: 'metrics_port', needs: 'config', make: checkMetricsPort },
  { name: 'wan_interface', needs: 'interface', make: checkWan },
  {
    name: 'firewall',
    needs: 'interface',
    make: async (sight) => judgeFirewall(await lookAtFirewall(sight)),
  },
  { name: 'mtu', needs: 'interface', make: checkMtu },
  { name: 'subnets', needs: 'interface', make: checkSubnets },
  { name: 'store', needs: 'config', make: checkStore },
  { name: 'store_folder', needs: 'config', make: checkFolder },
  { name: 'store_lock', needs: 'config', make: checkLock },
  { name: 'certificate', needs: 'config', make: checkCertificate },
  { name: 'open_files', needs: 'config', make: checkOpenFiles },
];

function checkConfig({ configPath, config }: DoctorHost): Verdict {
  return judgeConfig({ path: configPath, config });
}

async function checkForwarding({ config, links }: Sight): Promise<Verdict> {
  const { interface: name, subnets } = config.wireguard;
  const [{ deaf, ...settings }, seen] = await Promise.all([readForwarding(name, '/proc/sys'), links()]);
  return judgeForwarding({
    families: subnets.map(({ cidr }) => cidr.family),
    ...settings,
    // The ports of a bridge, as containers have them, get their routes through the bridge.
    deaf: deaf.filter((each) => seen?.get(each)?.isPort !== true),
  });
}

async function checkInterface(sight: Sight): Promise<Verdict> {
  const { interface: name, listenPort, subnets } = sight.config.wireguard;
  const [links, { privateKey }] = await Promise.all([sight.links(), sight.file()]);
  const link = links === null ? undefined : (links.get(name) ?? null);
  return judgeInterface({
    name,
    wanted: { listenPort, addresses: subnets.map(interfaceAddress) },
    link,
    device: link ? await sight.device() : null,
    fileKey: privateKey === null ? null : sight.host.derivePublicKey(privateKey),
    canBeMade: link !== null || canMakeInterface(await lookForWireGuard(sight.host, null)),
  });
}

async function checkInterfaceFile(sight: Sight): Promise<Verdict> {
  const [{ content: file }, store] = await Promise.all([sight.file(), sight.store()]);
  // A store that can't be read counts as one with peers, as it does at a start.
  const peersStored = store.kind === 'valid' ? store.peers > 0 : store.kind !== 'missing';
  const { peerStoreFile, unknownPeers } = sight.config.wireguard;
  const removesAll = peerStoreFile !== null && store.kind === 'missing' && unknownPeers === 'remove';
  const { isRoot } = sight.host;
  return judgeInterfaceFile({ path: sight.filePath, file, peersStored, removesAll, isRoot });
}

async function checkMetricsPort(sight: Sight): Promise<Verdict> {
  const { metrics } = sight.config;
  if (metrics === null) return good('metrics.port is not set');
  return judgePort(await lookAtMetricsPort(sight, metrics.port));
}

async function checkWan(sight: Sight): Promise<Verdict> {
  const name = sight.config.wireguard.routing?.wanInterface ?? null;
  const links = name === null ? null : await sight.links();
  const others = [...(links?.keys() ?? [])].filter(
    (each) => each !== 'lo' && each !== sight.config.wireguard.interface,
  );
  return judgeWan({
    name,
    link: links === null || name === null ? undefined : (links.get(name) ?? null),
    others,
  });
}

async function checkMtu(sight: Sight): Promise<Verdict> {
  const { interface: name, routing } = sight.config.wireguard;
  const links = await sight.links();
  const wan = routing === null ? undefined : links?.get(routing.wanInterface);
  return judgeMtu({
    name,
    mtuBytes: links === null ? undefined : (links.get(name)?.mtuBytes ?? null),
    wan:
      routing === null || wan === undefined ? null : { name: routing.wanInterface, mtuBytes: wan.mtuBytes },
  });
}

async function checkSubnets({ config, host }: Sight): Promise<Verdict> {
  const { subnets, interface: name } = config.wireguard;
  return judgeSubnets({
    subnets: subnets.map(({ cidr }) => cidr),
    networks: await readNetworks(host.run, name),
  });
}

async function checkStore(sight: Sight): Promise<Verdict> {
  return judgeStore({ path: await sight.storePath(), content: await sight.store() });
}

async function checkFolder(sight: Sight): Promise<Verdict> {
  const path = await sight.storePath();
  return path === null ? good(inMemory) : judgeFolder(await lookAtFolder(path, sight.host.isRoot));
}

async function checkLock(sight: Sight): Promise<Verdict> {
  const path = await sight.storePath();
  return path === null ? good(inMemory) : judgeLock(await lookAtLock(sight, path));
}

const inMemory = 'no peer_store_file, so there is none';

async function checkCertificate({ config, host }: Sight): Promise<Verdict> {
  return judgeCertificate(await lookAtCertificate(config.server.tls, host.nowMs()));
}

/** Of the node that runs, if it can be found; else of this process, which a node would inherit. */
async function checkOpenFiles(sight: Sight): Promise<Verdict> {
  const { holder } = await lookAtApiPort(sight);
  const pid = holder?.kind === 'node' ? holder.pid : null;
  return judgeOpenFiles({ limit: openFilesMax(pid ?? 'self') });
}
