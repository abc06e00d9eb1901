// The API on one screen.
import type { DescribedRoute } from '../core/http/route.ts';
import type { ApiContext } from './context.ts';
import { createPeer } from './create-peer.ts';
import { deletePeer } from './delete-peer.ts';
import { diagnostics } from './diagnostics.ts';
import type { ApiCode } from './failures.ts';
import { getPeer } from './get-peer.ts';
import { health } from './health.ts';
import { listPeers } from './list-peers.ts';
import { openapi } from './openapi.ts';
import { ready } from './ready.ts';
import { stats } from './stats.ts';

/** Every operation of the node. */
export const routes: readonly DescribedRoute<ApiContext, ApiCode>[] = [
  health,
  ready,
  stats,
  listPeers,
  getPeer,
  createPeer,
  deletePeer,
  openapi,
  diagnostics,
];
