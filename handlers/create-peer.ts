// POST /peers: makes a peer, or rotates the keys of a known one.
import * as v from 'valibot';
import type { AddressFamily } from '../core/address.ts';
import type { Changed, Origin } from '../core/batch.ts';
import type { Failure, Outcome, RawInput } from '../core/http/contract.ts';
import { defineRoute } from '../core/http/route.ts';
import type { NodeHealth } from '../core/node.ts';
import { type PeerId, parsePeerId } from '../core/peers/peer.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { parseTimestamp } from '../core/timestamp.ts';
import { changeCodes, changeFailure } from './change-failure.ts';
import type { ApiContext } from './context.ts';
import type { ApiCode } from './failures.ts';
import { familySchema, keySchema, peerIdSchema, udpPortSchema } from './schemas.ts';
import { addressFields, listedPeerExample, renderAddresses } from './shapes.ts';

export interface CreatePeerInput {
  readonly id: PeerId;
  /** Milliseconds since the Unix epoch; null: not given. */
  readonly expiresAtMs: number | null;
  /** Null: not given. */
  readonly families: readonly AddressFamily[] | null;
  readonly origin: Origin;
}

const fieldNameShownMax = 64;
const objectSchema = v.record(v.string(), v.unknown());
const expiresAtSchema = v.nullish(
  v.pipe(
    v.string(),
    v.maxLength(64),
    v.metadata({ format: 'date-time' }),
    v.description(
      'RFC 3339 with a zone, in the future. Absent or null: a new peer is permanent, a known one keeps what it has.',
    ),
  ),
);
const familiesSchema = v.nullish(
  v.pipe(
    v.array(familySchema),
    v.minLength(1),
    v.check((families) => new Set(families).size === families.length),
    v.metadata({ uniqueItems: true }),
    v.description(
      'Which addresses a new peer gets. Absent or null: one of each family of the node. Ignored for a known peer.',
    ),
  ),
);

/** What callers send. It is decoded field by field, since each has a code of its own. */
export const creationSchema = v.strictObject({
  peerId: peerIdSchema,
  expiresAt: expiresAtSchema,
  addressFamilies: familiesSchema,
});

/** What `renderCreated` writes. */
export const createdSchema = v.object({
  server: v.object({
    publicKey: keySchema("The node's public key: 32 bytes in base64."),
    listenPort: udpPortSchema('Where the node listens for its peers, UDP.'),
  }),
  peer: v.object({
    peerId: peerIdSchema,
    publicKey: keySchema("The peer's public key: 32 bytes in base64."),
    privateKey: keySchema('In this answer and nowhere else: the node does not keep it.'),
    presharedKey: keySchema('Preshared key: 32 bytes in base64.'),
    ...addressFields,
  }),
});

const { peerId, publicKey, allowedIPs, addressFamilies } = listedPeerExample;
const example = {
  server: { publicKey: '7sUykuzGXvnqgXqP0vNTAMSDhwFdr1ENo8jCkBtMNwA=', listenPort: 51_820 },
  peer: {
    peerId,
    publicKey,
    privateKey: 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=',
    presharedKey: 'FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=',
    allowedIPs,
    addressFamilies,
  },
};

export const createPeer = defineRoute<ApiContext, ApiCode, CreatePeerInput>({
  method: 'POST',
  path: '/peers',
  access: 'key',
  takesBody: true,
  description: {
    name: 'createPeer',
    summary: 'Creates a peer, or rotates the keys of a known one',
    details:
      'May be sent again: a known peer gets new keys and keeps its addresses. When it is answered the peer is durable and on the interface, and its old keys are gone.',
    body: {
      details: 'The peer. A field that nobody knows is refused.',
      schema: creationSchema,
      example: { peerId, expiresAt: '2026-12-31T23:59:59Z', addressFamilies: ['IPv4'] },
    },
    answers: { 200: { details: 'All that a client needs.', schema: createdSchema, example } },
    failures: [
      'unknown_field',
      'invalid_peer_id',
      'invalid_expires_at',
      'invalid_address_families',
      'unsupported_address_family',
      'no_available_ip',
      'server_info_unavailable',
      ...changeCodes,
    ],
  },
  decode: decodeCreatePeer,
  handle: handleCreatePeer,
});

