// The key check.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createKeyCheck, parseBearerToken } from '../../../core/http/auth.ts';

const key = 'k3y-0123456789-0123456789-0123456789';

test('only the key itself fits', () => {
  const check = createKeyCheck(key);
  assert.equal(check(key), true);
  for (const wrong of [
    '',
    key.slice(0, -1),
    `${key}0`,
    `${key}\0`,
    key.toUpperCase(),
    ` ${key}`,
    `x${key.slice(1)}`,
    key + key,
  ]) {
    assert.equal(check(wrong), false, JSON.stringify(wrong));
  }
});

test('each single character counts', () => {
  const check = createKeyCheck(key);
  for (let at = 0; at < key.length; at++) {
    assert.equal(check(`${key.slice(0, at)}!${key.slice(at + 1)}`), false, `character ${at}`);
  }
});

test('keys of any length fit themselves alone', () => {
  for (const length of [1, 127, 128, 129, 1_000]) {
    const check = createKeyCheck('a'.repeat(length));
    assert.equal(check('a'.repeat(length)), true, String(length));
    assert.equal(check('a'.repeat(length + 1)), false, String(length));
    assert.equal(check('a'.repeat(length - 1)), false, String(length));
  }
});

test('characters beyond one byte are told apart', () => {
  assert.equal(createKeyCheck('\u0141'.repeat(32))('A'.repeat(32)), false);
});

test('an empty key fits nothing', () => {
  assert.equal(createKeyCheck('')(''), false);
});

test('the work depends on neither the key nor how much of it is right', () => {
  const reads = (right: string, candidate: string) => {
    let count = 0;
    // A stand-in that counts how often it is looked at.
    createKeyCheck(right)({
      length: candidate.length,
      charCodeAt(at: number) {
        count++;
        return candidate.charCodeAt(at);
      },
    } as string);
    return count;
  };
  for (const candidate of [key, `x${key.slice(1)}`, `${key.slice(0, -1)}x`, 'x'.repeat(key.length)]) {
    for (const right of [key, `${key}${key}`, key.slice(1), 'y'.repeat(100)]) {
      assert.equal(reads(right, candidate), key.length);
    }
  }
  assert.equal(reads(key, 'x'.repeat(5_000)), 128);
});

test('a bearer token is what stands behind its scheme, in any letter case', () => {
  for (const authorization of ['Bearer t0ken', 'bearer t0ken', 'BEARER   t0ken']) {
    assert.equal(parseBearerToken(authorization), 't0ken', authorization);
  }
  for (const authorization of [
    '',
    'Bearer',
    'Bearer ',
    'Bearert0ken',
    'Basic t0ken',
    ' Bearer t0ken',
    't0ken',
  ]) {
    assert.equal(parseBearerToken(authorization), '', JSON.stringify(authorization));
  }
});
