// All peers in memory, held against a plain list: order, pages, counts, and what looks at the device leave behind.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { peerTextBytesMax } from '../../../core/limits.ts';
import type { TextSink } from '../../../core/peers/block.ts';
import type { Entry } from '../../../core/peers/entry.ts';
import type { Peer, PeerId } from '../../../core/peers/peer.ts';
import { createPeerTable, type PeerTable } from '../../../core/peers/table.ts';
import type { DevicePeer } from '../../../core/ports.ts';
import { createSeeded, type Seeded } from '../../fakes/seeded.ts';
import { peerFixture, peerFixtures, peerIdFixture, publicKeyFixture } from '../../fixtures/peers.ts';

function seenPeer(peer: Peer, changes: Partial<DevicePeer> = {}): DevicePeer {
  const { publicKey, presharedKey, allowedIPs } = peer;
  const idle = { latestHandshakeMs: null, receiveBytes: 0, transmitBytes: 0, keepaliveSeconds: 25 };
  return { publicKey, presharedKey, allowedIPs, ...idle, ...changes };
}

const unseen = { latestHandshakeMs: null, active: false, receiveBytes: 0, transmitBytes: 0 };
const calling = { latestHandshakeMs: 5_000, receiveBytes: 10, transmitBytes: 20 };

function filled(count: number): PeerTable {
  const table = createPeerTable();
  for (const peer of peerFixtures(count)) table.put(peer);
  return table;
}

/** What the table says of a peer, as a plain object. */
function said(entry: Entry | undefined) {
  assert.ok(entry !== undefined);
  const { peer, latestHandshakeMs, active, receiveBytes, transmitBytes } = entry;
  return { peer, latestHandshakeMs, active, receiveBytes, transmitBytes };
}

describe('the list', () => {
  it('is oldest first, then by id', () => {
    const table = createPeerTable();
    const old = peerFixture(5, { createdAtMs: 1 });
    const twins = [peerFixture(1, { createdAtMs: 2 }), peerFixture(2, { createdAtMs: 2 })];
    for (const peer of [...twins, old]) table.put(peer);
    twins.sort((a, b) => (a.id < b.id ? -1 : 1));
    assert.deepEqual(table.peers(), [old, ...twins]);
  });

  it('shows pages', () => {
    const table = filled(10);
    const numbers = (offset: number, limit: number) => table.page(offset, limit).map((entry) => entry.peer);
    assert.deepEqual(numbers(0, 3), peerFixtures(10).slice(0, 3));
    assert.deepEqual(numbers(8, 3), peerFixtures(10).slice(8));
    assert.deepEqual(numbers(10, 3), []);
    assert.deepEqual(numbers(Number.MAX_SAFE_INTEGER, 1_000), []);
    assert.deepEqual(numbers(0, 0), []);
  });

  it('is found by id and by key, and a rotated peer by its new key alone', () => {
    const table = filled(3);
    const before = peerFixture(1);
    const after = { ...before, publicKey: publicKeyFixture('new'), expiresAtMs: 9 };
    table.put(after);
    assert.equal(table.size, 3);
    assert.equal(table.get(after.id)?.peer, after);
    assert.equal(table.byPublicKey(after.publicKey)?.peer, after);
    assert.equal(table.byPublicKey(before.publicKey), undefined);
    assert.equal(table.peers()[1], after);
  });

  it('passes over unknown ids when it removes', () => {
    const table = filled(3);
    table.remove([peerIdFixture(7), peerIdFixture(1), peerIdFixture(1)]);
    assert.deepEqual(table.peers(), [peerFixture(0), peerFixture(2)]);
    assert.equal(table.get(peerIdFixture(1)), undefined);
    assert.equal(table.byPublicKey(peerFixture(1).publicKey), undefined);
  });

  it('counts up its revision with every change and every look that ended', () => {
    const table = createPeerTable();
    const revisions = [table.revision];
    const steps = [
      () => table.put(peerFixture(1)),
      () => table.put(peerFixture(1, { expiresAtMs: 5 })),
      () => table.endLook(1),
      () => table.remove([peerIdFixture(1)]),
    ];
    for (const step of steps) {
      step();
      revisions.push(table.revision);
    }
    for (const [index, revision] of revisions.entries()) {
      if (index > 0) assert.ok(revision > (revisions[index - 1] ?? 0));
    }
  });
});

