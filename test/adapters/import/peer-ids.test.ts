// Ids of peers made by hand: derived ones, which other programs can derive too, and chosen ones.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { derivePeerId, parsePeerIds } from '../../../adapters/import/peer-ids.ts';
import { type PublicKey, parsePeerId } from '../../../core/peers/peer.ts';
import { peerFixture, peerIdFixture } from '../../fixtures/peers.ts';

describe('a derived id', () => {
  it('is the begin of the SHA-256 of the key, as a UUID v4', () => {
    // printf %s KEY | base64 -d | sha256sum
    const key = 'HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=' as PublicKey;
    assert.equal(derivePeerId(key), '99468313-5dcd-488b-8f07-0f571e50618f');
  });

  it('is one for the API, and another for another key', () => {
    const ids = Array.from({ length: 100 }, (_, index) => derivePeerId(peerFixture(index).publicKey));
    assert.equal(new Set(ids).size, 100);
    for (const id of ids) assert.equal(parsePeerId(id), id);
  });
});

describe('chosen ids', () => {
  const [a, b] = [peerFixture(0).publicKey, peerFixture(1).publicKey];

  it('are read from YAML and JSON, in any letter case', () => {
    const expected = new Map([
      [a, peerIdFixture(0)],
      [b, peerIdFixture(1)],
    ]);
    const yaml = `# who\n${a}: ${peerIdFixture(0).toUpperCase()}\n"${b}": ${peerIdFixture(1)}\n`;
    for (const text of [yaml, JSON.stringify(Object.fromEntries(expected))]) {
      assert.deepEqual(parsePeerIds(text), { ok: true, value: expected });
    }
  });

  it('that are wrong are named by their lines', () => {
    const text = `alice: ${peerIdFixture(0)}\n${a}: ${peerIdFixture(0)}\n${b}: 7\n`;
    assert.deepEqual(parsePeerIds(text), {
      ok: false,
      failure: [
        'line 1: want a public key, 32 bytes in base64',
        `line 2: ${peerIdFixture(0)} comes twice`,
        'line 3: want a UUID v4 behind the public key',
      ],
    });
    for (const wrong of ['', '[]', 'a: {', '- a']) assert.ok(!parsePeerIds(wrong).ok, wrong);
  });
});
