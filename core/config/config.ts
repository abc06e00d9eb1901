// The node's configuration as the program uses it: checked, with defaults filled in; and the rules between its keys.
// Reads no file: an adapter decodes the YAML and hands in how to read a secret.
import { type Address, type Cidr, cidrContains, cidrSize, formatCidr } from '../address.ts';
import { perPeerSeriesDefault } from '../limits.ts';
import type { LogLevel } from '../ports.ts';
import { fail, ok, type Result } from '../result.ts';
import { apiKeyWant, parseField, tokenWant } from './fields.ts';
import { type ConfigProblem, describeKind } from './problem.ts';
import { type ConfigReader, createConfigReader } from './reader.ts';

/** A certificate and its key, as PEM files. */
export interface TlsFiles {
  readonly certPath: string;
  readonly keyPath: string;
}

/** One address family that the node hands out. */
export interface Subnet {
  readonly cidr: Cidr;
  /** The node's own address, inside the network. */
  readonly serverIp: Address;
}

/** Firewall rules are made for this interface. */
export interface Routing {
  readonly wanInterface: string;
  readonly backend: 'auto' | 'nftables' | 'iptables' | 'none';
}

/** All that can be configured. Paths are as they were written: relative ones begin at the working directory. */
export interface Config {
  readonly server: {
    readonly port: number;
    /** An address to bind; null: every address, IPv4 and IPv6. */
    readonly host: string | null;
    readonly tls: TlsFiles | null;
    /** Null: protected routes are open to every address. */
    readonly allowedIps: readonly Cidr[] | null;
    readonly trustedProxies: readonly Cidr[];
  };
  readonly auth: {
    /** Secret. */
    readonly apiKey: string;
  };
  readonly wireguard: {
    readonly interface: string;
    readonly listenPort: number;
    /** At least one, IPv4 first. */
    readonly subnets: readonly Subnet[];
    /** Null: no firewall rules. */
    readonly routing: Routing | null;
    readonly unknownPeers: 'remove' | 'report';
    /** Null: memory only. */
    readonly peerStoreFile: string | null;
    readonly backend: 'wg' | 'memory';
  };
  readonly logLevel: LogLevel;
  /** Null: no metrics listener. */
  readonly metrics: {
    readonly port: number;
    /** Secret. */
    readonly token: string;
    readonly perPeer: boolean;
    readonly perPeerMax: number;
  } | null;
}

/** Reads the secret in a file; a failure says why not, without the path and the secret. */
export type ReadSecretFile = (path: string) => Result<string, string>;

/**
 * Checks a decoded configuration and fills in defaults. `document` is whatever the file held, undefined for nothing.
 * A failure names every problem, not only the first, in no particular order.
 */
export function parseConfig(
  document: unknown,
  readSecretFile: ReadSecretFile,
): Result<Config, readonly ConfigProblem[]> {
  const reader = createConfigReader(document);
  const server = readServer(reader);
  const auth = readAuth(reader, readSecretFile);
  const wireguard = readWireguard(reader);
  const logLevel = reader.read('log.level') ?? 'info';
  const metrics = readMetrics(reader, readSecretFile, server?.port, auth?.apiKey);
  const problems = reader.problems();
  if (server === null || auth === null || wireguard === null || problems.length > 0) return fail(problems);
  return ok({ server, auth, wireguard, logLevel, metrics });
}

// Each section answers null only where a problem has been noted.

function readServer(reader: ConfigReader): Config['server'] | null {
  const port = reader.readRequired('server.port', 'a port from 1 to 65535');
  const host = reader.read('server.host') ?? null;
  const tls = readTls(reader);
  const allowedIps = reader.read('server.allowed_ips') ?? null;
  const trustedProxies = reader.read('server.trusted_proxies') ?? loopback;
  return port === undefined ? null : { port, host, tls, allowedIps, trustedProxies };
}

const loopback: readonly Cidr[] = [
  { family: 'IPv4', base: 0x7f000001n, prefix: 32 },
  { family: 'IPv6', base: 1n, prefix: 128 },
];

function readTls(reader: ConfigReader): TlsFiles | null {
  reader.bothOrNeither('server.tls_cert', 'server.tls_key');
  const certPath = reader.read('server.tls_cert');
  const keyPath = reader.read('server.tls_key');
  return certPath === undefined || keyPath === undefined ? null : { certPath, keyPath };
}

function readAuth(reader: ConfigReader, readSecretFile: ReadSecretFile): Config['auth'] | null {
  if (!reader.given('auth.api_key') && !reader.given('auth.api_key_file')) {
    reader.note('auth.api_key', 'nothing', `${apiKeyWant}, or auth.api_key_file`);
  }
  const apiKey = readSecret(reader, readSecretFile, 'auth.api_key', apiKeyWant);
  return apiKey === undefined ? null : { apiKey };
}