describe('a look at the device', () => {
  it('leaves what it saw', () => {
    const table = filled(2);
    assert.equal(table.see(seenPeer(peerFixture(1), calling), 1, 5_000), table.get(peerFixture(1).id)?.peer);
    table.endLook(1);
    assert.deepEqual(said(table.get(peerIdFixture(1))), { peer: peerFixture(1), ...calling, active: true });
    assert.deepEqual(said(table.get(peerIdFixture(0))), { peer: peerFixture(0), ...unseen });
    assert.equal(table.active, 1);
  });

  it('takes a handshake for recent from the given moment on', () => {
    const table = filled(1);
    table.see(seenPeer(peerFixture(0), { latestHandshakeMs: 4_999 }), 1, 5_000);
    assert.equal(table.active, 0);
    table.see(seenPeer(peerFixture(0), { latestHandshakeMs: 5_000 }), 2, 5_000);
    assert.equal(table.active, 1);
    table.see(seenPeer(peerFixture(0), { latestHandshakeMs: 5_000 }), 3, 5_001);
    assert.equal(table.active, 0);
  });

  it('says so when a key is unknown', () => {
    const table = filled(1);
    assert.equal(table.see(seenPeer(peerFixture(7), calling), 1, 0), null);
    assert.equal(table.active, 0);
  });

  it('forgets what it did not see', () => {
    const table = filled(2);
    for (const number of [0, 1]) table.see(seenPeer(peerFixture(number), calling), 1, 0);
    table.endLook(1);
    table.see(seenPeer(peerFixture(0), calling), 2, 0);
    table.endLook(2);
    assert.equal(table.active, 1);
    assert.deepEqual(said(table.get(peerIdFixture(1))), { peer: peerFixture(1), ...unseen });
  });

  it('forgets nothing that a look which overlaps it saw', () => {
    const table = filled(2);
    table.see(seenPeer(peerFixture(0)), 1, 0);
    table.see(seenPeer(peerFixture(0), calling), 2, 0);
    table.see(seenPeer(peerFixture(1), calling), 2, 0);
    table.endLook(1);
    assert.equal(table.active, 2);
    table.endLook(2);
    assert.equal(table.active, 2);
  });

  it('puts nothing back that a younger one saw', () => {
    const table = filled(1);
    table.see(seenPeer(peerFixture(0), calling), 2, 0);
    table.endLook(2);
    assert.deepEqual(table.see(seenPeer(peerFixture(0)), 1, 0), peerFixture(0));
    table.endLook(1);
    assert.deepEqual(said(table.get(peerIdFixture(0))), { peer: peerFixture(0), ...calling, active: true });
  });

  it('says nothing of a key that came later', () => {
    const table = filled(1);
    table.see(seenPeer(peerFixture(0), calling), 1, 0);
    const rotated = peerFixture(0, { publicKey: publicKeyFixture('new') });
    table.put(rotated);
    assert.equal(table.active, 0);
    assert.deepEqual(said(table.get(rotated.id)), { peer: rotated, ...unseen });
  });

  it('survives a change of all but the key', () => {
    const table = filled(1);
    table.see(seenPeer(peerFixture(0), calling), 1, 0);
    const later = peerFixture(0, { expiresAtMs: 7 });
    table.put(later);
    assert.deepEqual(said(table.get(later.id)), { peer: later, ...calling, active: true });
  });

  it('does not count a removed peer', () => {
    const table = filled(1);
    table.see(seenPeer(peerFixture(0), calling), 1, 0);
    table.remove([peerIdFixture(0)]);
    assert.equal(table.active, 0);
  });
});

