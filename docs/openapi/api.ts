// The API of this program, as it is described.
import { service } from '../../core/version.ts';
import { createdSchema, creationSchema } from '../../handlers/create-peer.ts';
import { diagnosisSchema } from '../../handlers/diagnostics.ts';
import { type ApiCode, apiFailures } from '../../handlers/failures.ts';
import { pageSchema } from '../../handlers/list-peers.ts';
import { routes } from '../../handlers/routes.ts';
import { familySchema, okSchema, peerIdSchema } from '../../handlers/schemas.ts';
import { listedPeerSchema, peerSchema } from '../../handlers/shapes.ts';
import { statsSchema } from '../../handlers/stats.ts';
import type { Api } from './document.ts';

export const api: Api<ApiCode> = {
  service,
  routes,
  failures: apiFailures,
  // What generated clients are to have a type for.
  schemas: {
    Ok: okSchema,
    PeerId: peerIdSchema,
    AddressFamily: familySchema,
    Stats: statsSchema,
    ListedPeer: listedPeerSchema,
    PeerPage: pageSchema,
    Peer: peerSchema,
    PeerCreation: creationSchema,
    CreatedPeer: createdSchema,
    Diagnosis: diagnosisSchema,
  },
};
