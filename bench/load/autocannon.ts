// Load by autocannon, in this process, for machines without wrk. Slices are whole runs of it.
import { randomUUID } from 'node:crypto';
import autocannon from 'autocannon';
import type { Load, LoadPlan } from './plan.ts';

export async function startAutocannon(plan: LoadPlan): Promise<Load> {
  let bad = 0;
  const requests = plan.creates
    ? [{ method: 'POST' as const, path: '/peers', setupRequest: withNewPeer }]
    : plan.targets.map((path) => ({ method: 'GET' as const, path }));
  return {
    async slice(ms) {
      const headers = { ...plan.headers, ...(plan.creates && { 'Content-Type': 'application/json' }) };
      const result = await autocannon({
        url: `http://127.0.0.1:${plan.port}`,
        connections: plan.connections,
        duration: Math.ceil(ms / 1_000),
        headers,
        requests,
      });
      bad += result.non2xx + result.errors;
      return result['2xx'];
    },
    stop: async () => bad,
  };
}

function withNewPeer(request: autocannon.Request): autocannon.Request {
  return { ...request, body: JSON.stringify({ peerId: randomUUID() }) };
}
