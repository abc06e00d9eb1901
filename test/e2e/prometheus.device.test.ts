// A real Prometheus reads a real node, with the configuration, the rules and the dashboard that docs/ offers.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { load } from 'js-yaml';
import { createMetricsHome, type MetricsHome } from '../fixtures/metrics.ts';
import { createNamespace, type Namespace } from '../fixtures/namespace.ts';
import { until } from '../fixtures/until.ts';

/** All expressions of the rules and of the dashboard, with its variables filled in. */
function offeredExpressions(): readonly string[] {
  const rules = load(readFileSync('docs/prometheus.rules.yml', 'utf8')) as {
    groups: { rules: { expr: string }[] }[];
  };
  const dashboard = JSON.parse(readFileSync('docs/grafana-dashboard.json', 'utf8')) as {
    panels: { targets?: { expr: string }[] }[];
  };
  const expressions = [
    ...rules.groups.flatMap((group) => group.rules),
    ...dashboard.panels.flatMap((panel) => panel.targets ?? []),
  ].map(({ expr }) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'));
  assert.ok(expressions.length > 40);
  return expressions;
}

/** Lays out what the example configuration asks for, for nodes at these places; scrapes each second. */
function installPrometheus(context: TestContext, token: string, targets: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
  context.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const example = readFileSync('docs/prometheus.example.yml', 'utf8');
  writeFileSync(join(folder, 'prometheus.yml'), example.replaceAll('15s', '1s'));
  copyFileSync('docs/prometheus.rules.yml', join(folder, 'prometheus.rules.yml'));
  writeFileSync(join(folder, 'wgkeeper-node.token'), `${token}\n`, { mode: 0o600 });
  mkdirSync(join(folder, 'wgkeeper-nodes'));
  writeFileSync(join(folder, 'wgkeeper-nodes', 'all.yml'), JSON.stringify([{ targets }]));
  return folder;
}

const place = '127.0.0.1:9090';

function startPrometheus(host: Namespace, folder: string): void {
  const settings = [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=${place}`,
    '--log.level=error',
  ];
  host.spawn(['prometheus', ...settings], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The values of a query; throws when Prometheus does not understand it. */
async function query(host: Namespace, expression: string): Promise<readonly number[]> {
  const url = `http://${place}/api/v1/query`;
  const answer = await host.run('curl', '-sS', '-G', url, '--data-urlencode', `query=${expression}`);
  const { status, data, error } = JSON.parse(answer) as {
    status: string;
    error?: string;
    data?: { result: { value: [number, string] }[] };
  };
  if (status !== 'success' || data === undefined) throw new Error(`${expression}: ${error}`);
  return data.result.map(({ value }) => Number(value[1]));
}

function scrape(host: Namespace, { metricsPort, token }: MetricsHome): Promise<string> {
  const url = `http://127.0.0.1:${metricsPort}/metrics`;
  return host.run('curl', '-sS', url, '-H', `Authorization: Bearer ${token}`);
}

test('what docs/ offers passes promtool, and each alert fires when it has to', (context) => {
  const folder = installPrometheus(context, 'x'.repeat(32), ['127.0.0.1:51822']);
  execFileSync('promtool', ['check', 'config', join(folder, 'prometheus.yml')]);
  execFileSync('promtool', ['check', 'rules', 'docs/prometheus.rules.yml']);
  execFileSync('promtool', ['test', 'rules', 'test/docs/prometheus-rules.yml']);
  const tested = readFileSync('test/docs/prometheus-rules.yml', 'utf8');
  for (const [, alert] of readFileSync('docs/prometheus.rules.yml', 'utf8').matchAll(/alert: (\w+)/g)) {
    assert.match(
      tested,
      new RegExp(`alertname: ${alert}\n        exp_alerts:\n`),
      `${alert} is seen to fire`,
    );
  }
});

test('a Prometheus finds every metric that rules and dashboard ask for, and reads the counters', async (context) => {
  const host = await createNamespace(context);
  const home = await createMetricsHome(context, {
    namespace: host,
    settings: { metrics: { per_peer: true } },
  });
  const node = await home.start();
  const create = () => node.request('POST', '/peers', { body: { peerId: randomUUID() } });
  assert.equal((await create()).status, 200);

  const text = await scrape(host, home);
  const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  assert.deepEqual([checked.status, checked.stdout, checked.stderr], [0, '', '']);
  assert.match(text, /^wgkeeper_wg_runs_total\{command="addconf",result="ok"\} 1$/m);
  assert.match(text, /^wgkeeper_interface_receive_bytes_total \d+$/m);
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
  const expressions = offeredExpressions();
  for (const expression of expressions) {
    for (const [name] of expression.matchAll(/\b(?:wgkeeper|process|nodejs)_\w+/g)) {
      const family = name.replace(/_(bucket|sum|count)$/, '');
      assert.ok(types.has(name) || types.get(family) === 'histogram', `${name} is a metric`);
    }
  }

  startPrometheus(host, installPrometheus(context, home.token, [`127.0.0.1:${home.metricsPort}`]));
  const settle = (expression: string, value: number) =>
    until(`${expression} is ${value}`, async () =>
      query(host, expression).then(
        (values) => values.length === 1 && values[0] === value,
        () => false,
      ),
    );
  await settle('up{job="wgkeeper-node"}', 1);
  for (let more = 0; more < 2; more++) assert.equal((await create()).status, 200);
  await settle('wgkeeper_operations_total{operation="create",result="ok"}', 3);
  await settle('wgkeeper_peers_issued', 3);
  await settle('count(wgkeeper_peer_receive_bytes_total)', 3);
  for (const expression of expressions) await query(host, expression);
  await node.kill('SIGTERM');
  await settle('up{job="wgkeeper-node"}', 0);
});