/** A secret that stands in the configuration, or in a file of its own; undefined: it is absent, or wrong, which is noted. */
function readSecret(
  reader: ConfigReader,
  readSecretFile: ReadSecretFile,
  key: 'auth.api_key' | 'metrics.token',
  want: string,
): string | undefined {
  const fileKey = `${key}_file` as const;
  const value = reader.read(key);
  const path = reader.read(fileKey);
  if (!reader.given(fileKey)) return value;
  if (reader.given(key)) reader.note(fileKey, `both it and ${key}`, 'only one of them');
  if (reader.given(key) || path === undefined) return undefined;
  const content = readSecretFile(path);
  if (content.ok && parseField(key, content.value).ok) return content.value;
  if (content.ok)
    reader.note(fileKey, `a file with ${describeKind(content.value)}`, `a file that holds ${want}`);
  else reader.noteFile(fileKey, content.failure, `a file that holds ${want}`);
  return undefined;
}

function readWireguard(reader: ConfigReader): Config['wireguard'] | null {
  const name = reader.readRequired('wireguard.interface', 'an interface name such as wg0');
  const listenPort = reader.readRequired('wireguard.listen_port', 'a UDP port from 1 to 65535');
  const subnets = readSubnets(reader);
  const routing = readRouting(reader, name);
  const unknownPeers = reader.read('wireguard.unknown_peers') ?? 'remove';
  const peerStoreFile = reader.read('wireguard.peer_store_file') ?? null;
  const backend = reader.read('wireguard.backend') ?? 'wg';
  if (name === undefined || listenPort === undefined) return null;
  return { interface: name, listenPort, subnets, routing, unknownPeers, peerStoreFile, backend };
}

function readSubnets(reader: ConfigReader): Subnet[] {
  if (!reader.given('wireguard.subnet') && !reader.given('wireguard.subnet6')) {
    reader.note(
      'wireguard.subnet',
      'nothing',
      'an IPv4 network here, an IPv6 network in wireguard.subnet6, or both',
    );
  }
  const subnets = [
    readSubnet(reader, 'wireguard.subnet', 'wireguard.server_ip'),
    readSubnet(reader, 'wireguard.subnet6', 'wireguard.server_ip6'),
  ];
  return subnets.filter((subnet) => subnet !== null);
}

function readSubnet(
  reader: ConfigReader,
  subnetKey: 'wireguard.subnet' | 'wireguard.subnet6',
  serverIpKey: 'wireguard.server_ip' | 'wireguard.server_ip6',
): Subnet | null {
  const cidr = reader.read(subnetKey);
  const given = reader.read(serverIpKey);
  if (given !== undefined && !reader.given(subnetKey)) {
    reader.noteValue(serverIpKey, `${subnetKey} beside it, or neither`);
  }
  if (cidr === undefined) return null;
  const serverIp = given ?? { family: cidr.family, value: cidr.base + 1n };
  const want = serverIpProblem(cidr, serverIp);
  if (want !== null) reader.noteValue(serverIpKey, want);
  return { cidr, serverIp };
}

/** What is wanted instead of this address; null: it is right. IPv6 has no broadcast address. */
function serverIpProblem(cidr: Cidr, serverIp: Address): string | null {
  if (!cidrContains(cidr, serverIp)) return `an address inside ${formatCidr(cidr)}`;
  if (cidr.family === 'IPv6') return null;
  if (serverIp.value === cidr.base) return `an address other than the network's own in ${formatCidr(cidr)}`;
  const broadcast = cidr.base + cidrSize(cidr) - 1n;
  return serverIp.value === broadcast ? `an address other than the broadcast of ${formatCidr(cidr)}` : null;
}

function readRouting(reader: ConfigReader, name: string | undefined): Routing | null {
  const backend = reader.read('wireguard.routing.backend') ?? 'auto';
  const wanInterface = reader.read('wireguard.routing.wan_interface');
  if (wanInterface === undefined) return null;
  if (wanInterface === name) {
    reader.noteValue('wireguard.routing.wan_interface', 'another interface than wireguard.interface');
  }
  return { wanInterface, backend };
}

function readMetrics(
  reader: ConfigReader,
  readSecretFile: ReadSecretFile,
  serverPort?: number,
  apiKey?: string,
): Config['metrics'] {
  const tokenKey = reader.given('metrics.token_file') ? 'metrics.token_file' : 'metrics.token';
  reader.bothOrNeither('metrics.port', tokenKey);
  const port = reader.read('metrics.port');
  const token = readSecret(reader, readSecretFile, 'metrics.token', tokenWant);
  const perPeer = reader.read('metrics.per_peer') ?? false;
  const perPeerMax = reader.read('metrics.per_peer_max') ?? perPeerSeriesDefault;
  if (port !== undefined && port === serverPort)
    reader.noteValue('metrics.port', 'another port than server.port');
  if (token !== undefined && token === apiKey) {
    reader.note(tokenKey, 'the same as the API key', 'a token of its own');
  }
  return port === undefined || token === undefined ? null : { port, token, perPeer, perPeerMax };
}
