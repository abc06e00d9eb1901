// The key check.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createKeyCheck } from '../../../core/http/auth.ts';

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

test('the work does not depend on the candidate', () => {
  const check = createKeyCheck(key);
  const reads = (candidate: string) => {
    let count = 0;
    // A stand-in that counts how often it is looked at.
    check({
      length: candidate.length,
      charCodeAt(at: number) {
        count++;
        return candidate.charCodeAt(at);
      },
    } as string);
    return count;
  };
  const once = reads(key);
  for (const other of ['', 'x', key.slice(0, 10), 'x'.repeat(5_000)]) assert.equal(reads(other), once);
});
