// GET /peers: a page of peers, or all of them.
import type { Failure, Outcome, RawInput } from '../core/http/contract.ts';
import { defineRoute } from '../core/http/route.ts';
import type { Entry } from '../core/peers/table.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { ApiContext } from './context.ts';
import type { ApiCode } from './failures.ts';
import { renderListedPeer } from './shapes.ts';

/** The most peers of a page that is asked for by its length. */
const pageLimitMax = 1_000;

// Peers in one piece of a long answer: some 80 KB, a millisecond of rendering.
const pieceLength = 250;

export interface Page {
  readonly offset: number;
  /** Null: all there are. */
  readonly limit: number | null;
}

export const listPeers = defineRoute<ApiContext, ApiCode, Page>({
  method: 'GET',
  path: '/peers',
  access: 'key',
  takesBody: false,
  decode: decodePage,
  handle(page, context) {
    const settling = context.node.observer.settle();
    return settling === null ? answer(page, context) : settling.then(() => answer(page, context));
  },
});

/** `offset` and `limit` of a query; `invalid_pagination` for anything but plain whole numbers in range, each given once. */
export function decodePage(raw: RawInput): Result<Page, Failure<ApiCode>> {
  const query = new URLSearchParams(raw.query ?? '');
  const offset = wholeNumber(query.getAll('offset'));
  const limit = wholeNumber(query.getAll('limit'));
  const wrong = offset === undefined || limit === undefined || limit === 0 || (limit ?? 1) > pageLimitMax;
  return wrong ? fail({ code: 'invalid_pagination' }) : ok({ offset: offset ?? 0, limit });
}

/** Null: not given. Undefined: not one plain whole number up to 2^53 - 1. */
function wholeNumber(values: readonly string[]): number | null | undefined {
  const [text] = values;
  if (text === undefined) return null;
  if (values.length > 1 || !/^(0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

function answer(page: Page, { node, replies }: ApiContext): Outcome<ApiCode> {
  if (!node.observer.readable()) return fail({ code: 'peers_list_unavailable' });
  const entries = () => node.table.page(page.offset, page.limit ?? node.table.size);
  if (page.limit === null && node.table.size > pageLimitMax) {
    return ok({ status: 200, body: renderPieces(page, entries(), node.table.size) });
  }
  const render = () => [...renderPieces(page, entries(), node.table.size)].join('');
  const name = `${page.offset}:${page.limit}`;
  return ok({ status: 200, body: replies.get(node.table.revision, name, render) });
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
  const hasPrev = offset > 0;
  const hasNext = offset + count < totalItems;
  return JSON.stringify({
    offset,
    limit: length,
    totalItems,
    hasPrev,
    hasNext,
    ...(hasPrev ? { prevOffset: Math.max(0, offset - length) } : {}),
    ...(hasNext ? { nextOffset: offset + count } : {}),
  });
}
