// Bytes to JSON values, whole or in chunks.
import assert from 'node:assert/strict';
import test from 'node:test';
import { parseJsonBody } from '../../../core/http/body.ts';
import { BodyBuffer } from '../../../core/http/body-buffer.ts';

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const value = (text: string) => {
  const parsed = parseJsonBody(bytes(text));
  assert.ok('value' in parsed);
  return parsed.value;
};

test('a problem is named without a word of the body', () => {
  assert.deepEqual(parseJsonBody(bytes('')), { problem: 'the body is empty' });
  assert.deepEqual(parseJsonBody(Uint8Array.of(0x22, 0xc3, 0x22)), { problem: 'the body is not UTF-8' });
  assert.deepEqual(parseJsonBody(bytes('{"secret":')), { problem: 'the body is not JSON' });
  assert.deepEqual(parseJsonBody(bytes(' ')), { problem: 'the body is not JSON' });
});

test('surrogates encoded as UTF-8 are no UTF-8', () => {
  assert.ok('problem' in parseJsonBody(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)));
});

test('one byte order mark is skipped, a second is not', () => {
  assert.deepEqual(value('\ufeff{}'), {});
  assert.ok('problem' in parseJsonBody(bytes('\ufeff\ufeff{}')));
});

test('a body as deep as its size allows is parsed', () => {
  for (const depth of [5_000, 131_072]) {
    let inner = value('['.repeat(depth) + ']'.repeat(depth));
    let seen = 0;
    while (Array.isArray(inner)) {
      seen++;
      inner = inner[0];
    }
    assert.equal(seen, depth);
  }
  assert.ok('problem' in parseJsonBody(bytes('{"a":'.repeat(40_000))));
});

test('a body in chunks of any size is put together', () => {
  const whole = Buffer.from(Array.from({ length: 5_000 }, (_, at) => at % 251));
  for (const chunkLength of [1, 7, 1_024, 4_999, 5_000]) {
    for (const expected of [null, 0, 10, 5_000, 9_999]) {
      const body = new BodyBuffer(5_000, expected);
      for (let at = 0; at < whole.length; at += chunkLength) body.add(whole.subarray(at, at + chunkLength));
      assert.ok(whole.equals(body.whole() ?? new Uint8Array()), `${chunkLength} ${expected}`);
    }
  }
});

test('a chunk is copied, since its memory is taken back', () => {
  const body = new BodyBuffer(10, null);
  const chunk = Uint8Array.of(1, 2, 3);
  body.add(chunk);
  chunk.fill(9);
  assert.deepEqual(body.whole(), Uint8Array.of(1, 2, 3));
});

test('beyond its bound a body is counted and not kept', () => {
  const body = new BodyBuffer(10, null);
  body.add(new Uint8Array(10));
  assert.equal(body.whole()?.byteLength, 10);
  body.add(new Uint8Array(1));
  assert.equal(body.whole(), null);
  body.add(new Uint8Array(100));
  assert.equal(body.whole(), null);
  assert.equal(body.received, 111);
});

test('a body that never came is empty', () => {
  assert.equal(new BodyBuffer(10, null).whole()?.byteLength, 0);
});
