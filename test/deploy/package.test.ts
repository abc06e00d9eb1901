// What the README points to is there, in the sources and for those who only installed the package.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

test('whoever has the package finds every file that the README links to', () => {
  const readme = readFileSync('README.md', 'utf8');
  const links = [...readme.matchAll(/\]\(([^)#]+)/g)].map(([, target = '']) => target);
  const files = links.filter((target) => !target.includes('://'));
  assert.ok(files.includes('config.example.yaml'), 'links were found');
  assert.deepEqual(
    files.filter((file) => !existsSync(file)),
    [],
  );
  const listing = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [packed] = JSON.parse(listing) as readonly { readonly files: readonly { readonly path: string }[] }[];
  const paths = packed?.files.map(({ path }) => path) ?? [];
  assert.deepEqual(
    files.filter((file) => !paths.some((path) => path === file || path.startsWith(`${file}/`))),
    [],
  );
});