/** Checks the body field by field; the first that is wrong answers with its own code. */
function decodeCreatePeer(raw: RawInput): Result<CreatePeerInput, Failure<ApiCode>> {
  const body = raw.body;
  if (!v.is(objectSchema, body) || Array.isArray(body)) {
    return fail({ code: 'invalid_json', sentence: 'The body must be one JSON object.' });
  }
  const unknown = Object.keys(body).find((key) => !Object.hasOwn(creationSchema.entries, key));
  if (unknown !== undefined) return fail({ code: 'unknown_field', sentence: unknownFieldSentence(unknown) });

  const id = typeof body['peerId'] === 'string' ? parsePeerId(body['peerId']) : null;
  if (id === null) return fail({ code: 'invalid_peer_id' });
  const expiresAtMs = decodeExpiresAt(body['expiresAt']);
  if (expiresAtMs === undefined) return fail({ code: 'invalid_expires_at' });
  const families = v.safeParse(familiesSchema, body['addressFamilies']);
  if (!families.success) return fail({ code: 'invalid_address_families' });

  const origin = { requestId: raw.requestId, clientAddress: raw.clientAddress() };
  return ok({ id, expiresAtMs, families: families.output ?? null, origin });
}

async function handleCreatePeer(input: CreatePeerInput, context: ApiContext): Promise<Outcome<ApiCode>> {
  const { node } = context;
  const { id, expiresAtMs, families, origin } = input;
  if (expiresAtMs !== null && expiresAtMs <= context.nowMs()) return fail({ code: 'invalid_expires_at' });
  if (families?.some((family) => !node.pools.families.includes(family))) {
    return fail({ code: 'unsupported_address_family' });
  }
  if (node.observer.serverPublicKey() === null) await node.observer.settle();
  const serverPublicKey = node.observer.serverPublicKey();
  if (serverPublicKey === null) return fail(withoutServerKey[node.health()]);

  const changed = await node.change({ kind: 'put', id, expiresAtMs, families }, origin);
  if (!changed.ok) return fail(changeFailure(changed.failure));
  return ok({
    status: 200,
    body: renderCreated(changed.value, serverPublicKey, context),
  });
}

function renderCreated(changed: Changed, serverPublicKey: string, context: ApiContext): string {
  const { peer, privateKey } = changed;
  const listenPort = context.node.observer.listenPort() ?? context.wireguard.listenPort;
  return (
    `{"server":{"publicKey":"${serverPublicKey}","listenPort":${listenPort}},` +
    `"peer":{"peerId":"${peer.id}","publicKey":"${peer.publicKey}","privateKey":"${privateKey}",` +
    `"presharedKey":"${peer.presharedKey}",${renderAddresses(peer)}}}`
  );
}

// No peer is made for a caller who could not be told the key that the peer needs to reach this node.
const withoutServerKey: Readonly<Record<NodeHealth, Failure<ApiCode>>> = {
  ok: { code: 'server_info_unavailable' },
  wireguard_unavailable: changeFailure('device_unavailable'),
  store_unavailable: changeFailure('store_unavailable'),
  shutting_down: changeFailure('shutting_down'),
};

/** Undefined: not a date-time. Whether it lies in the future is the handler's to see. */
function decodeExpiresAt(value: unknown): number | null | undefined {
  const text = v.safeParse(expiresAtSchema, value);
  if (!text.success) return undefined;
  if (text.output === null || text.output === undefined) return null;
  return parseTimestamp(text.output) ?? undefined;
}

function unknownFieldSentence(name: string): string {
  // The name is the caller's own text: shortened, and without what could upset a terminal or a log.
  const shown = name.slice(0, fieldNameShownMax).replace(/[^\x20-\x7e]/g, '?');
  return `The body has a field that this operation does not know: ${JSON.stringify(shown)}.`;
}
