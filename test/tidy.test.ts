// The laws of the house, held against the house. What they are, and that each can be broken, is in test/tidy/.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileRules, namesNoRegistry, treeRules } from './tidy/rules.ts';
import { readSource } from './tidy/source.ts';

const sources = ['core', 'handlers', 'adapters', 'bench', 'docs', 'test']
  .flatMap(listFiles)
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readSource(path, readFileSync(path, 'utf8')));

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name}`)
    .filter((path) => statSync(path).isFile());
}

/** Files of the project, folders that are made or fetched left out. */
function listTexts(): string[] {
  const made = ['node_modules', 'dist', 'data', 'wireguard', '.git'];
  return readdirSync('.', { withFileTypes: true })
    .filter((entry) => !made.includes(entry.name))
    .flatMap((entry) => (entry.isDirectory() ? listFiles(entry.name) : entry.isFile() ? [entry.name] : []))
    .filter((path) => !path.includes('node_modules/') && statSync(path).size < 1_000_000);
}

describe('the house', () => {
  it('is here', () => {
    const folders = new Set(sources.map((source) => source.path.split('/')[0]));
    for (const folder of ['core', 'handlers', 'adapters', 'test']) assert.ok(folders.has(folder), folder);
  });

  for (const [name, rule] of Object.entries(fileRules)) {
    it(name, () => assert.deepEqual(sources.flatMap(rule), []));
  }

  for (const [name, rule] of Object.entries(treeRules)) {
    it(name, () => assert.deepEqual(rule(sources), []));
  }

  it('names no package registry', () => {
    const found = listTexts().flatMap((path) => namesNoRegistry(path, readFileSync(path, 'utf8')));
    assert.deepEqual(found, []);
  });
});
