// Metrics as Prometheus text, by way of prom-client. Loaded only where metrics are served.
import type { Metric, Registry as PromRegistry } from 'prom-client';
// The one file of it that is needed: its index, with the clients of other gateways, takes 10 MB and 0.1 s more.
// @ts-expect-error: it has types for its index alone
import untypedRegistry from 'prom-client/lib/registry.js';
import type { Family } from '../../core/metrics/family.ts';

const Registry = untypedRegistry as typeof PromRegistry;

/** The content type (Prometheus exposition formats, version 0.0.4). */
export const metricsType = Registry.PROMETHEUS_CONTENT_TYPE;

/** The answer makes the text of the moment. */
export function createRegistry(families: readonly Family[]): () => Promise<string> {
  const registry = new Registry();
  for (const family of families) registry.registerMetric(asMetric(family));
  return () => registry.metrics();
}

/** All that a registry asks of a metric when it makes text of it: the numbers stay where they are counted until then. */
function asMetric({ name, help, type, samples }: Family): Metric {
  const values = () =>
    samples().map(({ labels, value, suffix }) => ({ labels, value, metricName: name + suffix }));
  const metric = { name, help, type, get: async () => ({ name, help, type, values: values() }) };
  return metric as unknown as Metric;
}
