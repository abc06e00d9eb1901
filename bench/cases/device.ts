// The texts that wg(8) reads and writes.
import { createDumpReader, renderAddconf } from '../../adapters/device/wg-text.ts';
import type { DevicePeer } from '../../core/ports.ts';
import { peerFixture, peerFixtures, publicKeyFixture } from '../../test/fixtures/peers.ts';
import { type Case, defineCase } from './case.ts';

export const deviceCases: readonly Case[] = [
  parseDump('device/parse a dump of 250', 250),
  parseDump('device/parse a dump of 5,000', 5_000),
  defineCase('device/render addconf of 64', () => {
    const peers = peerFixtures(64);
    return {
      run: () => renderAddconf(peers),
      show: (text) => [text.length, text.split('\n', 2)],
      expected: [12_074, ['[Peer]', `PublicKey = ${peerFixture(0).publicKey}`]],
    };
  }),
];

// As the device's output is read.
const pieceLength = 32_768;

function parseDump(name: string, count: number): Case {
  return defineCase(name, () => {
    const pieces = cut(renderDump(count));
    return {
      run() {
        let seen = 0;
        let last: DevicePeer | null = null;
        const reader = createDumpReader((peer) => {
          seen++;
          last = peer;
        });
        for (const piece of pieces) reader.take(piece);
        return { seen, last, state: reader.end() };
      },
      show: ({ seen, last, state }) => [
        seen,
        last?.['receiveBytes' as never],
        state.ok && state.value.listenPort,
      ],
      expected: [count, (count - 1) * 1_000, 51_820],
    };
  });
}

/** As `wg show IF dump` prints it: every second peer has an endpoint and a handshake. */
export function renderDump(count: number): string {
  const lines = [`${publicKeyFixture('private')}\t${publicKeyFixture('server')}\t51820\toff`];
  for (const [index, peer] of peerFixtures(count).entries()) {
    const [endpoint, handshake] =
      index % 2 === 0 ? [`192.0.2.7:${1_024 + (index % 60_000)}`, 1_790_000_000 + index] : ['(none)', 0];
    lines.push(
      [
        peer.publicKey,
        peer.presharedKey,
        endpoint,
        peer.allowedIPs.join(','),
        handshake,
        index * 1_000,
        index * 2_000,
        25,
      ].join('\t'),
    );
  }
  return `${lines.join('\n')}\n`;
}

function cut(text: string): readonly string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += pieceLength) pieces.push(text.slice(at, at + pieceLength));
  return pieces;
}
