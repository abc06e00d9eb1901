// The {peerId} of a path.
import type { Failure, RawInput } from '../core/http/contract.ts';
import type { ParameterDescription } from '../core/http/description.ts';
import { type PeerId, parsePeerId } from '../core/peers/peer.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { ApiCode } from './failures.ts';
import { peerIdSchema } from './schemas.ts';

export const peerIdParameter: ParameterDescription = {
  name: 'peerId',
  in: 'path',
  details: "The orchestrator's name for the peer.",
  schema: peerIdSchema,
};

/** The peer that a path names; `invalid_peer_id` when it is not a UUID v4. */
export function decodePeerId(raw: RawInput): Result<PeerId, Failure<ApiCode>> {
  const id = parsePeerId(raw.params['peerId'] ?? '');
  return id === null ? fail({ code: 'invalid_peer_id' }) : ok(id);
}
