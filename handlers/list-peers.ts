// GET /peers: a page of peers, or all of them.
import * as v from 'valibot';
import type { Failure, Outcome, RawInput } from '../core/http/contract.ts';
import { defineRoute } from '../core/http/route.ts';
import type { Entry } from '../core/peers/entry.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { ApiContext } from './context.ts';
import type { ApiCode } from './failures.ts';
import { countSchema } from './schemas.ts';
import { listedPeerExample, listedPeerSchema, renderListedPeer } from './shapes.ts';
import type { TextBuffer } from './text-buffer.ts';

/** The most peers of a page that is asked for by its length. */
const pageLimitMax = 1_000;

// Peers in one piece of a long answer: some 80 KB, a millisecond of rendering.
const pieceLength = 250;

/** Which peers are asked for; there need not be any. */
export interface Page {
  readonly offset: number;
  /** Null: all there are. */
  readonly limit: number | null;
}

/** What `renderPieces` writes. */
export const pageSchema = v.object({
  data: v.array(listedPeerSchema),
  meta: v.object({
    offset: countSchema('As it was asked for.'),
    limit: countSchema('As it was asked for; the number of items where it was not.'),
    totalItems: countSchema('How many peers there are.'),
    hasPrev: v.boolean(),
    hasNext: v.boolean(),
    prevOffset: v.optional(countSchema('Where the page before begins; absent: there is none.')),
    nextOffset: v.optional(countSchema('Where the page after begins; absent: there is none.')),
  }),
});

const example = {
  data: [listedPeerExample],
  meta: { offset: 0, limit: 50, totalItems: 1, hasPrev: false, hasNext: false },
};

export const listPeers = defineRoute<ApiContext, ApiCode, Page>({
  method: 'GET',
  path: '/peers',
  access: 'key',
  takesBody: false,
  description: {
    name: 'listPeers',
    summary: 'Peers, a page or all of them',
    details: 'Oldest first, then by id: pages stay put as peers come.',
    parameters: [
      {
        name: 'offset',
        in: 'query',
        details: 'How many to pass over; none by default.',
        schema: countSchema(''),
      },
      {
        name: 'limit',
        in: 'query',
        details: 'How many at most; all of them by default.',
        schema: countSchema('', 1, pageLimitMax),
      },
    ],
    answers: { 200: { details: 'A page.', schema: pageSchema, example } },
    failures: ['invalid_pagination', 'peers_list_unavailable'],
  },
  decode: decodePage,
  handle(page, context) {
    const settling = context.node.observer.settle();
    return settling === null ? answer(page, context) : settling.then(() => answer(page, context));
  },
});

/** `offset` and `limit` of a query; `invalid_pagination` for anything but plain whole numbers in range, each given once. */
export function decodePage(raw: RawInput): Result<Page, Failure<ApiCode>> {
  let query = raw.query ?? '';
  // Written anew, only that is still encoded which is part of neither these names nor numbers.
  if (query.includes('%')) query = new URLSearchParams(query).toString();
  const offset = findWholeNumber(query, 'offset');
  const limit = findWholeNumber(query, 'limit');
  const wrong = offset === undefined || limit === undefined || limit === 0 || (limit ?? 1) > pageLimitMax;
  return wrong ? fail({ code: 'invalid_pagination' }) : ok({ offset: offset ?? 0, limit });
}

/** Null: not given. Undefined: not one plain whole number up to 2^53 - 1. */
function findWholeNumber(query: string, name: string): number | null | undefined {
  let value: number | null | undefined = null;
  for (let at = 0, end = 0; at < query.length; at = end + 1) {
    end = query.indexOf('&', at);
    if (end === -1) end = query.length;
    const nameEnd = at + name.length;
    if (!query.startsWith(name, at) || (nameEnd !== end && query[nameEnd] !== '=')) continue;
    if (value !== null) return undefined;
    value = parseWholeNumber(query, nameEnd + 1, end);
  }
  return value;
}

function parseWholeNumber(text: string, start: number, end: number): number | undefined {
  const length = end - start;
  if (length < 1 || length > 16 || (length > 1 && text[start] === '0')) return undefined;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return Number.isSafeInteger(value) ? value : undefined;
}

function answer(page: Page, context: ApiContext): Outcome<ApiCode> {
  const { table, observer } = context.node;
  if (!observer.readable()) return fail({ code: 'peers_list_unavailable' });
  if (page.limit === null && table.size > pageLimitMax) {
    return ok({ status: 200, body: renderPieces(page, table.page(page.offset, table.size), table.size) });
  }
  return ok({ status: 200, body: () => render(page, context) });
}

function render(page: Page, { node, lastPage }: ApiContext): Uint8Array {
  const { table } = node;
  const { offset, limit } = page;
  return lastPage.get(table.revision, offset, limit, (buffer) => renderPage(page, table, buffer));
}

function renderPage(page: Page, table: ApiContext['node']['table'], buffer: TextBuffer): void {
  const count = Math.min(Math.max(table.size - page.offset, 0), page.limit ?? table.size);
  buffer.write('{"data":[');
  table.copyTexts(page.offset, count, renderListedPeer, buffer);
  buffer.write(`],"meta":${renderMeta(page, count, table.size)}}`);
}

function* renderPieces(page: Page, entries: readonly Entry[], totalItems: number): Iterable<string> {
  let separator = '{"data":[';
  for (let index = 0; index < entries.length; index += pieceLength) {
    yield separator +
      entries
        .slice(index, index + pieceLength)
        .map(renderListedPeer)
        .join(',');
    separator = ',';
  }
  yield `${entries.length === 0 ? separator : ''}],"meta":${renderMeta(page, entries.length, totalItems)}}`;
}

function renderMeta({ offset, limit }: Page, count: number, totalItems: number): string {
  const length = limit ?? count;
  // Past the end and without a limit a page has no length, so that the one before it would be itself, and again, for ever.
  const hasPrev = offset > 0 && length > 0;
  const hasNext = offset + count < totalItems;
  const prev = hasPrev ? `,"prevOffset":${Math.max(0, offset - length)}` : '';
  const next = hasNext ? `,"nextOffset":${offset + count}` : '';
  return (
    `{"offset":${offset},"limit":${length},"totalItems":${totalItems},` +
    `"hasPrev":${hasPrev},"hasNext":${hasNext}${prev}${next}}`
  );
}
