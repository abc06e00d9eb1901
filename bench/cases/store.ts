// The bytes of the store file.
import { decodeStore, encodeBatch, encodeStore } from '../../adapters/store/format.ts';
import { peerFixture, peerFixtures } from '../../test/fixtures/peers.ts';
import { type Case, defineCase } from './case.ts';

export const storeCases: readonly Case[] = [
  encodeChanges('store/encode a batch of 1', 1),
  encodeChanges('store/encode a batch of 64', 64),
  defineCase('store/encode 5,000', () => {
    const peers = peerFixtures(5_000);
    return {
      run() {
        let bytes = 0;
        for (const piece of encodeStore(peers, [])) bytes += piece.length;
        return bytes;
      },
      show: (bytes) => bytes > 5_000 * 200 && bytes < 5_000 * 300,
      expected: true,
    };
  }),
  defineCase('store/decode 5,000', () => {
    const file = Buffer.concat([...encodeStore(peerFixtures(5_000), [])]);
    return {
      run: () => decodeStore(file),
      show: (decoded) => decoded.ok && [decoded.value.peers.length, decoded.value.peers[4_999]],
      expected: [5_000, peerFixture(4_999)],
    };
  }),
];

function encodeChanges(name: string, count: number): Case {
  return defineCase(name, () => {
    const changes = peerFixtures(count).map((peer) => ({ kind: 'put', peer, retires: null }) as const);
    return {
      run: () => encodeBatch(7, changes),
      show: (bytes) => Buffer.from(bytes).includes(peerFixture(count - 1).id),
      expected: true,
    };
  });
}
