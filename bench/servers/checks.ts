// The checks that the node makes of a read, for the servers that are compared with it, each as fast as Node.js lets it be.
import { randomUUID, timingSafeEqual } from 'node:crypto';
import { BlockList } from 'node:net';
import type { ServerSpec } from './spec.ts';

export interface Checks {
  keyMatches(candidate: string | undefined): boolean;
  isAllowed(address: string | undefined): boolean;
  /** The caller's, if it is a UUID v4, else a fresh one. */
  requestId(sent: string | undefined): string;
  /** The body of `GET /peers/{id}`; undefined: there is none. */
  peer(id: string): Buffer | undefined;
  /** The body of `GET /peers`; null: the query is malformed. */
  page(query: string): Buffer | null | undefined;
  readonly healthz: Buffer;
  readonly stats: Buffer;
}

const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
const wholeNumber = /^(0|[1-9][0-9]{0,15})$/;

export function createChecks(spec: ServerSpec): Checks {
  const bodies = new Map(Object.entries(spec.bodies).map(([target, body]) => [target, Buffer.from(body)]));
  const key = Buffer.from(spec.apiKey);
  const allowed = new BlockList();
  for (const [network, prefix, family] of spec.allowedIps) allowed.addSubnet(network, prefix, family);
  return {
    keyMatches(candidate = '') {
      const bytes = Buffer.from(candidate);
      return bytes.length === key.length && timingSafeEqual(bytes, key);
    },
    isAllowed: (address) => address !== undefined && allowed.check(address),
    requestId: (sent) => (sent !== undefined && uuidV4.test(sent) ? sent : randomUUID()),
    peer: (id) => (uuidV4.test(id) ? bodies.get(`/peers/${id.toLowerCase()}`) : undefined),
    page(query) {
      const parameters = new URLSearchParams(query);
      const offset = parameters.get('offset') ?? '0';
      const limit = parameters.get('limit') ?? '0';
      if (!wholeNumber.test(offset) || !wholeNumber.test(limit) || Number(limit) > 1_000) return null;
      return bodies.get(`/peers?offset=${offset}&limit=${limit}`);
    },
    healthz: bodies.get('/healthz') ?? Buffer.alloc(0),
    stats: bodies.get('/stats') ?? Buffer.alloc(0),
  };
}
