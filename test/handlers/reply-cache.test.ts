// Bodies are rendered once for each state of the table, and take no more room than given.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createReplyCache, type ReplyCache } from '../../handlers/reply-cache.ts';

/** Asks the cache; tells what came and whether it had to be rendered. */
function get(cache: ReplyCache, revision: number, name: string, text: string) {
  let rendered = false;
  const body = cache.get(revision, name, () => {
    rendered = true;
    return text;
  });
  return { text: Buffer.from(body).toString(), rendered };
}

describe('the reply cache', () => {
  it('renders once for a name and a revision', () => {
    const cache = createReplyCache(100);
    assert.deepEqual(get(cache, 0, 'a', 'one'), { text: 'one', rendered: true });
    assert.deepEqual(get(cache, 0, 'a', 'two'), { text: 'one', rendered: false });
    assert.deepEqual(get(cache, 0, 'b', 'three'), { text: 'three', rendered: true });
    assert.deepEqual(get(cache, 1, 'a', 'four'), { text: 'four', rendered: true });
    assert.deepEqual(get(cache, 1, 'b', 'five'), { text: 'five', rendered: true });
  });

  it('keeps what fits, counted in bytes, and renders the rest each time', () => {
    const cache = createReplyCache(10);
    get(cache, 1, 'a', '123456');
    get(cache, 1, 'b', 'äöü');
    assert.equal(get(cache, 1, 'b', 'äöü').rendered, true);
    get(cache, 1, 'c', '1234');
    assert.equal(get(cache, 1, 'a', '').rendered, false);
    assert.equal(get(cache, 1, 'c', '').rendered, false);
    assert.equal(get(cache, 1, 'd', 'x').rendered, true);
    assert.equal(get(cache, 1, 'd', 'x').rendered, true);
  });

  it('has all its room again for a new revision', () => {
    const cache = createReplyCache(10);
    for (let revision = 1; revision < 5; revision++) {
      assert.equal(get(cache, revision, 'a', '1234567890').rendered, true);
      assert.equal(get(cache, revision, 'a', '').rendered, false);
    }
  });
});
