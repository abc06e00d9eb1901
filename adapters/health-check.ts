// A program of its own, for a container's health check: asks this node's own /readyz where the configuration says that it
// listens. Says what it was told, and ends with status 0 if the node can work, else with 1. Changes nothing.
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Config } from '../core/config/config.ts';
import { loadConfig } from './config-file.ts';

// A wildcard is no address to call; the server there answers on loopback.
const loopbackOf: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

// Below the time that Docker gives it in Dockerfile and compose files. Ours.
const timeoutMs = 4_000;

const loaded = loadConfig(process.env['NODE_CONFIG'] || 'config.yaml');
if (loaded.ok) ask(loaded.value.config.server);
else end(1, loaded.failure.lines.join('\n'));

function ask({ host, port, tls }: Config['server']): void {
  const request = tls === null ? requestHttp : requestHttps;
  const options = {
    host: host === null ? '127.0.0.1' : (loopbackOf[host] ?? host),
    port,
    path: '/readyz',
    agent: false,
    timeout: timeoutMs,
    // The certificate is for the name that clients use, not for this address, and nothing secret is sent.
    rejectUnauthorized: false,
  };
  request(options, async (response) => {
    let text = '';
    for await (const piece of response.setEncoding('utf8')) text += piece;
    end(response.statusCode === 200 ? 0 : 1, text);
  })
    .on('timeout', () => end(1, `no answer within ${timeoutMs} ms`))
    .on('error', (error: NodeJS.ErrnoException) => end(1, error.code ?? 'no answer'))
    .end();
}

function end(status: 0 | 1, said: string): never {
  process.stdout.write(`${said}\n`);
  process.exit(status);
}
