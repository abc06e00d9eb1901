// Who expires next, held against a plain list.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createExpiryQueue } from '../../../core/peers/expiry.ts';
import type { PeerId } from '../../../core/peers/peer.ts';
import { createSeeded } from '../../fakes/seeded.ts';
import { peerFixtures, peerIdFixture } from '../../fixtures/peers.ts';

const fixtures = peerFixtures(100);

/** A queue, and the peers that it is about: what the table is to the node. */
function createWorld() {
  const expiresAt = new Map<PeerId, number>();
  let asked = 0;
  const queue = createExpiryQueue((id, atMs) => {
    asked++;
    return expiresAt.get(id) === atMs;
  });
  return {
    queue,
    expiresAt,
    put(number: number, expiresAtMs: number | null) {
      const fixture = fixtures[number];
      assert.ok(fixture !== undefined);
      const peer = { ...fixture, expiresAtMs };
      if (expiresAtMs === null) expiresAt.delete(peer.id);
      else expiresAt.set(peer.id, expiresAtMs);
      queue.add(peer);
    },
    takeAsked() {
      const count = asked;
      asked = 0;
      return count;
    },
  };
}

describe('the expiry queue', () => {
  it('is empty at first, and for permanent peers', () => {
    const { queue, put } = createWorld();
    put(1, null);
    assert.equal(queue.nextMs(), null);
    assert.deepEqual(queue.takeDue(Number.MAX_SAFE_INTEGER, 10), []);
  });

  it('gives a peer at its moment and not before', () => {
    const { queue, put } = createWorld();
    put(1, 1_000);
    assert.equal(queue.nextMs(), 1_000);
    assert.deepEqual(queue.takeDue(999, 10), []);
    assert.deepEqual(queue.takeDue(1_000, 10), [peerIdFixture(1)]);
    assert.equal(queue.nextMs(), null);
  });

  it('gives the earliest first, and no more than asked for', () => {
    const { queue, put } = createWorld();
    for (const [number, atMs] of [300, 100, 200, 400].entries()) put(number, atMs);
    assert.deepEqual(queue.takeDue(350, 2), [peerIdFixture(1), peerIdFixture(2)]);
    assert.deepEqual(queue.takeDue(350, 2), [peerIdFixture(0)]);
    assert.equal(queue.nextMs(), 400);
  });

  it('passes over what changed since', () => {
    const { queue, put, expiresAt } = createWorld();
    put(1, 100);
    put(2, 100);
    put(3, 100);
    put(1, 500);
    expiresAt.delete(peerIdFixture(2));
    assert.deepEqual(queue.takeDue(400, 10), [peerIdFixture(3)]);
    assert.deepEqual(queue.takeDue(500, 10), [peerIdFixture(1)]);
  });

  it('gives a peer once, however often it was noted', () => {
    const { queue, put } = createWorld();
    put(1, 100);
    put(1, 200);
    put(1, 100);
    put(1, 100);
    assert.deepEqual(queue.takeDue(100, 10), [peerIdFixture(1)]);
  });

  it('does not keep an entry for each rotation that ever was', () => {
    for (const nextMs of [() => 1_000, (round: number) => 1_000 + round]) {
      const { queue, put, takeAsked } = createWorld();
      for (let round = 0; round < 20_000; round++) put(round % 10, nextMs(round));
      takeAsked();
      assert.equal(queue.takeDue(Number.MAX_SAFE_INTEGER, 100).length, 10);
      // Each entry that is still there is asked about once.
      const entries = takeAsked();
      assert.ok(entries <= 2 * 10 + 64 + 1, `${entries} entries for 10 peers`);
    }
  });

  it('agrees with a plain list, whatever is noted, changed and taken', () => {
    for (let seed = 1; seed <= 8; seed++) {
      const seeded = createSeeded(seed);
      const { queue, put, expiresAt } = createWorld();
      // Taken from rarely, the queue gathers so much that is outdated that it must tidy up.
      const takes = seed % 2 === 0 ? 0.2 : 0.005;
      let nowMs = 0;
      for (let step = 0; step < 1_000; step++) {
        if (seeded.chance(0.7)) put(seeded.below(100), seeded.chance(0.1) ? null : nowMs + seeded.below(200));
        if (seeded.chance(0.1)) expiresAt.delete(seeded.pick(fixtures).id);
        const earliestMs = Math.min(...expiresAt.values());
        assert.ok((queue.nextMs() ?? Number.POSITIVE_INFINITY) <= earliestMs);
        if (!seeded.chance(takes)) continue;
        nowMs += seeded.below(100);
        const max = 1 + seeded.below(20);
        const due = [...expiresAt].filter(([, atMs]) => atMs <= nowMs).sort(([, a], [, b]) => a - b);
        const taken = queue.takeDue(nowMs, max);
        // Which of several peers of one moment comes first is free.
        assert.deepEqual(
          taken.map((id) => expiresAt.get(id)),
          due.slice(0, max).map(([, atMs]) => atMs),
        );
        assert.equal(new Set(taken).size, taken.length);
        for (const id of taken) expiresAt.delete(id);
        if (taken.length < max) assert.ok((queue.nextMs() ?? nowMs + 1) > nowMs);
      }
    }
  });
});
