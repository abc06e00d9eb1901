// Every route and every kind of refusal, from a plain request to a plain response.
import { randomUUID } from 'node:crypto';
import { createKeyCheck } from '../../core/http/auth.ts';
import type { RequestHead, Response } from '../../core/http/contract.ts';
import { createRequestIds } from '../../core/http/request-id.ts';
import { bodyText } from '../../test/fixtures/body-text.ts';
import { peerFixture, peerIdFixture } from '../../test/fixtures/peers.ts';
import { apiKey, createBenchApi } from '../in-process-api.ts';
import type { Case } from './case.ts';
import { defineCase } from './case.ts';

const peerCount = 250;

export const httpCases: readonly Case[] = [
  dispatchCase('dispatch/GET healthz', { path: '/healthz', apiKey: '' }, [200, '{"status":"ok"}']),
  dispatchCase('dispatch/GET readyz', { path: '/readyz', apiKey: '' }, [200, '{"status":"ok"}']),
  dispatchCase('dispatch/GET stats', { path: '/stats' }, [200, '"issued":250']),
  dispatchCase('dispatch/GET stats with a request id', { path: '/stats', requestId: randomUUID() }, [
    200,
    '"issued":250',
  ]),
  dispatchCase('dispatch/GET one peer', { path: `/peers/${peerIdFixture(7)}` }, [
    200,
    peerFixture(7).publicKey,
  ]),
  dispatchCase('dispatch/GET and make a page of 50', { path: '/peers', query: 'limit=50' }, [
    200,
    '"nextOffset":50',
  ]),
  dispatchCase(
    'dispatch/GET and make a page of 50 at an offset',
    { path: '/peers', query: 'offset=100&limit=50' },
    [200, '"nextOffset":150'],
  ),
  freshPageCase('dispatch/GET and make a page of 50 after a change'),
  dispatchCase(
    'dispatch/POST a known peer',
    { method: 'POST', path: '/peers', contentType: 'application/json' },
    [200, '"privateKey":"'],
    JSON.stringify({ peerId: peerIdFixture(9) }),
  ),
  dispatchCase(
    'dispatch/POST a bad body',
    { method: 'POST', path: '/peers' },
    [400, 'invalid_peer_id'],
    '{"peerId":"7"}',
  ),
  dispatchCase(
    'dispatch/DELETE an unknown peer',
    { method: 'DELETE', path: `/peers/${peerIdFixture(peerCount)}` },
    [404, 'peer_not_found'],
  ),
  dispatchCase('dispatch/refuse a wrong key', { path: '/stats', apiKey: apiKey.toUpperCase() }, [
    401,
    'unauthorized',
  ]),
  dispatchCase('dispatch/refuse a method', { method: 'PUT', path: '/peers' }, [405, 'method_not_allowed']),
  dispatchCase('dispatch/refuse a path', { path: '/nowhere' }, [404, 'not_found']),
  defineCase('http/check a key', () => {
    const matches = createKeyCheck(apiKey);
    return { run: () => matches(apiKey), show: (answer) => answer, expected: true };
  }),
  defineCase('http/make a request id', () => {
    const ids = createRequestIds((bytes) => bytes.fill(0x5a));
    const target = new Uint8Array(36);
    return {
      run() {
        ids.accept('').copyTo(target, 0);
        return target;
      },
      show: (bytes) => Buffer.from(bytes).toString('latin1'),
      expected: '5a5a5a5a-5a5a-4a5a-9a5a-5a5a5a5a5a5a',
    };
  }),
];

const allowedAddress = Uint8Array.of(127, 0, 0, 1);

/** A head as the server reads it from an allowed connection. */
function headOf(parts: Partial<RequestHead>): RequestHead {
  return {
    method: 'GET',
    path: '/',
    query: null,
    apiKey,
    requestId: '',
    contentType: '',
    contentEncoding: '',
    contentLength: null,
    forwardedFor: '',
    remoteAddress: () => allowedAddress,
    fromAllowed: true,
    closes: false,
    ...parts,
  };
}

function dispatchCase(
  name: string,
  parts: Partial<RequestHead>,
  [status, text]: readonly [status: number, text: string],
  body: string | null = null,
): Case {
  const head = headOf(parts);
  const bytes = body === null ? null : Buffer.from(body);
  return {
    name,
    async create() {
      const { dispatch } = await createBenchApi(peerCount);
      return {
        run:
          head.method === 'GET' || head.method === 'PUT'
            ? () => made(dispatch.handle(head, null) as Response)
            : () => nextTurn(dispatch.handle(head, bytes)),
        show: (response) => shows(response as Response, text),
        expected: [status, text],
      };
    },
  };
}

/** An answer whose body is made, as the sender makes it. */
function made(response: Response): Response {
  if (typeof response.body === 'function') response.body();
  return response;
}

/** The next request comes in a later turn of the event loop than the answer to this one. */
async function nextTurn<Value>(answer: Value | Promise<Value>): Promise<Value> {
  const value = await answer;
  await new Promise((resolve) => setImmediate(resolve));
  return value;
}

function freshPageCase(name: string): Case {
  const head = headOf({ path: '/peers', query: 'limit=50' });
  return {
    name,
    async create() {
      let revision = 0;
      const { dispatch } = await createBenchApi(peerCount, {
        nodeSeen: (node) => ({
          ...node,
          // Each asker finds another revision, as if something had changed since the last.
          table: Object.defineProperty(node.table, 'revision', { get: () => revision++ }),
        }),
      });
      return {
        run: () => made(dispatch.handle(head, null) as Response),
        show: (response) => shows(response as Response, '"nextOffset":50'),
        expected: [200, '"nextOffset":50'],
      };
    },
  };
}

/** Status, and the text if the body has it, or the whole body. */
function shows(response: Response, text: string): readonly [number, string] {
  const whole = bodyText(response.body);
  return [response.head.status, whole.includes(text) ? text : whole];
}