describe('texts', () => {
  /** Whose text was made since this was last asked. */
  function counting() {
    const made: PeerId[] = [];
    const renderEntry = (entry: Entry) => {
      made.push(entry.peer.id);
      return render(entry);
    };
    return { renderEntry, made: () => made.splice(0) };
  }

  it('are made once, for pages and for one peer, while nothing but counters moves', () => {
    const table = filled(3);
    const { renderEntry, made } = counting();
    const peer = peerFixture(1);
    table.see(seenPeer(peer, calling), 1, 0);
    textOfOne(table, peer.id, renderEntry);
    assert.deepEqual(made(), [peer.id]);
    textOfPage(table, 0, 3, renderEntry);
    assert.deepEqual(made(), [peerIdFixture(0), peerIdFixture(2)]);
    table.see(seenPeer(peer, { ...calling, receiveBytes: 99 }), 2, 0);
    table.endLook(2);
    textOfPage(table, 0, 3, renderEntry);
    textOfOne(table, peer.id, renderEntry);
    assert.deepEqual(made(), []);
  });

  it('are made anew for those alone that changed', () => {
    const table = filled(300);
    const { renderEntry, made } = counting();
    const page = () => {
      textOfPage(table, 0, 1_000, renderEntry);
      return made();
    };
    assert.equal(page().length, 300);
    table.see(seenPeer(peerFixture(7), calling), 1, calling.latestHandshakeMs + 1);
    assert.deepEqual(page(), [peerIdFixture(7)], 'a handshake');
    table.see(seenPeer(peerFixture(7), calling), 2, 0);
    assert.deepEqual(page(), [peerIdFixture(7)], 'active');
    table.put(peerFixture(7, { expiresAtMs: 5 }));
    assert.deepEqual(page(), [peerIdFixture(7)], 'a peer');
    table.put(peerFixture(300));
    assert.deepEqual(page(), [peerIdFixture(300)], 'a new one');
    table.remove([peerIdFixture(9)]);
    assert.deepEqual(page(), [], 'a gap');
    table.endLook(9);
    assert.deepEqual(page(), [peerIdFixture(7)], 'not seen any more');
  });

  it('are there for a peer that was removed since it was asked for', () => {
    const table = filled(2);
    const entry = table.get(peerIdFixture(0));
    assert.ok(entry !== undefined);
    table.remove([entry.peer.id]);
    assert.equal(
      gather((sink) => table.copyText(entry, render, sink)),
      render(entry),
    );
  });

  it('fit, however long they are', () => {
    const table = filled(100);
    for (const length of [1, peerTextBytesMax - 1, 3, 200]) {
      for (const peer of peerFixtures(100)) table.put(peer);
      const renderEntry = ({ peer }: Entry) => peer.id.repeat(13).slice(-length);
      const expected = peerFixtures(100).map((peer) => peer.id.repeat(13).slice(-length));
      assert.equal(textOfPage(table, 0, 100, renderEntry), expected.join(','));
    }
  });

  it('that could not fit are a bug', () => {
    const table = filled(1);
    assert.throws(() => textOfPage(table, 0, 1, () => 'x'.repeat(peerTextBytesMax)), RangeError);
  });
});

describe('the table', () => {
  it('agrees with a plain list, whatever is put, rotated, removed and seen', () => {
    for (let seed = 1; seed <= 8; seed++) compareWithModel(createSeeded(seed));
  });
});

interface Line {
  peer: Peer;
  seen: DevicePeer | null;
  activeSinceMs: number;
}

