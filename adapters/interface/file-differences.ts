// Where a file for wg-quick and the configuration disagree about port and addresses, and how to make them agree. Rules are not
// compared here, nor is the live interface. Pure.
import {
  type AddressFamily,
  formatAddress,
  formatCidr,
  networkBase,
  parsePrefixed,
} from '../../core/address.ts';
import { hideKeysAlone } from '../../core/hide-keys.ts';
import { type InterfaceConfig, interfaceAddress, type WgQuickFile } from './wg-quick-text.ts';

/** One thing that differs. Both texts are one line, without a secret. */
export interface FileDifference {
  /** What is in the file, and what in the configuration. */
  readonly seen: string;
  /** What to set, and where. */
  readonly advice: string;
}

type Wanted = Pick<InterfaceConfig, 'listenPort' | 'subnets'>;

/** All of them; none: they agree. */
export function listFileDifferences(file: WgQuickFile, config: Wanted): readonly FileDifference[] {
  const unreadable = file.addresses.filter((address) => parsePrefixed(address) === null);
  return [
    ...comparePort(file.listenPort, config.listenPort),
    ...compareAddresses('IPv4', file, config),
    ...compareAddresses('IPv6', file, config),
    ...unreadable.map((text) => ({
      seen: `Address is ${JSON.stringify(hideKeysAlone(text))} in the file, which is no address`,
      advice: 'take it out of the file',
    })),
  ];
}

/** A line for each: `- ListenPort is … → set …`. */
export function formatFileDifferences(differences: readonly FileDifference[]): readonly string[] {
  return differences.map(({ seen, advice }) => `- ${seen} → ${advice}`);
}

function comparePort(inFile: number | null, configured: number): readonly FileDifference[] {
  if (inFile === configured) return [];
  const inConfiguration = `wireguard.listen_port ${configured} in the configuration`;
  const set = `set ListenPort = ${configured} in the file`;
  return inFile === null
    ? [{ seen: `no valid ListenPort is in the file, ${inConfiguration}`, advice: set }]
    : [
        {
          seen: `ListenPort is ${inFile} in the file, ${inConfiguration}`,
          advice: `${set}, or set wireguard.listen_port: ${inFile}`,
        },
      ];
}

const keys = {
  IPv4: { subnet: 'wireguard.subnet', serverIp: 'wireguard.server_ip' },
  IPv6: { subnet: 'wireguard.subnet6', serverIp: 'wireguard.server_ip6' },
} as const;

function compareAddresses(
  family: AddressFamily,
  { addresses }: WgQuickFile,
  { subnets }: Wanted,
): readonly FileDifference[] {
  const subnet = subnets.find(({ cidr }) => cidr.family === family);
  const configured = subnet === undefined ? [] : [interfaceAddress(subnet)];
  const inFile = addresses.filter(
    (address) =>
      parsePrefixed(address)?.address.family === family &&
      // The kernel gives such a one by itself, and wg-quick saves it with the others.
      (networkOf(address) !== linkLocal || configured.includes(address)),
  );
  if (inFile.join() === configured.join()) return [];

  const { subnet: subnetKey, serverIp: serverIpKey } = keys[family];
  const there = inFile.length === 0 ? `no ${family} Address is` : `Address is ${inFile.join(', ')}`;
  const wanted =
    configured.length === 0 ? `no ${subnetKey}` : `${configured} by ${subnetKey} and ${serverIpKey}`;
  const changes = [
    configured.length === 0 ? 'take it out of the file' : `set Address = ${configured} in the file`,
    inFile.length === 0 ? `take ${subnetKey} out of the configuration` : null,
    // Several can't be configured: the node has one address a family.
    inFile.length === 1 ? configure(inFile[0] ?? '', subnetKey, serverIpKey) : null,
  ];
  return [
    {
      seen: `${there} in the file, ${wanted} in the configuration`,
      advice: changes.filter((change) => change !== null).join(', or '),
    },
  ];
}

function configure(text: string, subnetKey: string, serverIpKey: string): string | null {
  const prefixed = parsePrefixed(text);
  if (prefixed === null) return null;
  return `set ${subnetKey}: ${networkOf(text)} and ${serverIpKey}: ${formatAddress(prefixed.address)}`;
}

/** RFC 4291 section 2.5.6. */
const linkLocal = 'fe80::/64';

function networkOf(text: string): string | null {
  const prefixed = parsePrefixed(text);
  if (prefixed === null) return null;
  const { address, prefix } = prefixed;
  return formatCidr({ family: address.family, base: networkBase(address, prefix), prefix });
}
