// What a read costs, counted: it waits for nobody, leaves little garbage, and makes no text twice.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apiKey, createBenchApi } from '../../bench/in-process-api.ts';
import type { RequestHead, Response } from '../../core/http/contract.ts';
import { peerIdFixture } from '../fixtures/peers.ts';

const { dispatch } = await createBenchApi(250);

function headOf(path: string, query: string | null = null): RequestHead {
  return {
    method: 'GET',
    path,
    query,
    apiKey,
    requestId: '',
    contentType: '',
    contentEncoding: '',
    contentLength: null,
    forwardedFor: '',
    remoteAddress: () => Uint8Array.of(127, 0, 0, 1),
    fromAllowed: true,
    closes: false,
  };
}

/** Reads once, down to the bytes that would be sent. */
function read(head: RequestHead): void {
  const response = dispatch.handle(head, null);
  assert.ok(!(response instanceof Promise), 'it waits');
  assert.equal(response.head.status, 200);
  const { body } = response as Response;
  if (typeof body === 'function') body();
}

/** Bytes that one read takes from the heap. The median of some rounds: in some of them the collector comes by. */
function allocatedBytes(heads: readonly RequestHead[]): number {
  const rounds: number[] = [];
  for (let round = 0; round < 15; round++) {
    const before = process.memoryUsage();
    for (let count = 0; count < 500; count++) read(heads[count % heads.length] as RequestHead);
    const after = process.memoryUsage();
    rounds.push((after.heapUsed - before.heapUsed + after.external - before.external) / 500);
  }
  return rounds.sort((a, b) => a - b)[7] as number;
}

/** In bytes, of which an answer of 50 peers alone has 16,000. */
const bounds: readonly [what: string, heads: readonly RequestHead[], most: number][] = [
  ['GET /healthz', [headOf('/healthz')], 1_500],
  ['GET /stats', [headOf('/stats')], 1_500],
  ['GET /peers/{id}', Array.from({ length: 250 }, (_, n) => headOf(`/peers/${peerIdFixture(n)}`)), 3_000],
  ['the same page', [headOf('/peers', 'offset=0&limit=50')], 2_500],
  ['any page', Array.from({ length: 200 }, (_, n) => headOf('/peers', `offset=${n}&limit=50`)), 4_000],
];

describe('a read that finds a young look', () => {
  for (const [what, heads, most] of bounds) {
    it(`is answered at once and takes less than ${most} bytes: ${what}`, () => {
      for (let count = 0; count < 3_000; count++) read(heads[count % heads.length] as RequestHead);
      const bytes = allocatedBytes(heads);
      assert.ok(bytes < most, `${bytes} bytes`);
    });
  }
});
