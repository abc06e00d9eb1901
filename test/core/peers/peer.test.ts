// The names of a peer: which texts are ids and keys.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type AllowedIP,
  allowedIPFamily,
  isKey,
  parsePeerId,
  parsePresharedKey,
  parsePublicKey,
} from '../../../core/peers/peer.ts';
import { createSeeded } from '../../fakes/seeded.ts';

const uuid = '7c2f3f7a-6b4e-4f3f-8b2a-1a9b3c2d4e5f';

describe('parsePeerId', () => {
  it('takes a UUID v4 of every variant digit, in any case, and gives it in lower case', () => {
    assert.equal(parsePeerId(uuid), uuid);
    assert.equal(parsePeerId(uuid.toUpperCase()), uuid);
    for (const digit of '89abAB') {
      const text = `7c2f3f7a-6b4e-4f3f-${digit}b2a-1a9b3c2d4e5f`;
      assert.equal(parsePeerId(text), text.toLowerCase());
    }
  });

  const wrong = [
    '',
    uuid.replaceAll('-', ''),
    `{${uuid}}`,
    `urn:uuid:${uuid}`,
    ` ${uuid}`,
    `${uuid}\n`,
    `${uuid}0`,
    uuid.slice(1),
    uuid.replace('4f3f', '1f3f'),
    uuid.replace('4f3f', '7f3f'),
    uuid.replace('8b2a', '7b2a'),
    uuid.replace('8b2a', 'cb2a'),
    uuid.replace('7c2f', '7g2f'),
    uuid.replaceAll('-', '_'),
    '7c2f3f7a6-b4e-4f3f-8b2a-1a9b3c2d4e5f',
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
  ];
  for (const text of wrong) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parsePeerId(text), null));
  }
});

describe('isKey', () => {
  it('takes 32 bytes in canonical base64, and no other way to write them', () => {
    const seeded = createSeeded(1);
    const bytes = new Uint8Array(32);
    for (let round = 0; round < 500; round++) {
      seeded.fill(bytes);
      const text = Buffer.from(bytes).toString('base64');
      assert.equal(isKey(text), true);
      assert.equal(parsePublicKey(text), text);
      assert.equal(parsePresharedKey(text), text);
      // The next last digit says the same bytes, since its two low bits are no data.
      const twin = `${text.slice(0, 42)}${String.fromCharCode(text.charCodeAt(42) + 1)}=`;
      assert.equal(isKey(twin), false, twin);
      for (const other of [
        text.slice(0, 43),
        text.slice(1),
        `${text}\n`,
        ` ${text}`,
        `${text}=`,
        '(none)',
        '',
      ]) {
        assert.equal(isKey(other), false);
        assert.equal(parsePublicKey(other), null);
        assert.equal(parsePresharedKey(other), null);
      }
    }
  });

  it('refuses other lengths of bytes, and the URL alphabet', () => {
    for (const length of [16, 31, 33, 64])
      assert.equal(isKey(Buffer.alloc(length).toString('base64')), false);
    const text = Buffer.alloc(32, 255).toString('base64');
    assert.equal(isKey(text), true);
    assert.equal(isKey(text.replaceAll('/', '_')), false);
  });
});

describe('allowedIPFamily', () => {
  it('tells the families apart', () => {
    assert.equal(allowedIPFamily('10.0.0.2/32' as AllowedIP), 'IPv4');
    assert.equal(allowedIPFamily('fd00::2/128' as AllowedIP), 'IPv6');
    assert.equal(allowedIPFamily('::/128' as AllowedIP), 'IPv6');
  });
});
