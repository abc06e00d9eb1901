// The health check against the real program.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeCertificate } from '../fixtures/certificate.ts';
import { createNodeHome, type NodeHome } from '../fixtures/running-node.ts';
import { until } from '../fixtures/until.ts';

const program = fileURLToPath(import.meta.resolve('../../adapters/health-check.js'));

/** Its exit status and what it said. */
function checkHealth(home: NodeHome): Promise<readonly [number, string]> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], NODE_CONFIG: home.configPath };
    execFile(process.execPath, [program], { env }, (error, stdout) => {
      resolve([error === null ? 0 : Number(error.code), stdout]);
    });
  });
}

test('it passes a node that is ready, whatever address it listens on, and fails one that is gone', async (context) => {
  const home = await createNodeHome(context);
  for (const host of ['127.0.0.1', '0.0.0.0', '::', undefined]) {
    home.configure({ server: { host } });
    const node = await home.start();
    await until(`a node on ${host} is healthy`, async () => (await checkHealth(home))[0] === 0);
    assert.deepEqual(await checkHealth(home), [0, '{"status":"ok"}\n']);
    await node.kill('SIGKILL');
    assert.deepEqual(await checkHealth(home), [1, 'ECONNREFUSED\n']);
  }
});

test('it speaks HTTPS where the node does', async (context) => {
  const home = await createNodeHome(context);
  const { certPem, keyPem } = makeCertificate();
  const [tls_cert, tls_key] = [join(home.folder, 'cert.pem'), join(home.folder, 'key.pem')];
  writeFileSync(tls_cert, certPem);
  writeFileSync(tls_key, keyPem, { mode: 0o600 });
  home.configure({ server: { tls_cert, tls_key } });
  home.launch();
  await until('the node is healthy', async () => (await checkHealth(home))[0] === 0);
});

test('a configuration that is wrong is unhealthy, and says why', async (context) => {
  const home = await createNodeHome(context);
  home.configure({ server: { port: 0 } });
  const [status, said] = await checkHealth(home);
  assert.equal(status, 1);
  assert.match(said, /server\.port/);
});
