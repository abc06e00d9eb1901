// The reads of the API on fastify: its router, hooks for the checks, bodies sent as they are.
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { createChecks } from './checks.ts';
import { readSpec } from './spec.ts';

const spec = readSpec();
const checks = createChecks(spec);
const constant = Object.fromEntries(spec.headers);
const app = fastify({ logger: false, keepAliveTimeout: 60_000 });

app.addHook('onRequest', (request, reply, done) => {
  reply.headers(constant);
  reply.header('X-Request-Id', checks.requestId(request.headers['x-request-id'] as string | undefined));
  done();
});

const guard = {
  onRequest(request: FastifyRequest, reply: FastifyReply, done: () => void) {
    if (!checks.isAllowed(request.socket.remoteAddress)) void reply.code(403).send(refusal('forbidden'));
    else if (!checks.keyMatches(request.headers['x-api-key'] as string | undefined)) {
      void reply.code(401).send(refusal('unauthorized'));
    } else done();
  },
};

app.get('/healthz', (_, reply) => reply.send(checks.healthz));
app.get('/stats', guard, (_, reply) => reply.send(checks.stats));
app.get('/peers/:peerId', guard, (request, reply) =>
  found(reply, checks.peer((request.params as { readonly peerId: string }).peerId)),
);
app.get('/peers', guard, (request, reply) => {
  const mark = request.url.indexOf('?');
  return found(reply, checks.page(mark === -1 ? '' : request.url.slice(mark + 1)));
});
void app.listen({ port: spec.port, host: '127.0.0.1' });

function found(reply: FastifyReply, body: Buffer | null | undefined): FastifyReply {
  return body ? reply.send(body) : reply.code(404).send(refusal('not_found'));
}

function refusal(code: string): Buffer {
  return Buffer.from(`{"error":"","code":"${code}"}`);
}
