// The reads of the API on node:http alone: routes told apart by hand, headers as one flat array.
import { createServer, type IncomingMessage } from 'node:http';
import { createChecks } from './checks.ts';
import { readSpec } from './spec.ts';

const spec = readSpec();
const checks = createChecks(spec);
const constant = spec.headers.flat();
const refusals = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
} as const;

const server = createServer((request, response) => {
  const found = answer(request);
  const body = typeof found === 'number' ? Buffer.from(`{"error":"","code":"${refusals[found]}"}`) : found;
  const id = checks.requestId(request.headers['x-request-id'] as string | undefined);
  response.writeHead(typeof found === 'number' ? found : 200, [
    ...constant,
    'X-Request-Id',
    id,
    'Content-Length',
    String(body.length),
  ]);
  response.end(body);
});
server.keepAliveTimeout = 60_000;
server.listen(spec.port, '127.0.0.1');

function answer(request: IncomingMessage): Buffer | keyof typeof refusals {
  const url = request.url ?? '';
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  const isPeer = path.startsWith('/peers/');
  if (path !== '/healthz' && path !== '/stats' && path !== '/peers' && !isPeer) return 404;
  if (request.method !== 'GET') return 405;
  if (path === '/healthz') return checks.healthz;
  if (!checks.isAllowed(request.socket.remoteAddress)) return 403;
  if (!checks.keyMatches(request.headers['x-api-key'] as string | undefined)) return 401;
  if (path === '/stats') return checks.stats;
  return (isPeer ? checks.peer(path.slice(7)) : checks.page(mark === -1 ? '' : url.slice(mark + 1))) ?? 404;
}
