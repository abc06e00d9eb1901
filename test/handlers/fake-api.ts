// What handlers answer from, without a node behind it: a real table, and everything else as the test says.
import assert from 'node:assert/strict';
import type { Changed, ChangeFailure, Origin } from '../../core/batch.ts';
import type { Outcome, RawInput } from '../../core/http/contract.ts';
import type { Route } from '../../core/http/route.ts';
import { createNodeCounts } from '../../core/metrics/node-counts.ts';
import type { NodeHealth } from '../../core/node.ts';
import type { PeerCommand } from '../../core/peers/lifecycle.ts';
import type { PublicKey } from '../../core/peers/peer.ts';
import { createPeerTable, type PeerTable } from '../../core/peers/table.ts';
import { fail, type Result } from '../../core/result.ts';
import type { ApiContext } from '../../handlers/context.ts';
import type { ApiCode } from '../../handlers/failures.ts';
import { KeptReply } from '../../handlers/kept-reply.ts';
import { LastPage } from '../../handlers/last-page.ts';
import { TextBuffer } from '../../handlers/text-buffer.ts';
import { bodyText } from '../fixtures/body-text.ts';
import { publicKeyFixture } from '../fixtures/peers.ts';

export const nowMs = Date.UTC(2026, 1, 2, 0, 6, 6, 789);
export const requestId = '5f4e3d2c-1b0a-4f9e-8d7c-6b5a49382716';
export const clientAddress = '192.0.2.7';

/** What stands behind the handlers. The test sets it; handlers read it. */
export interface Behind {
  readonly table: PeerTable;
  /** What the device was asked to become, in order. */
  readonly changes: { readonly command: PeerCommand; readonly origin: Origin }[];
  /** What every change answers. */
  changed: Result<Changed, ChangeFailure>;
  /** What happens before an asker is let through; null: nobody waits. */
  settling: (() => void) | null;
  readable: boolean;
  health: NodeHealth;
  serverPublicKey: PublicKey | null;
  listenPort: number | null;
  diagnosis: Result<string, { readonly detail: string }>;
}

export interface FakeApi {
  readonly behind: Behind;
  readonly context: ApiContext;
}

export function createFakeApi(changes: Partial<ApiContext['node']['pools']> = {}): FakeApi {
  const behind: Behind = {
    table: createPeerTable(),
    changes: [],
    changed: fail('overloaded'),
    settling: null,
    readable: true,
    health: 'ok',
    serverPublicKey: publicKeyFixture('server'),
    listenPort: null,
    diagnosis: fail({ detail: 'nobody looked' }),
  };
  const context: ApiContext = {
    node: {
      table: behind.table,
      observer: {
        settle() {
          const { settling } = behind;
          return settling === null ? null : Promise.resolve().then(settling);
        },
        readable: () => behind.readable,
        serverPublicKey: () => behind.serverPublicKey,
        listenPort: () => behind.listenPort,
      },
      pools: { families: ['IPv4', 'IPv6'], possible: 253, ...changes },
      async change(command, origin) {
        behind.changes.push({ command, origin });
        return behind.changed;
      },
      health: () => behind.health,
      storeHealthy: () => assert.fail('handlers ask for the health as a whole'),
      deviceHealthy: () => assert.fail('handlers ask for the health as a whole'),
      queueLength: () => assert.fail('handlers queue nothing'),
      counts: createNodeCounts(),
      alive: () => true,
      start: () => assert.fail('handlers start nothing'),
      announceStop: () => assert.fail('handlers stop nothing'),
      stop: () => assert.fail('handlers stop nothing'),
    },
    nowMs: () => nowMs,
    startedAtMs: nowMs,
    service: { name: 'wgkeeper-node', version: '2.0.0' },
    wireguard: {
      interface: 'wg0',
      listenPort: 51_820,
      subnets: ['10.0.0.0/24', 'fd00::/112'],
      serverIps: ['10.0.0.1', 'fd00::1'],
      addressFamilies: ['IPv4', 'IPv6'],
    },
    statsReply: new KeptReply(),
    lastPage: new LastPage(),
    buffer: new TextBuffer(),
    readApiDescription: () => assert.fail('the API is not described here'),
    diagnose: async () => behind.diagnosis,
  };
  return { behind, context };
}

/** A request as a route gets it, with these parts. */
export function rawInput(parts: Partial<RawInput> = {}): RawInput {
  return {
    params: {},
    query: null,
    body: undefined,
    requestId,
    clientAddress: () => clientAddress,
    ...parts,
  };
}

/** The answer of a route to a request of these parts. */
export async function ask(
  api: FakeApi,
  route: Route<ApiContext, ApiCode>,
  parts: Partial<RawInput> = {},
): Promise<Outcome<ApiCode>> {
  return route.run(rawInput(parts), api.context);
}

/** The status and the text of a good answer. */
export function replied(outcome: Outcome<ApiCode>): { readonly status: number; readonly text: string } {
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.failure.code);
  const { status, body } = outcome.value;
  return { status, text: bodyText(body) };
}
