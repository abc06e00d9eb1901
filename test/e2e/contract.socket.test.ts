// The API's contract over a socket, asked of the real program. The same rows are asked without a socket in contract.test.ts.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeCertificate } from '../fixtures/certificate.ts';
import { askOverSocket } from '../fixtures/contract-ask.ts';
import { checkAnswer, checkHeaders } from '../fixtures/contract-check.ts';
import { contractWorlds } from '../fixtures/contract-rows.ts';
import { ask as askRaw } from '../fixtures/raw-client.ts';
import { createNodeHome, type NodeHome } from '../fixtures/running-node.ts';
import { until } from '../fixtures/until.ts';

interface World {
  readonly allowedIps: readonly string[] | null;
  readonly subnets: readonly string[];
  readonly debug: boolean;
}

async function startWorld(context: TestContext, { allowedIps, subnets, debug }: World): Promise<NodeHome> {
  const home = await createNodeHome(context, {
    settings: {
      server: { allowed_ips: allowedIps ?? undefined },
      wireguard: {
        subnet: subnets.find((text) => !text.includes(':')),
        subnet6: subnets.find((text) => text.includes(':')),
      },
    },
  });
  await home.start({ env: debug ? { DEBUG: '1' } : {} });
  return home;
}

for (const world of contractWorlds) {
  test(`${world.name}, row by row`, async (context) => {
    const { port, apiKey } = await startWorld(context, world);
    const ask = askOverSocket(port, apiKey);
    for (const row of world.rows) {
      const answer = await ask(row.request);
      checkAnswer(row, answer);
      if (row.request.method !== undefined) continue;
      const head = await ask({ ...row.request, method: 'HEAD' });
      assert.equal(head.status, row.status, `HEAD of ${row.name}`);
      checkHeaders(row, head);
      assert.equal(head.headers.get('content-length'), String(Buffer.byteLength(answer.body)));
    }
  });
}

test('30 requests at once and 20 a second from one address; probes are not counted', async (context) => {
  const { port, apiKey } = await startWorld(context, {
    allowedIps: null,
    subnets: ['10.7.0.0/24'],
    debug: false,
  });
  const ask = askOverSocket(port, apiKey);
  const startedMs = performance.now();
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask({ target: '/stats' })));
  const refilled = Math.ceil((performance.now() - startedMs) / 50);
  const served = answers.filter(({ status }) => status === 200).length;
  assert.ok(served >= 30 && served <= 30 + refilled, `${served} of 100`);
  const limited = answers.find(({ status }) => status !== 200);
  assert.ok(limited !== undefined);
  checkAnswer(
    {
      name: 'limited',
      request: { target: '/stats' },
      status: 429,
      body: { code: 'rate_limited' },
      headers: { 'retry-after': '1' },
    },
    limited,
  );
  assert.equal((await ask({ target: '/healthz', keyless: true })).status, 200);
  assert.equal((await ask({ target: '/readyz', keyless: true })).status, 200);
  // Another client of the same proxy has a bucket of its own.
  const other = await ask({ target: '/stats', headers: [['X-Forwarded-For', '198.51.100.7']] });
  assert.equal(other.status, 200);
});

test('a request line and headers of 8 KiB are read, longer ones are 431', async (context) => {
  const { port, apiKey } = await startWorld(context, {
    allowedIps: ['127.0.0.1'],
    subnets: ['10.7.0.0/24'],
    debug: false,
  });
  const request = (bytes: number) => {
    const start = `GET /stats HTTP/1.1\r\nHost: node\r\nX-API-Key: ${apiKey}\r\nX-Padding: `;
    return `${start}${'x'.repeat(bytes - start.length - 4)}\r\n\r\n`;
  };
  // The native server wants some room of its own.
  const long = await askRaw(port, request(8_192 - 128));
  assert.equal(long.status, 200);
  const longer = await askRaw(port, request(8_192 + 1));
  assert.equal(longer.status, 431);
  for (const name of ['server', 'uwebsockets']) assert.equal(longer.headers.get(name), undefined);
});

test('under TLS every answer asks browsers to come by HTTPS only; a pair that does not match stops the start', async (context) => {
  const home = await createNodeHome(context);
  const paths = { tls_cert: join(home.folder, 'cert.pem'), tls_key: join(home.folder, 'key.pem') };
  const { certPem, keyPem } = makeCertificate();
  writeFileSync(paths.tls_cert, certPem);
  writeFileSync(paths.tls_key, makeCertificate().keyPem);
  home.configure({ server: paths });
  const mismatched = await home.run();
  assert.equal(mismatched.status, 1);
  assert.match(mismatched.stdout, /the key is not the key of the certificate/);

  writeFileSync(paths.tls_key, keyPem);
  const node = home.launch();
  const asked = () =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const options = { host: '127.0.0.1', port: home.port, path: '/healthz', rejectUnauthorized: false };
      get(options, resolve).on('error', reject);
    });
  await until('it answers', () =>
    asked().then(
      () => true,
      () => false,
    ),
  );
  const answer = await asked();
  assert.equal(answer.statusCode, 200);
  assert.match(String(answer.headers['strict-transport-security']), /^max-age=\d{7,}/);
  assert.equal((await node.kill('SIGTERM')).status, 0);
});
