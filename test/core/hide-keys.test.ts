// What is hidden in texts that others made, and what is not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeBug, hideKeys } from '../../core/hide-keys.ts';

const key = 'aPu6plm9WICVP91DSbl4Y0ZG5v/eoGe84uGK1fUUQkQ=';

test('keys and what wg quotes are hidden, paths are not', () => {
  assert.equal(hideKeys(`set ${key} x`), 'set (hidden) x');
  assert.equal(
    hideKeys("Key is not the correct length or format: `abc'"),
    'Key is not the correct length or format: (hidden)',
  );
  const path = '/var/lib/a/very/long/path/to/some/folder/of/the/operator/wg0.conf';
  assert.equal(hideKeys(path), path);
});

test('a bug is told with its trace and without a key', () => {
  const text = describeBug(new Error(`no peer ${key}`));
  assert.match(text, /^Error: no peer \(hidden\)\n {4}at .*hide-keys\.test/);
  assert.equal(describeBug(`thrown ${key}`), 'thrown (hidden)');
});
