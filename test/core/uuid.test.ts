// UUIDs v4, held against a regular expression.
import assert from 'node:assert/strict';
import test from 'node:test';
import { isUuidV4 } from '../../core/uuid.ts';

const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
const good = '7c2f3f7a-6b4e-4f3f-8b2a-1a9b3c2d4e5f';

test('every character at every place is taken or refused as it should be', () => {
  for (let at = 0; at < good.length; at++) {
    for (let code = 0; code < 600; code++) {
      const text = good.slice(0, at) + String.fromCharCode(code) + good.slice(at + 1);
      assert.equal(isUuidV4(text), uuidV4.test(text), text);
    }
  }
});

test('a text that is too short or too long is none', () => {
  for (const text of ['', good.slice(1), good.slice(0, -1), `${good}0`, `${good}\n`, good + good]) {
    assert.equal(isUuidV4(text), false, text);
  }
});
