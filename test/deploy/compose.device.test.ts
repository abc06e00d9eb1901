// The compose files, as docker-compose itself reads them. No engine is asked.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';

test('docker-compose reads them', () => {
  const env = { PATH: process.env['PATH'], DOMAIN: 'node1.example.org' };
  for (const name of ['compose.yaml', 'docker-compose.local.yml', 'docker-compose.prod-secure.yml']) {
    execFileSync('docker-compose', ['-f', name, 'config', '--quiet'], { env });
  }
  const without = spawnSync('docker-compose', ['-f', 'docker-compose.prod-secure.yml', 'config'], {
    env: { PATH: process.env['PATH'] },
  });
  assert.notEqual(without.status, 0, 'without a name for the certificate');
});
