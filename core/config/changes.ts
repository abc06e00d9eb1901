// Which keys differ between two configurations, and which of them a server that runs can take. Changes nothing.
import { isDeepStrictEqual } from 'node:util';
import type { AddressFamily } from '../address.ts';
import type { Config, Subnet } from './config.ts';
import type { ConfigKey } from './fields.ts';

/** Keys whose values differ. */
export interface ConfigChanges {
  /** A server that runs takes these. */
  readonly live: readonly ConfigKey[];
  /** These need a restart. */
  readonly fixed: readonly ConfigKey[];
}

/** Compares two configurations key by key. `server.tls_cert` and `server.tls_key` are paths here: what is in the files is not looked at. */
export function findConfigChanges(before: Config, after: Config): ConfigChanges {
  const changed = (keys: KeyValues): ConfigKey[] =>
    (Object.keys(keys) as ConfigKey[]).filter((key) => {
      const read = keys[key];
      return read !== undefined && !isDeepStrictEqual(read(before), read(after));
    });
  return { live: changed(liveKeys), fixed: changed(fixedKeys) };
}

type KeyValues = Readonly<Partial<Record<ConfigKey, (config: Config) => unknown>>>;

const liveKeys = {
  'server.allowed_ips': ({ server }: Config) => server.allowedIps,
  'server.trusted_proxies': ({ server }: Config) => server.trustedProxies,
  'auth.api_key': ({ auth }: Config) => auth.apiKey,
  'log.level': ({ logLevel }: Config) => logLevel,
};

// Every other key is here: a new one does not compile until somebody has decided.
const fixedKeys: Readonly<
  Record<
    Exclude<ConfigKey, keyof typeof liveKeys | 'auth.api_key_file' | 'metrics.token_file'>,
    (config: Config) => unknown
  >
> = {
  'server.port': ({ server }) => server.port,
  'server.host': ({ server }) => server.host,
  // Other files are taken by a server that has TLS; to begin or end with it is not.
  'server.tls_cert': ({ server }) => server.tls !== null,
  'server.tls_key': ({ server }) => server.tls !== null,
  'wireguard.interface': ({ wireguard }) => wireguard.interface,
  'wireguard.listen_port': ({ wireguard }) => wireguard.listenPort,
  'wireguard.subnet': (config) => subnetOf(config, 'IPv4')?.cidr,
  'wireguard.server_ip': (config) => serverIpOf(subnetOf(config, 'IPv4')),
  'wireguard.subnet6': (config) => subnetOf(config, 'IPv6')?.cidr,
  'wireguard.server_ip6': (config) => serverIpOf(subnetOf(config, 'IPv6')),
  'wireguard.routing.wan_interface': ({ wireguard }) => wireguard.routing?.wanInterface,
  'wireguard.routing.backend': ({ wireguard }) => wireguard.routing?.backend,
  'wireguard.unknown_peers': ({ wireguard }) => wireguard.unknownPeers,
  'wireguard.peer_store_file': ({ wireguard }) => wireguard.peerStoreFile,
  'wireguard.backend': ({ wireguard }) => wireguard.backend,
  'metrics.port': ({ metrics }) => metrics?.port,
  'metrics.token': ({ metrics }) => metrics?.token,
  'metrics.per_peer': ({ metrics }) => metrics?.perPeer,
  'metrics.per_peer_max': ({ metrics }) => metrics?.perPeerMax,
};

function subnetOf({ wireguard }: Config, family: AddressFamily): Subnet | undefined {
  return wireguard.subnets.find(({ cidr }) => cidr.family === family);
}

/** By its place in the network: an address that nobody chose moves with its network, and that is one change. */
function serverIpOf(subnet: Subnet | undefined): bigint | undefined {
  return subnet === undefined ? undefined : subnet.serverIp.value - subnet.cidr.base;
}
