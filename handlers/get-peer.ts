// GET /peers/{peerId}: one peer, with its counters.
import type { Outcome } from '../core/http/contract.ts';
import { defineRoute } from '../core/http/route.ts';
import type { Entry } from '../core/peers/entry.ts';
import type { PeerId } from '../core/peers/peer.ts';
import { fail, ok } from '../core/result.ts';
import type { ApiContext } from './context.ts';
import type { ApiCode } from './failures.ts';
import { decodePeerId, peerIdParameter } from './peer-id.ts';
import { listedPeerExample, peerSchema, renderCounters, renderListedPeer } from './shapes.ts';

export const getPeer = defineRoute<ApiContext, ApiCode, Entry | PeerId>({
  method: 'GET',
  path: '/peers/:peerId',
  access: 'key',
  takesBody: false,
  description: {
    name: 'getPeer',
    summary: 'One peer, with its counters',
    parameters: [peerIdParameter],
    answers: {
      200: {
        details: 'The peer.',
        schema: peerSchema,
        example: { ...listedPeerExample, receiveBytes: 0, transmitBytes: 0 },
      },
    },
    failures: ['invalid_peer_id', 'peer_not_found', 'wireguard_error'],
  },
  decode(raw, { node }) {
    // Whom the table knows is looked up once.
    const entry = node.table.get(raw.params['peerId'] ?? '');
    return entry === undefined ? decodePeerId(raw) : ok(entry);
  },
  handle(sought, context) {
    const settling = context.node.observer.settle();
    if (settling === null) return answer(sought, context);
    const id = typeof sought === 'string' ? sought : sought.peer.id;
    return settling.then(() => answer(id, context));
  },
});

function answer(sought: Entry | PeerId, context: ApiContext): Outcome<ApiCode> {
  const { node } = context;
  const entry = typeof sought === 'string' ? node.table.get(sought) : sought;
  if (entry === undefined) return fail({ code: 'peer_not_found' });
  if (!node.observer.readable()) return fail({ code: 'wireguard_error', sentence: unreadable });
  return ok({ status: 200, body: () => render(entry, context) });
}

function render(entry: Entry, { node, buffer }: ApiContext): Uint8Array {
  node.table.copyText(entry, renderListedPeer, buffer.clear());
  return buffer
    .dropLast()
    .write(`,${renderCounters(entry)}}`)
    .whole();
}

const unreadable = 'The WireGuard interface could not be read.';
