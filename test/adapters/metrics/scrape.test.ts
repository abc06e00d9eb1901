// One scrape, over a device that answers or hangs.
import assert from 'node:assert/strict';
import test from 'node:test';
import { type ScrapeContext, scrape } from '../../../adapters/metrics/scrape.ts';
import { scrapeSettleMs } from '../../../core/limits.ts';
import { createPeerTable } from '../../../core/peers/table.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { mustSucceed } from '../../fixtures/outcome.ts';
import { peerFixture } from '../../fixtures/peers.ts';

const raw = { params: {}, query: null, body: undefined, requestId: '', clientAddress: () => '' };

function createRig(settle: () => Promise<void> | null, perPeerMax: number | null = null) {
  const clock = createFakeClock();
  const table = createPeerTable();
  for (let index = 0; index < 3; index++) table.put(peerFixture(index));
  const renderFamilies = async () => `peers ${table.size}\n`;
  const context: ScrapeContext = { table, observer: { settle }, clock, renderFamilies, perPeerMax };
  const answer = async () => {
    const { status, body } = mustSucceed(await scrape.run(raw, context));
    return `${status} ${typeof body === 'string' ? body : [...(body as Iterable<string>)].join('')}`;
  };
  return { clock, table, answer };
}

test('it waits for a fresh look', async () => {
  let end = () => {};
  const rig = createRig(() => new Promise((resolve) => (end = resolve)));
  const answer = rig.answer();
  await rig.clock.settle();
  rig.table.remove([peerFixture(0).id]);
  end();
  assert.equal(await answer, '200 peers 2\n');
  assert.equal(rig.clock.timers, 0);
});

test('it does not wait for a device that hangs', async () => {
  const rig = createRig(() => new Promise(() => {}));
  const answer = rig.answer();
  await rig.clock.advance(scrapeSettleMs);
  assert.equal(await answer, '200 peers 3\n');
});

test('series of peers come behind all others, up to a number', async () => {
  const rig = createRig(() => null, 2);
  const text = await rig.answer();
  assert.match(text, /^200 peers 3\n# HELP wgkeeper_peer_series_omitted /);
  assert.match(text, /^wgkeeper_peer_series_omitted 1$/m);
  assert.equal(text.match(/^wgkeeper_peer_receive_bytes_total\{/gm)?.length, 2);
});
