// The program and its package go by one name and one version.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { service } from '../../core/version.ts';

it('name and version are those of package.json', () => {
  const { name, version } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, unknown>;
  assert.deepEqual({ ...service }, { name, version });
});
