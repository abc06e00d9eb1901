// GET /metrics: all numbers of the moment as text. What they are is families.ts and peer-series.ts.
import type { HttpCode } from '../../core/http/failures.ts';
import type { Route } from '../../core/http/route.ts';
import { scrapeSettleMs } from '../../core/limits.ts';
import type { PeerNode } from '../../core/node.ts';
import type { Entry } from '../../core/peers/entry.ts';
import type { Clock } from '../../core/ports.ts';
import { ok } from '../../core/result.ts';
import { chooseBusiest, renderPeerSeries } from './peer-series.ts';

/** What a scrape is answered from. */
export interface ScrapeContext {
  readonly table: Pick<PeerNode['table'], 'size' | 'page'>;
  readonly observer: Pick<PeerNode['observer'], 'settle'>;
  readonly clock: Clock;
  /** All but the series of peers. */
  readonly renderFamilies: () => Promise<string>;
  /** Null: peers have no series. */
  readonly perPeerMax: number | null;
}

export const scrape: Route<ScrapeContext, HttpCode> = {
  method: 'GET',
  path: '/metrics',
  access: 'key',
  takesBody: false,
  async run(_, { table, observer, clock, renderFamilies, perPeerMax }) {
    await settleSoon(observer, clock);
    const text = await renderFamilies();
    if (perPeerMax === null) return ok({ status: 200, body: text });
    const all = table.page(0, table.size);
    const shown = await chooseBusiest(all, perPeerMax, () => new Promise(clock.soon));
    return ok({ status: 200, body: joinSeries(text, shown, all.length - shown.length) });
  },
};

/** Waits for a fresh look at the device, but not for one that hangs: that is when metrics are wanted most. */
function settleSoon(observer: ScrapeContext['observer'], clock: Clock): Promise<void> | null {
  const settling = observer.settle();
  if (settling === null) return null;
  return new Promise((resolve) => {
    const cancel = clock.after(scrapeSettleMs, resolve);
    void settling.then(() => {
      cancel();
      resolve();
    });
  });
}

function* joinSeries(text: string, peers: readonly Entry[], omitted: number): Iterable<string> {
  yield text;
  yield* renderPeerSeries(peers, omitted);
}
