// How peers look in answers: what they are to their readers, and the JSON text, written directly since it is made for every peer of a page.
import * as v from 'valibot';
import type { Entry } from '../core/peers/entry.ts';
import { allowedIPFamily, type Peer } from '../core/peers/peer.ts';
import { formatTimestamp } from '../core/timestamp.ts';
import { countSchema, familySchema, keySchema, momentSchema, peerIdSchema } from './schemas.ts';

/** What `renderAddresses` writes. */
export const addressFields = {
  allowedIPs: v.pipe(
    v.array(v.string()),
    v.minLength(1),
    v.maxLength(2),
    v.description('One address a family, each as a network of its own, IPv4 first.'),
  ),
  addressFamilies: v.pipe(
    v.array(familySchema),
    v.minLength(1),
    v.maxLength(2),
    v.description('The families of `allowedIPs`, in the same order.'),
  ),
};

/** What `renderListedPeer` writes. */
export const listedPeerSchema = v.object({
  peerId: peerIdSchema,
  ...addressFields,
  publicKey: keySchema("The peer's public key: 32 bytes in base64."),
  active: v.pipe(v.boolean(), v.description('There was a handshake within the last 190 seconds.')),
  lastHandshakeAt: v.nullable(momentSchema('The last handshake; null: none since the interface was made.')),
  createdAt: momentSchema('When the peer was first created; a rotation keeps it.'),
  expiresAt: v.optional(momentSchema('When the node removes the peer; absent: never.')),
});

/** What `renderListedPeer` and `renderCounters` write. */
export const peerSchema = v.object({
  ...listedPeerSchema.entries,
  receiveBytes: countSchema('Bytes received from the peer since it came to the interface.'),
  transmitBytes: countSchema('Bytes sent to the peer since it came to the interface.'),
});

/** An example for both. */
export const listedPeerExample = {
  peerId: '7c2f3f7a-6b4e-4f3f-8b2a-1a9b3c2d4e5f',
  allowedIPs: ['10.0.0.2/32'],
  addressFamilies: ['IPv4'],
  publicKey: 'HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=',
  active: false,
  lastHandshakeAt: null,
  createdAt: '2026-02-02T00:06:06Z',
  expiresAt: '2026-12-31T23:59:59Z',
};

/** A peer, without its counters. Nothing in it needs escaping: ids, keys and addresses are of closed alphabets. */
export function renderListedPeer({ peer, active, latestHandshakeMs }: Entry): string {
  const handshake = latestHandshakeMs === null ? 'null' : `"${formatTimestamp(latestHandshakeMs)}"`;
  const expires = peer.expiresAtMs === null ? '' : `,"expiresAt":"${formatTimestamp(peer.expiresAtMs)}"`;
  return (
    `{"peerId":"${peer.id}",${renderAddresses(peer)},"publicKey":"${peer.publicKey}","active":${active},` +
    `"lastHandshakeAt":${handshake},"createdAt":"${formatTimestamp(peer.createdAtMs)}"${expires}}`
  );
}

/** What a peer on its own shows more. */
export function renderCounters({ receiveBytes, transmitBytes }: Entry): string {
  return `"receiveBytes":${receiveBytes},"transmitBytes":${transmitBytes}`;
}

/** `"allowedIPs":[…],"addressFamilies":[…]` */
export function renderAddresses(peer: Peer): string {
  const families = peer.allowedIPs.map(allowedIPFamily);
  return `"allowedIPs":["${peer.allowedIPs.join('","')}"],"addressFamilies":["${families.join('","')}"]`;
}
