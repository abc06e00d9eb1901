// Series of single peers: which peers have some, and their text, made in pieces, since there may be a hundred thousand of them.
import type { Entry } from '../../core/peers/entry.ts';

// Some 25 KB of text, well below a millisecond.
const pieceLength = 250;

interface PeerFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  /** Null: this peer has no such series. */
  readonly value: (entry: Entry) => number | null;
}

const families: readonly PeerFamily[] = [
  {
    name: 'wgkeeper_peer_receive_bytes_total',
    help: 'Bytes from this peer since it was put on the interface with its key.',
    type: 'counter',
    value: (entry) => entry.receiveBytes,
  },
  {
    name: 'wgkeeper_peer_transmit_bytes_total',
    help: 'Bytes to this peer since it was put on the interface with its key.',
    type: 'counter',
    value: (entry) => entry.transmitBytes,
  },
  {
    name: 'wgkeeper_peer_last_handshake_timestamp_seconds',
    help: 'When this peer last made a handshake, since 1970; absent: none since it was put on the interface with its key.',
    type: 'gauge',
    value: ({ latestHandshakeMs }) => (latestHandshakeMs === null ? null : latestHandshakeMs / 1_000),
  },
];

/**
 * The series of some peers in Prometheus's text format (version 0.0.4); `omitted`: how many others there are. Ids are UUIDs,
 * so nothing in it needs escaping.
 */
export function* renderPeerSeries(peers: readonly Entry[], omitted: number): Iterable<string> {
  const name = 'wgkeeper_peer_series_omitted';
  yield `${heading(name, 'Peers that have no series of their own, since others had more bytes.', 'gauge')}${name} ${omitted}\n`;
  for (const family of families) {
    yield heading(family.name, family.help, family.type);
    for (let index = 0; index < peers.length; index += pieceLength) {
      yield renderPiece(family, peers.slice(index, index + pieceLength));
    }
  }
}

/**
 * The `max` peers with the most bytes in both directions since they got their keys, in the order they came in. With 65,000 to
 * choose from it takes some 30 ms; `pause` lets others have their turn between its steps.
 */
export async function chooseBusiest(
  entries: readonly Entry[],
  max: number,
  pause: () => Promise<void>,
): Promise<readonly Entry[]> {
  if (entries.length <= max) return entries;
  const bytes = new Float64Array(entries.length);
  for (const [index, entry] of entries.entries()) bytes[index] = entry.receiveBytes + entry.transmitBytes;
  await pause();
  // As plain numbers: to sort the entries would take five times as long.
  const sorted = bytes.slice().sort();
  await pause();
  const least = sorted[sorted.length - max] ?? 0;
  let ties = max - (sorted.length - sorted.findLastIndex((value) => value <= least) - 1);
  return entries.filter((_, index) => {
    const own = bytes[index] ?? 0;
    return own > least || (own === least && ties-- > 0);
  });
}

function heading(name: string, help: string, type: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function renderPiece({ name, value }: PeerFamily, entries: readonly Entry[]): string {
  let text = '';
  for (const entry of entries) {
    const number = value(entry);
    if (number !== null) text += `${name}{peer_id="${entry.peer.id}"} ${number}\n`;
  }
  return text;
}
