// What several checks look at, each looked at once: interfaces, device, files, sockets and who has them.
import { resolve } from 'node:path';
import type { Config } from '../../core/config/config.ts';
import type { StoreFacts } from '../../core/doctor/files.ts';
import type { InterfaceFacts } from '../../core/doctor/interface.ts';
import { findHolders, type Holders, socketLink } from '../host/processes.ts';
import { type BoundSockets, readSockets } from '../host/sockets.ts';
import { settleBackendInForce } from '../interface/firewall.ts';
import type { FirewallConfig } from '../interface/firewall-rules.ts';
import { interfacePath } from '../interface/interface-file.ts';
import { interfaceLockName } from '../interface/interface-lock.ts';
import type { Link } from '../interface/link-text.ts';
import { lockPath } from '../store/open.ts';
import { readDeviceFacts, readLinks } from './device.ts';
import type { DoctorHost } from './host.ts';
import { lookAtInterfaceFile, type SeenFile } from './interface-file.ts';
import { lookAtStore, storeTarget } from './store.ts';

/** This host, with a configuration that is right. */
export interface Sight {
  readonly host: DoctorHost;
  readonly config: Config;
  /** Absolute. */
  readonly filePath: string;
  /** Absolute, links followed; null: peers are kept in memory. */
  storePath(): Promise<string | null>;
  store(): Promise<StoreFacts['content']>;
  file(): Promise<SeenFile>;
  /** The firewall back end that is used; null: no rules are asked for; undefined: that could not be seen. */
  routing(): Promise<FirewallConfig['routing'] | undefined>;
  links(): Promise<ReadonlyMap<string, Link> | null>;
  device(): Promise<InterfaceFacts['device']>;
  sockets(): Promise<BoundSockets>;
  /** The inode of the lock that a server of the interface has; null: nobody serves it. */
  serverSocket(): Promise<number | null>;
  /** Who has the configured ports, the interface's lock and the store's. */
  holders(): Promise<Holders>;
}

/** Looks at nothing before it is asked to, and at each thing once. */
export function createSight(host: DoctorHost, config: Config): Sight {
  const { wireguard, server, metrics } = config;
  const filePath = interfacePath(host.folder, wireguard.interface);
  const ports = [server.port, metrics?.port, wireguard.listenPort];
  const sight: Sight = {
    host,
    config,
    filePath,
    storePath: once(async () => {
      const path = wireguard.peerStoreFile;
      return path === null ? null : storeTarget(resolve(path));
    }),
    store: once(async () => {
      const path = await sight.storePath();
      return path === null ? { kind: 'missing' } : lookAtStore(path);
    }),
    file: once(async () => {
      const routing = (await sight.routing()) ?? null;
      return lookAtInterfaceFile(filePath, { ...wireguard, routing });
    }),
    routing: once(async () => {
      const settled = await settleBackendInForce(wireguard, host);
      return settled.ok ? settled.value : undefined;
    }),
    links: once(() => readLinks(host.run)),
    device: once(() => readDeviceFacts(wireguard.interface, host.run, host.isRoot)),
    sockets: once(readSockets),
    holders: once(async () => {
      const { tcp, udp } = await sight.sockets();
      const sockets = [...tcp, ...udp].filter(({ port, inode }) => inode !== 0 && ports.includes(port));
      const server = await sight.serverSocket();
      const inodes = [...sockets.map(({ inode }) => inode), ...(server === null ? [] : [server])];
      const store = await sight.storePath();
      const files = store === null ? [] : [lockPath(store)];
      return findHolders(new Set([...inodes.map(socketLink), ...files]));
    }),
    serverSocket: once(async () => {
      const { abstract } = await sight.sockets();
      return abstract(interfaceLockName(wireguard.interface));
    }),
  };
  return sight;
}

function once<Value>(look: () => Promise<Value>): () => Promise<Value> {
  let looked: Promise<Value> | null = null;
  return () => (looked ??= look());
}
