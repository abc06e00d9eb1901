// The reads of the API on hono, over its adapter for node:http: its router, middleware for the checks.
import type { IncomingMessage, Server } from 'node:http';
import { serve } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { createChecks } from './checks.ts';
import { readSpec } from './spec.ts';

const spec = readSpec();
const checks = createChecks(spec);
const app = new Hono<{ Bindings: { readonly incoming: IncomingMessage } }>();

function answer(context: Context, status: 200 | 401 | 403 | 404, body: Uint8Array | string): Response {
  return context.body(body as never, status, {
    ...Object.fromEntries(spec.headers),
    'X-Request-Id': checks.requestId(context.req.header('x-request-id')),
  });
}

app.get('/healthz', (context) => answer(context, 200, checks.healthz));
app.use(async (context, next) => {
  if (!checks.isAllowed(context.env.incoming.socket.remoteAddress))
    return answer(context, 403, '{"code":"forbidden"}');
  if (!checks.keyMatches(context.req.header('x-api-key')))
    return answer(context, 401, '{"code":"unauthorized"}');
  return next();
});
app.get('/stats', (context) => answer(context, 200, checks.stats));
app.get('/peers/:peerId', (context) => found(context, checks.peer(context.req.param('peerId'))));
app.get('/peers', (context) => {
  const mark = context.req.url.indexOf('?');
  return found(context, checks.page(mark === -1 ? '' : context.req.url.slice(mark + 1)));
});

function found(context: Context, body: Uint8Array | null | undefined): Response {
  return body ? answer(context, 200, body) : answer(context, 404, '{"code":"not_found"}');
}

const server = serve({ fetch: app.fetch, port: spec.port, hostname: '127.0.0.1' }) as Server;
server.keepAliveTimeout = 60_000;
