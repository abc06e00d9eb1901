// The texts that wg(8) reads and writes: dump, configuration, arguments. Pure; starts nothing and reads no file.
import { formatCidr, parseCidr } from '../../core/address.ts';
import { keepaliveSeconds } from '../../core/limits.ts';
import { type PublicKey, parsePresharedKey, parsePublicKey } from '../../core/peers/peer.ts';
import type { DevicePeer, DevicePeerSpec, DeviceState } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import type { Replacement } from './change-order.ts';

/** Reads `wg show IF dump` as it comes, in pieces of any size. */
export interface DumpReader {
  /** Takes the next piece and visits the peers whose lines it completes. False: the text is not a dump, and the rest need not be read. */
  take(piece: string): boolean;
  /** The device, when every piece was taken; or what is wrong with the text, naming the line and no value of it. */
  end(): Result<DeviceState, string>;
}

/**
 * Reads a dump strictly: a first line of 4 fields, then lines of 8, each key 32 bytes, each number an integer up to 2^53-1,
 * and a line feed at the very end. A cut-off or empty dump must not look like a device with few peers. It remembers no line
 * that it has read: of 65,000 peers, keys alone would keep 14 MB from the young heap's quick collection at every look (measured).
 */
export function createDumpReader(visit: (peer: DevicePeer) => void): DumpReader {
  let rest = '';
  let lineNumber = 0;
  let state: DeviceState | null = null;
  let problem: string | null = null;

  function takeLine(line: string): string | null {
    lineNumber += 1;
    if (lineNumber === 1) {
      state = parseDeviceLine(line);
      return state === null ? 'not a device' : null;
    }
    const peer = parsePeerLine(line);
    if (peer === null) return 'not a peer';
    visit(peer);
    return null;
  }

  return {
    take(piece) {
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (problem !== null) break;
        const wrong = takeLine(line);
        if (wrong !== null) problem = `line ${lineNumber} is ${wrong}`;
      }
      return problem === null;
    },
    end() {
      if (problem !== null) return fail(problem);
      if (rest !== '') return fail(`line ${lineNumber + 1} is cut off`);
      return state === null ? fail('empty') : ok(state);
    },
  };
}

/** Peers as the text for `wg addconf`: each is added or made exactly so, and nothing else on the device is touched. */
export function renderAddconf(peers: readonly DevicePeerSpec[]): string {
  let text = '';
  for (const peer of peers) {
    text +=
      `[Peer]\nPublicKey = ${peer.publicKey}\nPresharedKey = ${peer.presharedKey}\n` +
      `AllowedIPs = ${peer.allowedIPs.join(', ')}\nPersistentKeepalive = ${keepaliveSeconds}\n`;
  }
  return text;
}

/**
 * Arguments for `wg set IF …`: removals, then replacements. The n-th replacement's preshared key is to be in the file
 * `presharedKeyPath(n)`. A new key comes before the old one leaves: its allowed IPs move to it in one step, so each
 * address has exactly one owner at any moment, also when the call ends half-way or the new key is refused.
 */
export function renderSet(
  removals: readonly PublicKey[],
  replacements: readonly Replacement[],
  presharedKeyPath: (index: number) => string,
): string[] {
  const args: string[] = [];
  for (const publicKey of removals) args.push('peer', publicKey, 'remove');
  for (const [index, { peer, replaces }] of replacements.entries()) {
    args.push('peer', peer.publicKey, 'preshared-key', presharedKeyPath(index));
    args.push('persistent-keepalive', String(keepaliveSeconds), 'allowed-ips', peer.allowedIPs.join(','));
    args.push('peer', replaces, 'remove');
  }
  return args;
}

function parseDeviceLine(line: string): DeviceState | null {
  const [privateKey, publicKey, port, mark, ...more] = line.split('\t');
  if (privateKey === undefined || publicKey === undefined || port === undefined || mark === undefined)
    return null;
  if (more.length > 0 || !/^(off|0x[0-9a-f]{1,8})$/.test(mark)) return null;
  const listenPort = parseCount(port);
  if (listenPort === null || listenPort > 65_535) return null;
  if (privateKey === '(none)' && publicKey === '(none)') return { publicKey: null, listenPort };
  const key = parsePublicKey(publicKey);
  return key === null || parsePublicKey(privateKey) === null ? null : { publicKey: key, listenPort };
}

function parsePeerLine(line: string): DevicePeer | null {
  const fields = line.split('\t');
  if (fields.length !== 8 || fields[2] === '') return null;
  const publicKey = parsePublicKey(fields[0] ?? '');
  const presharedKey = fields[1] === '(none)' ? null : parsePresharedKey(fields[1] ?? '');
  const allowedIPs = parseAllowedIPs(fields[3] ?? '');
  const handshake = parseCount(fields[4] ?? '');
  const receiveBytes = parseCount(fields[5] ?? '');
  const transmitBytes = parseCount(fields[6] ?? '');
  const keepalive = fields[7] === 'off' ? 0 : parseCount(fields[7] ?? '');
  if (publicKey === null || (presharedKey === null && fields[1] !== '(none)') || allowedIPs === null)
    return null;
  if (handshake === null || receiveBytes === null || transmitBytes === null || keepalive === null)
    return null;
  if (keepalive > 65_535 || !Number.isSafeInteger(handshake * 1000)) return null;
  return {
    publicKey,
    presharedKey,
    allowedIPs,
    latestHandshakeMs: handshake === 0 ? null : handshake * 1000,
    receiveBytes,
    transmitBytes,
    keepaliveSeconds: keepalive,
  };
}

// Single addresses that are surely in canonical text: nearly all that a dump holds, and parsing them as numbers would cost
// ten times as long as all the rest. The IPv6 ones have one "::", no other group of zeros, and at most six colons.
const canonicalHost4 = /^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!\/)|(?=\/))){4}\/32$/;
const canonicalHost6 =
  /^(?=[^:]*(?::[^:]*){2,6}$)(?:[1-9a-f][0-9a-f]{0,3}(?::[1-9a-f][0-9a-f]{0,3})*)?::[1-9a-f][0-9a-f]{0,3}(?::[1-9a-f][0-9a-f]{0,3})*\/128$/;

function parseAllowedIPs(field: string): string[] | null {
  if (field === '(none)') return [];
  const texts = field.split(',');
  for (const [index, text] of texts.entries()) {
    if (canonicalHost4.test(text) || canonicalHost6.test(text)) continue;
    const cidr = parseCidr(text);
    if (!cidr.ok) return null;
    texts[index] = formatCidr(cidr.value);
  }
  return texts;
}

function parseCount(text: string): number | null {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}
