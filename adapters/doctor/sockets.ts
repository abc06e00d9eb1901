// Looks at the bound sockets of this network namespace.
import { readFile } from 'node:fs/promises';
import { type BoundSocket, parseSockets } from './socket-text.ts';

/** All that take what comes to a port. */
export interface BoundSockets {
  readonly tcp: readonly BoundSocket[];
  readonly udp: readonly BoundSocket[];
}

export async function readSockets(): Promise<BoundSockets> {
  const read = async (protocol: 'tcp' | 'udp') => {
    const tables = [`/proc/net/${protocol}`, `/proc/net/${protocol}6`];
    const texts = await Promise.all(tables.map((path) => readFile(path, 'utf8').catch(() => '')));
    return texts.flatMap((text) => parseSockets(text, protocol));
  };
  return { tcp: await read('tcp'), udp: await read('udp') };
}
