// What the Dockerfile says, without building it: that it carries no secret, is pinned where it can be, and fits the program.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { load } from 'js-yaml';
import { service } from '../../core/version.ts';

interface Instruction {
  readonly word: string;
  readonly text: string;
}

/** Instructions in their order, continued lines joined, comments left out. */
function readDockerfile(): readonly Instruction[] {
  const lines = readFileSync('Dockerfile', 'utf8').replace(/^#.*\n/gm, '');
  return lines
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, word = '', text = ''] = /^([A-Z]+) +(.*)$/.exec(line) ?? [];
      assert.notEqual(word, '', `not understood: ${line}`);
      return { word, text };
    });
}

const instructions = readDockerfile();
const textsOf = (word: string) => instructions.filter((each) => each.word === word).map(({ text }) => text);

test('every stage stands on the one base, which a digest can pin', () => {
  assert.match(textsOf('ARG')[0] ?? '', /^BASE=node:22-bookworm-slim$/);
  for (const from of textsOf('FROM')) assert.match(from, /^\$\{BASE\}( AS [a-z]+)?$/);
});

test('what comes from outside the base comes from Debian and the lock file, and no install script runs', () => {
  const installs = textsOf('RUN').filter((text) => /\bnpm\b.*\b(ci|i|install)\b/.test(text));
  assert.equal(installs.length, 2);
  for (const install of installs) assert.match(install, /^npm ci (--omit=dev )?--ignore-scripts$/);
  for (const text of [...textsOf('RUN'), ...textsOf('ADD')]) {
    assert.doesNotMatch(text, /\b(curl|wget|git)\b|https?:/);
  }
});

test('it copies file by file what .dockerignore lets in, all of which is there', () => {
  const [first, ...rest] = readFileSync('.dockerignore', 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  assert.equal(first, '*');
  const allowed = rest.map((line) => line.replace(/^!/, ''));
  for (const path of allowed) assert.ok(existsSync(path), path);
  const sources = textsOf('COPY')
    .filter((text) => !text.startsWith('--from='))
    .flatMap((text) => text.split(/ +/).slice(0, -1));
  assert.deepEqual([...new Set(sources)].sort(), allowed.sort());
  for (const secret of ['config.yaml', 'data', 'wireguard', 'certs', '.git']) {
    assert.ok(!allowed.includes(secret), secret);
  }
});

test('it says which version it is', () => {
  assert.ok(textsOf('LABEL').join(' ').includes(`image.version="${service.version}"`));
});

test('one process that gets its signals, and a health check that needs no shell', () => {
  assert.deepEqual(textsOf('ENTRYPOINT'), ['["tini", "--", "wgkeeper-node"]']);
  assert.deepEqual(textsOf('CMD'), []);
  assert.deepEqual(textsOf('STOPSIGNAL'), ['SIGTERM']);
  assert.match(textsOf('HEALTHCHECK').join(), /CMD \["node", "\/app\/dist\/adapters\/health-check\.js"\]$/);
});

test('main is published as edge, a release as its version and latest, and nothing else', () => {
  const tagsOf = (ref: string) => spawnSync('/bin/sh', ['.ci/image-tags', ref], { encoding: 'utf8' });
  const release = tagsOf(`refs/tags/v${service.version}`);
  assert.deepEqual([release.status, release.stdout], [0, `${service.version}\nlatest\n`]);
  assert.equal(tagsOf('refs/heads/main').stdout, 'edge\n');
  assert.deepEqual([tagsOf('refs/pull/7/merge').status, tagsOf('refs/pull/7/merge').stdout], [0, '']);
  const other = tagsOf('refs/tags/v9.9.9');
  assert.deepEqual([other.status, other.stdout], [1, '']);
  assert.match(other.stderr, /v9\.9\.9 is not the version in package\.json/);
});

test('only what pushes may write to the registry, and it runs neither tests nor packages', () => {
  const { permissions, jobs } = load(readFileSync('.github/workflows/image.yml', 'utf8')) as {
    readonly permissions: object;
    readonly jobs: Record<string, { readonly permissions?: object; readonly steps: readonly object[] }>;
  };
  assert.deepEqual(permissions, { contents: 'read' });
  const own = Object.entries(jobs).filter(([, job]) => job.permissions !== undefined);
  assert.deepEqual(
    own.map(([name, job]) => [name, job.permissions]),
    [['publish', { contents: 'read', packages: 'write' }]],
  );
  assert.doesNotMatch(JSON.stringify(jobs['publish']?.steps), /npm|node|test\//);
});
