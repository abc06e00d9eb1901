// Paths to what lives there.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createRouter } from '../../../core/http/router.ts';

const find = createRouter([
  { method: 'GET', path: '/a' },
  { method: 'POST', path: '/a' },
  { method: 'DELETE', path: '/a/:x' },
]);

test('one look finds every method of a path', () => {
  const match = find('/a');
  assert.deepEqual([...(match?.resource.operations.keys() ?? [])], ['GET', 'HEAD', 'POST']);
  assert.equal(match?.resource.allow, 'GET, HEAD, POST');
  assert.equal(find('/a/1')?.resource.allow, 'DELETE');
});

test('one trailing slash is dropped, and no other', () => {
  assert.deepEqual({ ...find('/a/')?.params }, {});
  assert.equal(find('/a/1/')?.params['x'], '1');
  assert.equal(find('/a/1//'), null);
  assert.equal(find('/a//'), null);
  assert.equal(find('//a'), null);
});

test('a parameter is one segment, decoded, or taken as it is where it can not be', () => {
  assert.equal(find('/a/%41%2f%C3%A9')?.params['x'], 'A/é');
  assert.equal(find('/a/%')?.params['x'], '%');
  assert.equal(find('/a/%c3%41')?.params['x'], '%c3%41');
  assert.equal(find('/a/1/2'), null);
  assert.equal(find('/%'), null);
});

test('names of the object prototype are names like any other', () => {
  assert.equal(find('/a/__proto__')?.params['x'], '__proto__');
  assert.equal(find('/constructor'), null);
  assert.equal(find('/a')?.resource.operations.get('constructor'), undefined);
});
