// The text of the interface's file, as wg-quick(8) reads it: written and read, with its rules. No disk.
import { createHash } from 'node:crypto';
import { addressBits, formatAddress, parseAddress, parsePrefixed } from '../../core/address.ts';
import type { Config, Subnet } from '../../core/config/config.ts';
import { isKey, type PrivateKey } from '../../core/peers/peer.ts';
import type { FirewallBackend, FirewallConfig } from './firewall-rules.ts';
import { renderIptablesDown, renderIptablesUp } from './iptables-text.ts';
import { renderNftables, renderNftablesRemoval } from './nftables-text.ts';
import { parseSections, valuesOf, type WgQuickSection, type WgQuickSetting } from './wg-quick-sections.ts';

/** What of the configuration makes the interface, with a firewall back end that is settled. */
export type InterfaceConfig = FirewallConfig & Pick<Config['wireguard'], 'listenPort'>;

/** What the node reads in a file. Everything else in it is the operator's business. */
export interface WgQuickFile {
  /** Null: there is none, or none that is valid. */
  readonly privateKey: PrivateKey | null;
  /** As `10.0.0.1/24`; what can't be read as an address stands here as it is. */
  readonly addresses: readonly string[];
  /** Null: the file names none, and any free port is taken. */
  readonly listenPort: number | null;
  readonly postUp: readonly string[];
  readonly postDown: readonly string[];
  /** How many `[Peer]` sections it has; what is in them is read elsewhere. */
  readonly peerSections: number;
  /** Whether wg-quick writes the live peers into the file when it takes the interface down (`SaveConfig`). */
  readonly savesPeers: boolean;
  /** Whether every byte is as the node wrote it. */
  readonly writtenByNode: boolean;
  /** All of it. Secret. */
  readonly text: string;
}

/** The whole file. */
export function renderWgQuickFile(config: InterfaceConfig, privateKey: PrivateKey): string {
  const { up, down } = ruleCommands(config);
  const body = [
    '# Change config.yaml instead. Once this file is edited by hand, the node leaves it alone.',
    '[Interface]',
    `PrivateKey = ${privateKey}`,
    ...config.subnets.map((subnet) => `Address = ${interfaceAddress(subnet)}`),
    `ListenPort = ${config.listenPort}`,
    ...up.map((command) => `PostUp = ${command}`),
    ...down.map((command) => `PostDown = ${command}`),
    '',
  ].join('\n');
  return `${renderMark(body)}\n${body}`;
}

/** Reads a file by the rules of wg-quick: keys in any case, `#` starts a comment, `[Interface]` counts. */
export function parseWgQuickFile(text: string): WgQuickFile {
  const sections = parseSections(text);
  const settings = settingsOf(sections);
  const values = (key: string) => valuesOf(settings, key);
  const key = values('privatekey').at(-1)?.replaceAll(/\s/g, '') ?? '';
  const port = values('listenport').at(-1) ?? '';
  const [mark, body] = splitFirstLine(text);
  return {
    privateKey: isPrivateKey(key) ? key : null,
    addresses: values('address')
      .flatMap((list) => list.split(','))
      .map(normalizeAddress)
      .filter(Boolean),
    listenPort: /^[0-9]{1,5}$/.test(port) ? Number(port) : null,
    postUp: values('postup'),
    postDown: values('postdown'),
    peerSections: sections.filter(({ name }) => name === 'peer').length,
    savesPeers: values('saveconfig').at(-1)?.toLowerCase() === 'true',
    writtenByNode: mark === renderMark(body),
    text,
  };
}

/** The interface's own address with the prefix of its subnet: `10.0.0.1/24`. */
export function interfaceAddress(subnet: Subnet): string {
  return `${formatAddress(subnet.serverIp)}/${subnet.cidr.prefix}`;
}

/** Whether the file's rules are those that the node would write. */
export function hasRulesOf(file: WgQuickFile, config: InterfaceConfig): boolean {
  const { up, down } = ruleCommands(config);
  const same = (have: readonly string[], want: readonly string[]) =>
    have.length === want.length && want.every((line) => have.includes(line));
  return same(file.postUp, up) && same(file.postDown, down);
}

/** The back end whose rules, made by the node, a line of PostDown removes; null: the line is none that the node writes. */
export function backendOfPostDown(
  line: string,
  config: Pick<Config['wireguard'], 'interface' | 'listenPort' | 'subnets' | 'routing'>,
): FirewallBackend | null {
  const wanInterface = config.routing?.wanInterface ?? '';
  const writes = (backend: FirewallBackend) =>
    ruleCommands({ ...config, routing: { wanInterface, backend } }).down.includes(line);
  return (['nftables', 'iptables'] as const).find(writes) ?? null;
}

/** Shell commands that do by hand what the node does itself. */
function ruleCommands(config: InterfaceConfig): {
  readonly up: readonly string[];
  readonly down: readonly string[];
} {
  if (config.routing === null) return { up: [], down: [] };
  if (config.routing.backend === 'iptables') {
    return { up: renderIptablesUp(config), down: renderIptablesDown(config) };
  }
  return {
    up: [`nft '${renderNftables(config)}'`],
    down: [`nft '${renderNftablesRemoval(config.interface)}'`],
  };
}

// It is over the key too, but gives nothing away: it stands beside the key, and a key can't be guessed.
function renderMark(body: string): string {
  return `# Written by wgkeeper-node, sha256 ${createHash('sha256').update(body).digest('hex')}`;
}

function splitFirstLine(text: string): readonly [string, string] {
  const end = text.indexOf('\n');
  return end === -1 ? [text, ''] : [text.slice(0, end), text.slice(end + 1)];
}

/** Of all its `[Interface]` sections. */
export function interfaceSettings(text: string): readonly WgQuickSetting[] {
  return settingsOf(parseSections(text));
}

function settingsOf(sections: readonly WgQuickSection[]): readonly WgQuickSetting[] {
  return sections.filter(({ name }) => name === 'interface').flatMap(({ settings }) => settings);
}

// Zeros stand for "no key" (wg(8)).
function isPrivateKey(text: string): text is PrivateKey {
  return isKey(text) && !/^A+=$/.test(text);
}

function normalizeAddress(text: string): string {
  const trimmed = text.trim();
  const prefixed = parsePrefixed(trimmed);
  if (prefixed !== null) return `${formatAddress(prefixed.address)}/${prefixed.prefix}`;
  const address = parseAddress(trimmed);
  return address === null ? trimmed : `${formatAddress(address)}/${addressBits(address.family)}`;
}
