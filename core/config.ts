// The node's configuration as the program uses it: checked, with defaults filled in.
import type { Address, Cidr } from './address.ts';
import type { LogLevel } from './ports.ts';

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
