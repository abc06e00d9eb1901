// The diagnosis of a server that runs: made by a process of its own, once for all who ask, and of the files as they are.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import * as v from 'valibot';
import { diagnosisSchema } from '../../handlers/diagnostics.ts';
import { jsonOf } from '../fixtures/api-client.ts';
import { createNodeHome } from '../fixtures/running-node.ts';

test('many ask at once and get one diagnosis, of a host without an interface', async (context) => {
  const home = await createNodeHome(context);
  const node = await home.start();
  writeFileSync(home.storePath, 'damaged', { mode: 0o600 });
  const answers = await Promise.all(Array.from({ length: 20 }, () => node.request('GET', '/diagnostics')));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  // Another look would show another free space, or another second.
  assert.equal(new Set(answers.map(({ body }) => body)).size, 1);
  const [first] = answers;
  assert.ok(first !== undefined);
  const { status, checks } = v.parse(diagnosisSchema, jsonOf(first));
  assert.equal(status, 'fail');
  const found = new Map(checks.map((check) => [check.check, check]));
  assert.equal(found.get('store')?.status, 'fail');
  assert.match(found.get('api_port')?.seen ?? '', new RegExp(`is ours: wgkeeper-node \\(pid ${node.pid}\\)`));
  assert.deepEqual([found.has('interface'), found.has('firewall')], [false, false]);
});
