// What went through a network interface, from the kernel's own counters. Unlike the sum over peers they never go down while it lives.
import { readFileSync } from 'node:fs';

/** Bytes since the interface was made. */
export interface InterfaceTraffic {
  readonly receiveBytes: number;
  readonly transmitBytes: number;
}

/** Asks the kernel; null: there is no such interface in this network namespace. */
export function readInterfaceTraffic(interfaceName: string): InterfaceTraffic | null {
  try {
    return parseInterfaceTraffic(readFileSync('/proc/self/net/dev', 'utf8'), interfaceName);
  } catch {
    return null;
  }
}

/** One interface in the text of `/proc/net/dev` (proc(5)); null: it is not there. */
export function parseInterfaceTraffic(text: string, interfaceName: string): InterfaceTraffic | null {
  for (const line of text.split('\n')) {
    const [name, numbers] = line.split(':');
    if (numbers === undefined || name?.trim() !== interfaceName) continue;
    // Eight columns of what was received stand before those of what was sent; bytes come first in both.
    const columns = numbers.trim().split(/\s+/);
    return { receiveBytes: Number(columns[0]), transmitBytes: Number(columns[8]) };
  }
  return null;
}
