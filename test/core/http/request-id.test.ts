// Request ids.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createRequestIds, type RequestId } from '../../../core/http/request-id.ts';

const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function counting(): { fill: (bytes: Uint8Array) => void; calls: () => number } {
  let calls = 0;
  let next = 0;
  return {
    fill(bytes) {
      calls++;
      for (let at = 0; at < bytes.length; at++) bytes[at] = (next++ * 7) ^ (next >> 8);
    },
    calls: () => calls,
  };
}

function copied(id: RequestId): string {
  const target = new Uint8Array(40).fill(46);
  id.copyTo(target, 2);
  return Buffer.from(target).toString('latin1');
}

test('fresh ids are distinct, and v4 whatever the bytes are', () => {
  const ids = createRequestIds(counting().fill);
  const texts = Array.from({ length: 1_000 }, () => ids.accept('').text);
  assert.equal(new Set(texts).size, 1_000);
  for (const text of texts) assert.match(text, uuidV4);
  for (const byte of [0, 255]) {
    assert.match(createRequestIds((bytes) => bytes.fill(byte)).accept('').text, uuidV4);
  }
});

test('randomness is drawn in bulk', () => {
  const random = counting();
  const ids = createRequestIds(random.fill);
  for (let count = 0; count < 256; count++) ids.accept('');
  assert.equal(random.calls(), 1);
  ids.accept('');
  assert.equal(random.calls(), 2);
});

test('an id stays what it was, however many come after it', () => {
  const ids = createRequestIds(counting().fill);
  const first = ids.accept('');
  const { text } = first;
  for (let count = 0; count < 1_000; count++) ids.accept('');
  assert.equal(first.text, text);
  assert.equal(copied(first), `..${text}..`);
});

test("a caller's id is taken in any letter case, as it is", () => {
  const ids = createRequestIds(counting().fill);
  for (const sent of ['7c2f3f7a-6b4e-4f3f-8b2a-1a9b3c2d4e5f', '7C2F3F7A-6B4E-4F3F-BB2A-1A9B3C2D4E5F']) {
    const id = ids.accept(sent);
    assert.equal(id.text, sent);
    assert.equal(copied(id), `..${sent}..`);
  }
});

test('what is no UUID v4 is not taken', () => {
  const ids = createRequestIds(counting().fill);
  const good = '7c2f3f7a-6b4e-4f3f-8b2a-1a9b3c2d4e5f';
  for (const sent of [
    good.replaceAll('-', ''),
    `{${good}}`,
    `urn:uuid:${good}`,
    `${good}\n`,
    `${good}\r\nX-Evil: 1`,
    ` ${good}`,
    good.replace('-4f3f', '-1f3f'),
    good.replace('-8b2a', '-cb2a'),
    good.replace('7', 'g'),
    '00000000-0000-0000-0000-000000000000',
  ]) {
    assert.match(ids.accept(sent).text, uuidV4);
    assert.notEqual(ids.accept(sent).text, sent, JSON.stringify(sent));
  }
});
