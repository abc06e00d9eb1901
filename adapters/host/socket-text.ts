// The tables of sockets in /proc/net as text: `tcp`, `tcp6`, `udp`, `udp6` and `unix` (proc(5)). Pure; reads no file.
import { type Address, unmapAddress } from '../../core/address.ts';

/** A socket that takes what comes to its port: a listening TCP one, or any UDP one. */
export interface BoundSocket {
  /** All zeros: every address of its family, and for IPv6 most often of both. */
  readonly address: Address;
  readonly port: number;
  /** As `socket:[…]` in /proc/PID/fd; 0: the kernel's own. */
  readonly inode: number;
}

/** Reads one table; lines that are none of a bound socket are left out. */
export function parseSockets(table: string, protocol: 'tcp' | 'udp'): readonly BoundSocket[] {
  return table.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [, local = '', remote = '', state = ''] = fields;
    const inode = Number(fields[9]);
    const address = parseHexAddress(local.split(':')[0] ?? '');
    const port = Number.parseInt(local.split(':')[1] ?? '', 16);
    const takes = protocol === 'tcp' ? state === listening : /^0+:0000$/.test(remote);
    if (address === null || !takes || !Number.isInteger(port) || !Number.isInteger(inode)) return [];
    return [{ address, port, inode }];
  });
}

/** The inode of the Unix socket that has an abstract name; null: none has. Zeros in such a name are printed as `@`. */
export function findAbstractSocket(table: string, name: string): number | null {
  for (const line of table.split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (fields[7]?.replace(/@+$/, '') === `@${name}`) return Number(fields[6]);
  }
  return null;
}

// TCP_LISTEN (include/net/tcp_states.h).
const listening = '0A';

/** Words of 32 bits, each printed as the machine has it in memory: on x86-64 and arm64 the last byte comes first. */
function parseHexAddress(hex: string): Address | null {
  if (!/^([0-9A-F]{8}|[0-9A-F]{32})$/.test(hex)) return null;
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.map((word) => (word.match(/../g) ?? []).reverse().join('')).join('');
  const family = words.length === 1 ? 'IPv4' : 'IPv6';
  return unmapAddress({ family, value: BigInt(`0x${bytes}`) });
}
