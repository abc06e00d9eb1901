// The image's health check: asks this node's own /readyz where the configuration says that it listens. Exit 0: it can
// work. Runs where the server runs; tells Docker, changes nothing.
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { loadConfig } from '../dist/adapters/config-file.js';

const loaded = loadConfig(process.env.NODE_CONFIG || 'config.yaml');
if (!loaded.ok) end(1, loaded.failure.join('\n'));

const { host, port, tls } = loaded.value.config.server;
// A wildcard is no address to call; the server there answers on loopback.
const own = { '0.0.0.0': '127.0.0.1', '::': '::1' };
const options = {
  host: own[host] ?? host ?? '127.0.0.1',
  port,
  path: '/readyz',
  agent: false,
  timeout: 4_000,
  // The certificate is for the name that clients use, not for this address, and nothing secret is sent.
  rejectUnauthorized: false,
};
const request = tls === null ? requestHttp : requestHttps;

request(options, async (response) => {
  let text = '';
  for await (const piece of response.setEncoding('utf8')) text += piece;
  end(response.statusCode === 200 ? 0 : 1, text);
})
  .on('timeout', () => end(1, 'no answer within 4 s'))
  .on('error', (error) => end(1, error.code ?? 'no answer'))
  .end();

function end(status, said) {
  process.stdout.write(`${said}\n`);
  process.exit(status);
}
