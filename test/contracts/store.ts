// What every peer store does, as one suite. It knows no file.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Peer } from '../../core/peers/peer.ts';
import type { PeerStore, StoreChange } from '../../core/ports.ts';
import { mustFail, mustSucceed } from '../fixtures/outcome.ts';
import { ipv4Fixture, peerFixture, peerFixtures, publicKeyFixture } from '../fixtures/peers.ts';

/** A place for a store: each `open` gives another store over the same contents, as after a restart. */
export interface StorePlace {
  open(): PeerStore;
  /** Gives up everything, an open store too. */
  dispose(): Promise<void>;
}

export function storeContract(name: string, createPlace: () => Promise<StorePlace>): void {
  describe(`store contract: ${name}`, () => {
    const contractTest = (title: string, run: (place: StorePlace) => Promise<void>) =>
      test(title, async () => {
        const place = await createPlace();
        try {
          await run(place);
        } finally {
          await place.dispose();
        }
      });

    contractTest('a place never used is empty', async (place) => {
      assert.deepEqual(mustSucceed(await place.open().load()), { peers: [], retired: [] });
    });

    contractTest('what was committed is there after a restart', async (place) => {
      const permanent = peerFixture(0);
      const passing = peerFixture(1, { expiresAtMs: 1_800_000_000_123, allowedIPs: [ipv4Fixture(1)] });
      const store = await opened(place, []);
      mustSucceed(await store.commit([put(permanent), put(passing)], () => []));
      await store.close();
      assert.deepEqual(await found(place), { peers: sorted([permanent, passing]), retired: [] });
    });

    contractTest('changes are carried out in their order', async (place) => {
      const [a, b] = [peerFixture(0), peerFixture(1)];
      const rotated = peerFixture(0, { publicKey: publicKeyFixture('new') });
      const store = await opened(place, [a]);
      const changes: StoreChange[] = [
        put(b),
        { kind: 'put', peer: rotated, retires: a.publicKey },
        { kind: 'remove', id: b.id, retires: b.publicKey },
      ];
      mustSucceed(await store.commit(changes, () => [a]));
      await store.close();
      assert.deepEqual(await found(place), { peers: [rotated], retired: [a.publicKey, b.publicKey].sort() });
    });

    contractTest('removing whom nobody knows changes nothing', async (place) => {
      const [kept, unknown] = [peerFixture(0), peerFixture(1)];
      const store = await opened(place, [kept]);
      mustSucceed(await store.commit([remove(unknown)], () => [kept]));
      await store.close();
      assert.deepEqual((await found(place)).peers, [kept]);
    });

    contractTest('commits add up, over restarts too', async (place) => {
      const peers = peerFixtures(40);
      let store = await opened(place, []);
      for (const [index, peer] of peers.entries()) {
        mustSucceed(await store.commit([put(peer)], () => peers.slice(0, index)));
        if (index % 7 !== 6) continue;
        await store.close();
        store = place.open();
        assert.equal(mustSucceed(await store.load()).peers.length, index + 1);
      }
      mustSucceed(await store.commit([remove(peerFixture(3))], () => peers));
      await store.close();
      const left = peers.filter((_, index) => index !== 3);
      assert.deepEqual((await found(place)).peers, sorted(left));
    });

    contractTest('a rewrite replaces everything', async (place) => {
      const store = await opened(place, peerFixtures(3));
      mustSucceed(await store.commit([remove(peerFixture(0))], () => peerFixtures(3)));
      const gone = publicKeyFixture('gone');
      mustSucceed(await store.rewrite([peerFixture(7)], [gone]));
      await store.close();
      assert.deepEqual(await found(place), { peers: [peerFixture(7)], retired: [gone] });
    });

    contractTest('a rewrite to nothing is an empty store', async (place) => {
      const store = await opened(place, peerFixtures(2));
      mustSucceed(await store.rewrite([], []));
      mustSucceed(await store.commit([put(peerFixture(5))], () => []));
      await store.close();
      assert.deepEqual(await found(place), { peers: [peerFixture(5)], retired: [] });
    });

    contractTest('of no changes nothing comes', async (place) => {
      const store = await opened(place, [peerFixture(0)]);
      mustSucceed(await store.commit([], () => [peerFixture(0)]));
      await store.close();
      assert.deepEqual((await found(place)).peers, [peerFixture(0)]);
    });

    contractTest('more changes than fit one piece of a file are one commit', async (place) => {
      const peers = peerFixtures(2_500);
      const store = await opened(place, peers.slice(0, 1));
      mustSucceed(await store.commit(peers.slice(1).map(put), () => peers.slice(0, 1)));
      mustSucceed(await store.commit(peers.slice(0, 1_200).map(remove), () => peers));
      await store.close();
      const { peers: left, retired } = await found(place);
      assert.deepEqual(left, sorted(peers.slice(1_200)));
      for (const peer of peers.slice(0, 1_200)) assert.ok(retired.includes(peer.publicKey));
    });

    contractTest('there is no copy to keep of a place never used', async (place) => {
      const store = place.open();
      mustSucceed(await store.load());
      assert.equal(mustSucceed(await store.keepCopy(0)), null);
    });
  });
}

/** For stores that can fail to be loaded or used out of turn. */
export async function assertUnusable(store: PeerStore): Promise<void> {
  assert.equal(mustFail(await store.commit([put(peerFixture(0))], () => [])).code, 'store_failed');
  assert.equal(mustFail(await store.rewrite([], [])).code, 'store_failed');
  assert.equal(mustFail(await store.keepCopy(0)).code, 'store_failed');
}

export function put(peer: Peer): StoreChange {
  return { kind: 'put', peer, retires: null };
}

export function remove(peer: Peer): StoreChange {
  return { kind: 'remove', id: peer.id, retires: peer.publicKey };
}

/** In an order that does not depend on the store. */
export function sorted(peers: readonly Peer[]): readonly Peer[] {
  return peers.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

async function opened(place: StorePlace, peers: readonly Peer[]): Promise<PeerStore> {
  const store = place.open();
  mustSucceed(await store.load());
  mustSucceed(await store.rewrite(peers, []));
  return store;
}

async function found(place: StorePlace): Promise<{ peers: readonly Peer[]; retired: readonly string[] }> {
  const store = place.open();
  const { peers, retired } = mustSucceed(await store.load());
  await store.close();
  return { peers: sorted(peers), retired: retired.toSorted() };
}
