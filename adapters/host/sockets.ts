// Looks at the bound sockets of this network namespace.
import { readFile } from 'node:fs/promises';
import { type BoundSocket, findAbstractSocket, parseSockets } from './socket-text.ts';

/** All that take what comes to a port. */
export interface BoundSockets {
  readonly tcp: readonly BoundSocket[];
  readonly udp: readonly BoundSocket[];
  /** The inode of the Unix socket of this abstract name; null: there is none. */
  readonly abstract: (name: string) => number | null;
}

/** Reads the tables of /proc/net; one that can not be read counts as empty. */
export async function readSockets(): Promise<BoundSockets> {
  const read = async (protocol: 'tcp' | 'udp') => {
    const tables = [`/proc/net/${protocol}`, `/proc/net/${protocol}6`];
    const texts = await Promise.all(tables.map((path) => readFile(path, 'utf8').catch(() => '')));
    return texts.flatMap((text) => parseSockets(text, protocol));
  };
  const unix = await readFile('/proc/net/unix', 'utf8').catch(() => '');
  const abstract = (name: string) => findAbstractSocket(unix, name);
  return { tcp: await read('tcp'), udp: await read('udp'), abstract };
}