/** One look at a time here; how looks overlap is told above. */
function compareWithModel(seeded: Seeded): void {
  const table = createPeerTable();
  let model: Line[] = [];
  let keys = 0;
  let look = 0;
  const put = () => {
    const id = peerIdFixture(seeded.below(120));
    const known = model.find((line) => line.peer.id === id);
    const createdAtMs = known?.peer.createdAtMs ?? seeded.below(50);
    const keepsKey = known !== undefined && seeded.chance(0.3);
    const publicKey = keepsKey ? known.peer.publicKey : publicKeyFixture(`model ${keys++}`);
    const peer = peerFixture(0, { id, publicKey, createdAtMs });
    table.put(peer);
    if (known === undefined) model.push({ peer, seen: null, activeSinceMs: 0 });
    else Object.assign(known, { peer, seen: keepsKey ? known.seen : null });
  };
  const remove = () => {
    const count = seeded.pick([1, 2, 40]);
    const ids = Array.from({ length: count }, () => peerIdFixture(seeded.below(120)));
    table.remove(ids);
    model = model.filter((line) => !ids.includes(line.peer.id));
  };
  const lookOnce = () => {
    look++;
    const activeSinceMs = seeded.below(1_000);
    for (const line of model) {
      line.seen = seeded.chance(0.2)
        ? null
        : seenPeer(line.peer, {
            latestHandshakeMs: seeded.chance(0.3) ? null : seeded.below(1_000),
            receiveBytes: seeded.below(1_000),
          });
      line.activeSinceMs = activeSinceMs;
      if (line.seen !== null) assert.ok(table.see(line.seen, look, activeSinceMs));
    }
    table.endLook(look);
  };

  for (let step = 0; step < 250; step++) {
    const action = seeded.next();
    if (action < 0.8) put();
    else if (action < 0.9) remove();
    else lookOnce();
    model.sort((a, b) => a.peer.createdAtMs - b.peer.createdAtMs || (a.peer.id < b.peer.id ? -1 : 1));
    const expected = model.map(expectedEntry);
    const offset = seeded.below(130);
    const limit = seeded.below(130);
    assert.equal(table.size, model.length);
    assert.equal(table.active, expected.filter((entry) => entry.active).length);
    const page = table.page(offset, limit);
    assert.deepEqual(page.map(said), expected.slice(offset, offset + limit));
    assert.equal(textOfPage(table, offset, limit), page.map(render).join(','));
    const one = expected[offset];
    if (one === undefined) continue;
    assert.equal(textOfOne(table, one.peer.id), render(one));
    assert.deepEqual(said(table.get(one.peer.id)), one);
    assert.deepEqual(said(table.byPublicKey(one.peer.publicKey)), one);
  }
  assert.deepEqual(
    table.peers(),
    model.map((line) => line.peer),
  );
}

/** All that a text may tell; its length goes up and down. */
function render({ peer, latestHandshakeMs, active }: Entry): string {
  return JSON.stringify({ id: peer.id, key: peer.publicKey, latestHandshakeMs, active });
}

function gather(give: (sink: TextSink) => void): string {
  const pieces: Buffer[] = [];
  give({ copy: (bytes, start, end) => pieces.push(Buffer.from(bytes.subarray(start, end))) });
  return Buffer.concat(pieces).toString();
}

function textOfPage(table: PeerTable, offset: number, limit: number, renderEntry = render): string {
  return gather((sink) => table.copyTexts(offset, limit, renderEntry, sink));
}

function textOfOne(table: PeerTable, id: PeerId, renderEntry = render): string {
  const entry = table.get(id);
  assert.ok(entry !== undefined);
  return gather((sink) => table.copyText(entry, renderEntry, sink));
}

function expectedEntry({ peer, seen, activeSinceMs }: Line) {
  if (seen === null) return { peer, ...unseen };
  const { latestHandshakeMs, receiveBytes, transmitBytes } = seen;
  const active = latestHandshakeMs !== null && latestHandshakeMs >= activeSinceMs;
  return { peer, latestHandshakeMs, active, receiveBytes, transmitBytes };
}
