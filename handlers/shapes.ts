// How peers look in answers: JSON text, written directly since it is made for every peer of a page.
import type { Peer } from '../core/peers/peer.ts';
import { allowedIPFamily } from '../core/peers/peer.ts';
import type { Entry } from '../core/peers/table.ts';
import { formatTimestamp } from '../core/timestamp.ts';

/** A peer as an item of the list. Nothing in it needs escaping: ids, keys and addresses are of closed alphabets. */
export function renderListedPeer(entry: Entry): string {
  entry.memo ??= `{${peerFields(entry)}}`;
  return entry.memo;
}

/** A peer on its own: the fields of the list, and its counters. */
export function renderPeer(entry: Entry): string {
  const fields = renderListedPeer(entry).slice(0, -1);
  return `${fields},"receiveBytes":${entry.receiveBytes},"transmitBytes":${entry.transmitBytes}}`;
}

/** `"allowedIPs":[…],"addressFamilies":[…]` */
export function renderAddresses(peer: Peer): string {
  const families = peer.allowedIPs.map(allowedIPFamily);
  return `"allowedIPs":["${peer.allowedIPs.join('","')}"],"addressFamilies":["${families.join('","')}"]`;
}

function peerFields(entry: Entry): string {
  const { peer, latestHandshakeMs } = entry;
  const handshake = latestHandshakeMs === null ? 'null' : `"${formatTimestamp(latestHandshakeMs)}"`;
  const expires = peer.expiresAtMs === null ? '' : `,"expiresAt":"${formatTimestamp(peer.expiresAtMs)}"`;
  return (
    `"peerId":"${peer.id}",${renderAddresses(peer)},"publicKey":"${peer.publicKey}","active":${entry.active},` +
    `"lastHandshakeAt":${handshake},"createdAt":"${formatTimestamp(peer.createdAtMs)}"${expires}`
  );
}
