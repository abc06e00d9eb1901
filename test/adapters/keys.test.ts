// Keys against RFC 7748, against wg(8) where it is installed, and in the one form that texts are compared in.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { createKeySource, derivePublicKey, fillRandom, generateKeyPair } from '../../adapters/keys.ts';
import { keysAheadMax } from '../../core/limits.ts';
import { isKey, type PrivateKey } from '../../core/peers/peer.ts';

function base64(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}

describe('derivePublicKey', () => {
  // RFC 7748 section 6.1
  const vectors: [string, string, string][] = [
    [
      'Alice',
      '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
      '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
    ],
    [
      'Bob',
      '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb',
      'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
    ],
  ];
  for (const [name, privateHex, publicHex] of vectors) {
    it(`answers ${name}'s of RFC 7748`, () => {
      assert.equal(derivePublicKey(base64(privateHex) as PrivateKey), base64(publicHex));
    });
  }
});

describe('key pairs', () => {
  const pairs = Array.from({ length: 200 }, generateKeyPair);

  it('belong together', () => {
    for (const { privateKey, publicKey } of pairs) assert.equal(derivePublicKey(privateKey), publicKey);
  });

  it('are canonical base64, private keys clamped as WireGuard shows them', () => {
    for (const { privateKey, publicKey } of pairs) {
      assert.ok(isKey(privateKey) && isKey(publicKey));
      const bytes = Buffer.from(privateKey, 'base64');
      assert.equal((bytes[0] ?? 0) & 7, 0);
      assert.equal((bytes[31] ?? 0) & 192, 64);
    }
  });

  it('never repeat', () => {
    assert.equal(new Set(pairs.flatMap((pair) => [pair.privateKey, pair.publicKey])).size, 400);
  });

  const wg = spawnSync('wg', ['--version']).error === undefined;
  it('are what wg pubkey makes of them', { skip: wg ? false : 'wg is not installed' }, () => {
    for (const { privateKey, publicKey } of pairs.slice(0, 5)) {
      const answer = spawnSync('wg', ['pubkey'], { input: `${privateKey}\n`, encoding: 'utf8' });
      assert.equal(answer.stdout.trim(), publicKey);
    }
  });
});

describe('the key source', () => {
  const turns: (() => void)[] = [];
  const source = createKeySource({ soon: (turn) => turns.push(turn) });

  /** How many turns of the event loop it takes until nothing is left to do. */
  function turnsToRest(): number {
    let count = 0;
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
      turn();
      count++;
    }
    return count;
  }

  it('does nothing before the first keys are wanted', () => assert.equal(turnsToRest(), 0));

  it('then makes some ahead, a pair a turn, and after that what was taken', () => {
    source.peerKeys();
    assert.equal(turnsToRest(), keysAheadMax);
    for (let taken = 0; taken < 3; taken++) source.peerKeys();
    assert.equal(turnsToRest(), 3);
    assert.equal(turnsToRest(), 0);
  });

  it('adds a preshared key of its own to each pair, and gives none twice, made ahead or not', () => {
    const keys = Array.from({ length: keysAheadMax + 20 }, () => source.peerKeys());
    turnsToRest();
    for (let taken = 0; taken < 20; taken++) keys.push(source.peerKeys());
    for (const { presharedKey } of keys) assert.ok(isKey(presharedKey));
    assert.equal(new Set(keys.flatMap((key) => Object.values(key))).size, 3 * keys.length);
  });
});

describe('fillRandom', () => {
  it('fills all of the array and nothing beside it', () => {
    const bytes = new Uint8Array(4096 + 32);
    fillRandom(bytes.subarray(16, 4096 + 16));
    assert.deepEqual(bytes.subarray(0, 16), new Uint8Array(16));
    assert.deepEqual(bytes.subarray(4096 + 16), new Uint8Array(16));
    // 32 zero bytes in a row have a chance of one in 2^243 at 4096 places.
    for (let start = 16; start < 4096; start += 32)
      assert.ok(bytes.subarray(start, start + 32).some((byte) => byte));
  });
});
