// The manifests for Kubernetes: whether its API knows every word of them, and whether they fit the program. No cluster is asked.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { loadAll } from 'js-yaml';
import { DaemonSet, type IDaemonSet } from 'kubernetes-models/apps/v1/DaemonSet';
import { ConfigMap, type IConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { type INamespace, Namespace } from 'kubernetes-models/v1/Namespace';
import { loadConfig } from '../../adapters/config-file.ts';
import { interfaceFolder } from '../../adapters/interface/interface-file.ts';
import type { Config } from '../../core/config/config.ts';
import { service } from '../../core/version.ts';
import { routes } from '../../handlers/routes.ts';

const documents = loadAll(readFileSync('docs/kubernetes/daemonset.yaml', 'utf8'));
const [namespace, configMap, daemonSet] = documents as [INamespace, IConfigMap, IDaemonSet];
const pod = present(daemonSet.spec?.template.spec);
const container = present(pod.containers[0]);
const keyPath = '/run/secrets/wgkeeper-node/api-key';

function present<Value>(value: Value | undefined): Value {
  assert.ok(value !== undefined);
  return value;
}

/** The configuration in the ConfigMap, with the key where this test may write. */
function readConfig(): Config {
  const folder = mkdtempSync(join(tmpdir(), 'kubernetes-'));
  try {
    writeFileSync(join(folder, 'api-key'), 'k'.repeat(64), { mode: 0o400 });
    const text = present(configMap.data)['config.yaml'] ?? '';
    assert.ok(text.includes(keyPath));
    writeFileSync(join(folder, 'config.yaml'), text.replace(keyPath, join(folder, 'api-key')));
    const loaded = loadConfig(join(folder, 'config.yaml'));
    assert.ok(loaded.ok, loaded.ok ? '' : loaded.failure.lines.join('\n'));
    return loaded.value.config;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('they fit the JSON schemas of the API', () => {
  assert.equal(documents.length, 3);
  new Namespace(namespace).validate();
  new ConfigMap(configMap).validate();
  new DaemonSet(daemonSet).validate();
});

test('they hold no word that the API does not know', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'kubernetes-'));
  context.after(() => rmSync(folder, { recursive: true }));
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const check = (name: string, type: string, value: unknown) => {
    const lines = [
      `import type { I${type} } from 'kubernetes-models/${type === 'DaemonSet' ? 'apps/v1' : 'v1'}/${type}';`,
      `export const value: I${type} = ${JSON.stringify(value)};`,
    ];
    writeFileSync(join(folder, name), lines.join('\n'));
    const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', ''];
    return promisify(execFile)(join(process.cwd(), 'node_modules/.bin/tsc'), [...flags, name], {
      cwd: folder,
    });
  };
  await check('namespace.ts', 'Namespace', namespace);
  await check('config-map.ts', 'ConfigMap', configMap);
  await check('daemon-set.ts', 'DaemonSet', daemonSet);
  const mistyped = { ...daemonSet, spec: { ...daemonSet.spec, updateStrateg: {} } };
  await assert.rejects(check('mistyped.ts', 'DaemonSet', mistyped));
});

test('the ports are those of the configuration, on the host', () => {
  const { server, wireguard } = readConfig();
  assert.equal(pod.hostNetwork, true);
  assert.deepEqual(
    container.ports?.map((port) => [port.name, port.protocol, port.containerPort, port.hostPort]),
    [
      ['api', 'TCP', server.port, server.port],
      ['wireguard', 'UDP', wireguard.listenPort, wireguard.listenPort],
    ],
  );
  // No pod of a surge could listen where the old one still does.
  assert.equal(daemonSet.spec?.updateStrategy?.rollingUpdate?.maxSurge, 0);
});

test('the probes ask for paths that need no key, and only the one for life may end it', () => {
  const paths = routes.filter(({ access }) => access === 'public').map(({ path }) => path);
  const { livenessProbe, readinessProbe, startupProbe } = container;
  for (const probe of [livenessProbe, readinessProbe, startupProbe]) {
    assert.equal(probe?.httpGet?.port, 'api');
    assert.ok(paths.includes(probe.httpGet.path ?? ''));
  }
  assert.equal(livenessProbe?.httpGet?.path, '/healthz');
  assert.equal(readinessProbe?.httpGet?.path, '/readyz');
});

/** The volume that a file of the program is in. */
function volumeOf(path: string) {
  const mount = container.volumeMounts?.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
  return present(pod.volumes?.find(({ name }) => name === mount?.name));
}

test('what outlives a pod is on the host: the file of the interface and the store', () => {
  const store = present(readConfig().wireguard.peerStoreFile ?? undefined);
  assert.equal(volumeOf(`${interfaceFolder(true, '/')}/wg0.conf`).hostPath?.path, '/etc/wireguard');
  assert.equal(volumeOf(store).hostPath?.path, '/var/lib/wgkeeper-node');
});

test('configuration and key are mounted where the program looks for them', () => {
  const path = present(container.env?.find(({ name }) => name === 'NODE_CONFIG')?.value);
  assert.equal(volumeOf(path).configMap?.name, configMap.metadata?.name);
  assert.deepEqual(volumeOf(keyPath).secret, { secretName: 'wgkeeper-node', defaultMode: 0o400 });
  for (const { metadata } of [configMap, daemonSet]) {
    assert.equal(metadata?.namespace, namespace.metadata?.name);
  }
});

test('it has one capability, and is this version of the program', () => {
  assert.deepEqual(container.securityContext?.capabilities, { drop: ['ALL'], add: ['NET_ADMIN'] });
  assert.ok(container.image?.endsWith(`:${service.version}`));
});
