// DELETE /peers/{peerId}: removes a peer from device and store.

import type { Origin } from '../core/batch.ts';
import type { RawInput } from '../core/http/contract.ts';
import { defineRoute } from '../core/http/route.ts';
import type { PeerId } from '../core/peers/peer.ts';
import { fail, ok } from '../core/result.ts';
import { changeCodes, changeFailure } from './change-failure.ts';
import type { ApiContext } from './context.ts';
import type { ApiCode } from './failures.ts';
import { decodePeerId, peerIdParameter } from './peer-id.ts';
import { okSchema } from './schemas.ts';

export const deletePeer = defineRoute<ApiContext, ApiCode, { readonly id: PeerId; readonly origin: Origin }>({
  method: 'DELETE',
  path: '/peers/:peerId',
  access: 'key',
  takesBody: false,
  description: {
    name: 'deletePeer',
    summary: 'Removes a peer',
    details: 'When it is answered the peer can use the tunnel no more, and its addresses are free.',
    parameters: [peerIdParameter],
    answers: { 200: { details: 'It is gone.', schema: okSchema, example: { status: 'ok' } } },
    failures: ['invalid_peer_id', 'peer_not_found', ...changeCodes],
  },
  decode(raw: RawInput) {
    const id = decodePeerId(raw);
    if (!id.ok) return id;
    return ok({ id: id.value, origin: { requestId: raw.requestId, clientAddress: raw.clientAddress() } });
  },
  async handle({ id, origin }, { node }) {
    const changed = await node.change({ kind: 'delete', id }, origin);
    return changed.ok ? ok({ status: 200, body: '{"status":"ok"}' }) : fail(changeFailure(changed.failure));
  },
});
