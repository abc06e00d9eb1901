// The peers in a file for wg-quick(8), as far as the node can have such peers. Its `[Interface]` is read elsewhere.
import { addressBits, formatCidr, networkBase, parseAddress, parsePrefixed } from '../../core/address.ts';
import type { FoundPeer } from '../../core/peers/adoption.ts';
import {
  noPresharedKey,
  type PresharedKey,
  type PublicKey,
  parsePresharedKey,
  parsePublicKey,
} from '../../core/peers/peer.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { isShowable, parseSections, valuesOf, type WgQuickSection } from './wg-quick-sections.ts';

/** A peer in a file. */
export interface FilePeer extends FoundPeer {
  /** Whether an `Endpoint` is named, which the node does not keep. */
  readonly hasEndpoint: boolean;
  /** Its `PersistentKeepalive`; 0: off; null: none is named, which is off, too. */
  readonly keepaliveSeconds: number | null;
  /** How many `[Peer]` sections it was put together from. */
  readonly sections: number;
  /** AllowedIPs that it names, and that another peer has since it names them later. They are not among its `allowedIPs`. */
  readonly moved: readonly { readonly allowedIP: string; readonly to: PublicKey }[];
}

/**
 * The peers of all `[Peer]` sections, each key once; or what wg(8) would not take either, a line each. No line holds a key.
 * Sections with one key are put together as wg(8) does it (tried with setconf and addconf): the AllowedIPs are those of the
 * last, and what the last does not name stays as it was. An allowed IP goes to the last section that names it.
 */
export function parseFilePeers(text: string): Result<readonly FilePeer[], readonly string[]> {
  const peers = new Map<PublicKey, JoinedPeer>();
  const owners = new Map<string, PublicKey>();
  const problems: string[] = [];
  for (const section of parseSections(text)) {
    if (section.name === 'interface') continue;
    if (section.name === 'peer') problems.push(...listUnknown(section));
    const peer = section.name === 'peer' ? parsePeer(section) : fail('neither [Interface] nor [Peer]');
    if (!peer.ok) {
      problems.push(`line ${section.line}: ${peer.failure}`);
      continue;
    }
    const { publicKey, allowedIPs } = peer.value;
    peers.set(publicKey, join(peers.get(publicKey), peer.value));
    for (const allowedIP of allowedIPs) owners.set(allowedIP, publicKey);
  }
  return problems.length === 0 ? ok([...peers.values()].map((peer) => disown(peer, owners))) : fail(problems);
}

type JoinedPeer = Omit<FilePeer, 'moved'>;

/** Takes from a peer what later sections gave to others. */
function disown(peer: JoinedPeer, owners: ReadonlyMap<string, PublicKey>): FilePeer {
  const moved = peer.allowedIPs.flatMap((allowedIP) => {
    const to = owners.get(allowedIP) ?? peer.publicKey;
    return to === peer.publicKey ? [] : [{ allowedIP, to }];
  });
  return { ...peer, allowedIPs: peer.allowedIPs.filter((ip) => owners.get(ip) === peer.publicKey), moved };
}

/** One section. */
interface PeerSection extends Omit<JoinedPeer, 'presharedKey' | 'sections'> {
  /** Zeros stand for none (wg(8)); null: it is not named. */
  readonly presharedKey: PresharedKey | null;
}

function join(before: JoinedPeer | undefined, { presharedKey, ...section }: PeerSection): JoinedPeer {
  const secret = presharedKey ?? before?.presharedKey ?? null;
  return {
    ...section,
    presharedKey: secret === noPresharedKey ? null : secret,
    hasEndpoint: section.hasEndpoint || before?.hasEndpoint === true,
    keepaliveSeconds: section.keepaliveSeconds ?? before?.keepaliveSeconds ?? null,
    sections: (before?.sections ?? 0) + 1,
  };
}

/** The settings of a peer, in lower case (wg(8)). */
const settingsKnown = ['publickey', 'presharedkey', 'allowedips', 'endpoint', 'persistentkeepalive'];

/** A line for each setting that wg(8) would refuse, most often a mistyped one. */
function listUnknown({ settings }: WgQuickSection): readonly string[] {
  return settings
    .filter(({ key }) => !settingsKnown.includes(key.toLowerCase()))
    .map(
      (each) =>
        `line ${each.line}: ${isShowable(each) ? JSON.stringify(each.key) : 'this'} is no setting of a peer`,
    );
}

function parsePeer({ settings }: WgQuickSection): Result<PeerSection, string> {
  const publicKey = parsePublicKey(valuesOf(settings, 'publickey').at(-1) ?? '');
  if (publicKey === null) return fail('the peer has no valid PublicKey');
  const secret = valuesOf(settings, 'presharedkey').at(-1);
  const presharedKey = secret === undefined ? null : parsePresharedKey(secret);
  if (secret !== undefined && presharedKey === null) return fail('the peer has no valid PresharedKey');
  const texts = valuesOf(settings, 'allowedips').flatMap((list) => list.split(','));
  const allowedIPs = texts
    .map((text) => text.trim())
    .filter(Boolean)
    .map(parseAllowedIP);
  if (allowedIPs.includes(null)) return fail('the peer has AllowedIPs that are no addresses');
  const keepalive = valuesOf(settings, 'persistentkeepalive').at(-1);
  const keepaliveSeconds = keepalive === undefined ? null : parseKeepalive(keepalive);
  if (Number.isNaN(keepaliveSeconds)) return fail('the peer has no valid PersistentKeepalive');
  return ok({
    publicKey,
    presharedKey,
    allowedIPs: [...new Set(allowedIPs)] as string[],
    hasEndpoint: valuesOf(settings, 'endpoint').length > 0,
    keepaliveSeconds,
  });
}

/** Seconds, 0 for off, as wg(8) takes it; NaN: it does not. */
function parseKeepalive(text: string): number {
  if (text.toLowerCase() === 'off') return 0;
  const seconds = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  return seconds <= 65_535 ? seconds : Number.NaN;
}

/** As wg(8) takes it: without a prefix it is one address, and bits behind the prefix count for nothing. */
function parseAllowedIP(text: string): string | null {
  const single = parseAddress(text);
  const prefixed =
    single === null ? parsePrefixed(text) : { address: single, prefix: addressBits(single.family) };
  if (prefixed === null) return null;
  const { address, prefix } = prefixed;
  return formatCidr({ family: address.family, base: networkBase(address, prefix), prefix });
}
