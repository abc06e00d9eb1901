// The package that npm makes: what is in it, and that it runs where nothing but it was installed. Installing needs a registry.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { service } from '../../core/version.ts';
import { createNodeHome } from '../fixtures/running-node.ts';

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'package-'));
const installed = join(folder, 'installed');
let tarball = '';

/** Without what `npm test` has set: the package's own settings would be taken for those of whoever installs it. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));

/** Packs a copy of the sources: nothing is compiled in it, and nobody else's `dist` is made anew. */
before(async () => {
  const copy = join(folder, 'copy');
  const names = [
    'adapters',
    'core',
    'handlers',
    'docs',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
  ];
  const { files } = JSON.parse(await readFile('package.json', 'utf8')) as {
    readonly files: readonly string[];
  };
  const loose = files.filter((name) => !name.includes('/'));
  for (const name of [...names, '.npmrc', 'README.md', 'LICENSE', ...loose]) {
    await cp(name, join(copy, name), { recursive: true });
  }
  await symlink(join(process.cwd(), 'node_modules'), join(copy, 'node_modules'));
  await run('npm', ['pack', '--pack-destination', folder], { cwd: copy, env });
  tarball = join(folder, `${service.name}-${service.version}.tgz`);
  await mkdir(installed);
  const flags = ['--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund', '--prefer-offline'];
  await run('npm', ['install', tarball, ...flags], { cwd: installed, env });
});
after(() => rm(folder, { recursive: true }));

test('it holds the program, what describes it and what starts it, and nothing else', async () => {
  const { stdout } = await run('tar', ['-tzf', tarball]);
  const paths = stdout.trim().split('\n');
  const others = paths.filter(
    (path) => !/^package\/dist\/(adapters|core|handlers)\/[a-z0-9/-]+\.js$/.test(path),
  );
  const units = (await readdir('docs/systemd')).map((name) => `package/docs/systemd/${name}`);
  const plots = (await readdir('docs'))
    .filter((name) => name.endsWith('.svg'))
    .map((name) => `package/docs/${name}`);
  assert.deepEqual(others.sort(), [
    'package/CHANGELOG.md',
    'package/Caddyfile',
    'package/LICENSE',
    'package/README.md',
    'package/config.example.yaml',
    'package/docker-compose.local.yml',
    'package/docker-compose.prod-secure.yml',
    ...plots.sort(),
    'package/docs/benchmarks.md',
    'package/docs/grafana-dashboard.json',
    'package/docs/kubernetes/daemonset.yaml',
    'package/docs/nginx.example.conf',
    'package/docs/openapi.json',
    'package/docs/prometheus.example.yml',
    'package/docs/prometheus.rules.yml',
    ...units.sort(),
    'package/package.json',
  ]);
  const modules = ['adapters', 'core', 'handlers'].map(async (room) => readdir(room, { recursive: true }));
  const sources = (await Promise.all(modules)).flat().filter((name) => name.endsWith('.ts'));
  assert.equal(paths.length - others.length, sources.length);
});

test('installed alone, it is the command wgkeeper-node', async () => {
  const command = (...args: readonly string[]) =>
    run('npx', ['--no-install', 'wgkeeper-node', ...args], { cwd: installed, env });
  assert.equal((await command('--version')).stdout, `${service.version}\n`);
  assert.match((await command('--help')).stdout, /^Usage: wgkeeper-node /);
  const native = join(installed, 'node_modules/uWebSockets.js/package.json');
  assert.equal((JSON.parse(await readFile(native, 'utf8')) as { name: string }).name, '@based/uws');
});

test('installed alone, it serves, and has the description of its API with it', async (context) => {
  const command = join(installed, 'node_modules', 'wgkeeper-node');
  const home = await createNodeHome(context, { program: join(command, 'dist/adapters/main.js') });
  const node = await home.start();
  const peerId = '7c2f3f7a-6b4e-4f3f-8b2a-1a9b3c2d4e5f';
  assert.equal((await node.request('POST', '/peers', { body: { peerId } })).status, 200);
  assert.equal((await node.request('GET', `/peers/${peerId}`)).status, 200);
  const description = await node.request('GET', '/openapi.json');
  assert.equal(description.body, await readFile(join(command, 'docs/openapi.json'), 'utf8'));
  assert.equal((await node.kill('SIGTERM')).status, 0);
});
