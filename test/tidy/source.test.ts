// Code told from comments and quoted text, and imports in every form.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the snippets are code
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readSource, resolveImport } from './source.ts';

/** The code with runs of blanks shortened. */
function code(text: string): string {
  const source = readSource('core/a.ts', text);
  assert.equal(source.code.length, text.length);
  return source.code.replaceAll(/ +/g, ' ').trim();
}

describe('the code of a text', () => {
  const cases: [string, string][] = [
    ['a(); // hidden()', 'a();'],
    ['a(/* hidden() */);', 'a( );'],
    ['/* two\nlines */ a();', 'a();'],
    [`a('hidden()', "hid'den");`, `a(' ', " ");`],
    [`a('it\\'s hidden');`, `a(' ');`],
    ['a(`hidden ${shown(`hidden ${too}`)} hidden`);', 'a(` ${shown(` ${too}`)} `);'],
    ['a(`${{ b: {} }} hidden`); c();', 'a(`${{ b: {} }} `); c();'],
    ["a(/hid'den/); b('x');", "a(/ /); b(' ');"],
    ["a = b / c; d('/');", "a = b / c; d(' ');"],
    ['return /[/"]hidden/.test(a);', 'return / /.test(a);'],
    ["const url = 'http://hidden'; b();", "const url = ' '; b();"],
    ['const a = (b) / 2; // hidden', 'const a = (b) / 2;'],
  ];
  for (const [text, want] of cases) it(text, () => assert.equal(code(text), want));

  it('keeps its lines', () => {
    const text = '/*\n*/\n`\n${a}\n`\n// b\n';
    assert.equal(readSource('core/a.ts', text).code.split('\n').length, text.split('\n').length);
  });
});

describe('imports', () => {
  const cases: [string, { from: string; typeOnly?: boolean; names?: string[] }[]][] = [
    ["import { a, type B, c as d } from './x.ts';", [{ from: './x.ts', names: ['a', 'B', 'c'] }]],
    ["import type { A } from './x.ts';", [{ from: './x.ts', names: ['A'], typeOnly: true }]],
    ["import { type A, type B } from './x.ts';", [{ from: './x.ts', names: ['A', 'B'], typeOnly: true }]],
    ["import {\n  a,\n  b,\n} from 'node:fs';", [{ from: 'node:fs', names: ['a', 'b'] }]],
    ["import net from 'node:net';", [{ from: 'node:net' }]],
    ["import * as fs from 'node:fs';", [{ from: 'node:fs' }]],
    ["import './x.ts';", [{ from: './x.ts' }]],
    ["export { a } from './x.ts';", [{ from: './x.ts', names: ['a'] }]],
    ["export * from './x.ts';", [{ from: './x.ts' }]],
    ["const a = await import('./x.ts');", [{ from: './x.ts' }]],
    ["const a = require('x');", [{ from: 'x' }]],
    ["const a = 1;\nexport const from = 'x';", []],
    ["// import './x.ts';\nconst a = `import './y.ts'`;", []],
    ["import a from 'x';\nimport b from 'y';", [{ from: 'x' }, { from: 'y' }]],
  ];
  for (const [text, want] of cases) {
    it(text, () => {
      const found = readSource('core/a.ts', text).imports;
      assert.deepEqual(
        found.map(({ from, typeOnly, names }) => ({ from, typeOnly, names })),
        want.map((one) => ({ typeOnly: false, names: [], ...one })),
      );
    });
  }

  it('have lines', () => {
    assert.equal(readSource('core/a.ts', "// a\nimport { b }\n  from './b.ts';").imports[0]?.line, 3);
  });

  it('are resolved from the file that they stand in', () => {
    assert.equal(resolveImport('core/http/a.ts', './b.ts'), 'core/http/b.ts');
    assert.equal(resolveImport('core/http/a.ts', '../b.ts'), 'core/b.ts');
    assert.equal(resolveImport('core/a.ts', '../adapters/b.ts'), 'adapters/b.ts');
    assert.equal(resolveImport('core/a.ts', '../../elsewhere/b.ts'), '../elsewhere/b.ts');
    assert.equal(resolveImport('core/a.ts', 'node:fs'), null);
  });
});
