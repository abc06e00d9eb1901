// Peers by id, held against a map: random ids, ids that a machine counted up, and gaps among ids that share a place.
import assert from 'node:assert/strict';
import test from 'node:test';
import { IdIndex } from '../../../core/peers/id-index.ts';
import type { PeerId } from '../../../core/peers/peer.ts';
import { createSeeded } from '../../fakes/seeded.ts';
import { peerIdFixture } from '../../fixtures/peers.ts';

const counted = (number: number) =>
  `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}` as PeerId;

for (const [name, idOf] of Object.entries({ random: peerIdFixture, counted })) {
  test(`${name} ids that come and go are found as in a map`, () => {
    const seeded = createSeeded(7);
    const index = new IdIndex<number>();
    const model = new Map<PeerId, number>();
    const ids = Array.from({ length: 3_000 }, (_, number) => idOf(number));
    for (let step = 0; step < 40_000; step++) {
      const id = seeded.pick(ids);
      // Fills up, empties, and fills up again.
      const puts = Math.floor(step / 10_000) % 2 === 0 ? 0.8 : 0.2;
      if (seeded.chance(puts)) {
        index.set(id, step);
        model.set(id, step);
      } else {
        index.delete(id);
        model.delete(id);
      }
      assert.equal(index.size, model.size);
      if (step % 997 === 0) for (const each of ids) assert.equal(index.get(each), model.get(each));
    }
    for (const id of ids) assert.equal(index.get(id.toUpperCase()), model.get(id));
  });
}

test('what is no UUID v4 names nothing', () => {
  const index = new IdIndex<number>();
  const id = peerIdFixture(1);
  index.set(id, 1);
  for (const text of ['', id.slice(1), `${id}0`, id.replace('-4', '-5'), '0'.repeat(36)]) {
    assert.equal(index.get(text), undefined, text);
  }
});
