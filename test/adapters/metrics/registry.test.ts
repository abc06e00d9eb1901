// Families as Prometheus text.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createRegistry, metricsType } from '../../../adapters/metrics/registry.ts';
import { counters, gauge, histograms } from '../../../core/metrics/family.ts';
import { Histogram } from '../../../core/metrics/histogram.ts';

test('the text is made of what the families say at that moment', async () => {
  let length = 1;
  const times = new Histogram([0.5]);
  const render = createRegistry([
    gauge('queue_length', 'How long it is.', () => length),
    counters('things_total', 'What was done.', () => [[{ kind: 'a "b"\\' }, 2]]),
    histograms('thing_seconds', 'How long it took.', () => [[{ kind: 'c' }, times]]),
  ]);
  await render();
  length = 5;
  times.observe(0.25);
  assert.equal(
    await render(),
    `# HELP queue_length How long it is.
# TYPE queue_length gauge
queue_length 5

# HELP things_total What was done.
# TYPE things_total counter
things_total{kind="a \\"b\\"\\\\"} 2

# HELP thing_seconds How long it took.
# TYPE thing_seconds histogram
thing_seconds_bucket{kind="c",le="0.5"} 1
thing_seconds_bucket{kind="c",le="+Inf"} 1
thing_seconds_sum{kind="c"} 0.25
thing_seconds_count{kind="c"} 1
`,
  );
});

test('the content type is that of the text format', () => {
  assert.equal(metricsType, 'text/plain; version=0.0.4; charset=utf-8');
});
