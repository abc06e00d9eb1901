// Which peers have series of their own, and how these read.
import assert from 'node:assert/strict';
import test from 'node:test';
import { chooseBusiest, renderPeerSeries } from '../../../adapters/metrics/peer-series.ts';
import type { Entry } from '../../../core/peers/entry.ts';
import { peerFixture } from '../../fixtures/peers.ts';

function entry(
  index: number,
  receiveBytes: number,
  transmitBytes = 0,
  latestHandshakeMs: number | null = null,
): Entry {
  return {
    peer: peerFixture(index),
    receiveBytes,
    transmitBytes,
    latestHandshakeMs,
    active: false,
  };
}

const noPause = async () => {};
const choose = async (bytes: readonly number[], max: number) => {
  const entries = bytes.map((value, index) => entry(index, value));
  const chosen = await chooseBusiest(entries, max, noPause);
  return chosen.map((one) => entries.indexOf(one));
};

test('the busiest are those with the most bytes, and keep their order', async () => {
  assert.deepEqual(await choose([5, 90, 1, 70, 80], 3), [1, 3, 4]);
  assert.deepEqual(await choose([5, 90, 1, 70, 80], 1), [1]);
  const both = [entry(0, 10, 0), entry(1, 4, 7)];
  assert.deepEqual(await chooseBusiest(both, 1, noPause), [both[1]]);
});

test('of equals as many as there is room for', async () => {
  assert.deepEqual(await choose([7, 7, 9, 7, 7], 3), [0, 1, 2]);
  assert.deepEqual(await choose([0, 0, 0, 0], 2), [0, 1]);
});

test('where there is room for all of them, all', async () => {
  assert.deepEqual(await choose([3, 1, 2], 3), [0, 1, 2]);
  assert.deepEqual(await choose([], 3), []);
});

test('others get their turn between the steps of a choice', async () => {
  let pauses = 0;
  await chooseBusiest([entry(0, 1), entry(1, 2)], 1, async () => void pauses++);
  assert.equal(pauses, 2);
});

test('the text names peers by their id, and a peer without a handshake has no time of one', () => {
  const entries = [entry(0, 10, 20, 1_770_000_000_000), entry(1, 5)];
  const [first, second] = entries.map(({ peer }) => peer.id);
  assert.equal(
    [...renderPeerSeries(entries, 7)].join(''),
    `# HELP wgkeeper_peer_series_omitted Peers that have no series of their own, since others had more bytes.
# TYPE wgkeeper_peer_series_omitted gauge
wgkeeper_peer_series_omitted 7
# HELP wgkeeper_peer_receive_bytes_total Bytes from this peer since it was put on the interface with its key.
# TYPE wgkeeper_peer_receive_bytes_total counter
wgkeeper_peer_receive_bytes_total{peer_id="${first}"} 10
wgkeeper_peer_receive_bytes_total{peer_id="${second}"} 5
# HELP wgkeeper_peer_transmit_bytes_total Bytes to this peer since it was put on the interface with its key.
# TYPE wgkeeper_peer_transmit_bytes_total counter
wgkeeper_peer_transmit_bytes_total{peer_id="${first}"} 20
wgkeeper_peer_transmit_bytes_total{peer_id="${second}"} 0
# HELP wgkeeper_peer_last_handshake_timestamp_seconds When this peer last made a handshake, since 1970; absent: none since it was put on the interface with its key.
# TYPE wgkeeper_peer_last_handshake_timestamp_seconds gauge
wgkeeper_peer_last_handshake_timestamp_seconds{peer_id="${first}"} 1770000000
`,
  );
});

test('a long text comes in short pieces', () => {
  const entries = Array.from({ length: 3_000 }, (_, index) => entry(index, index));
  const pieces = [...renderPeerSeries(entries, 0)];
  assert.ok(pieces.every((piece) => piece.length < 32_768));
  assert.equal(pieces.join('').match(/_receive_bytes_total\{/g)?.length, 3_000);
});
