// Values, line numbers, and what is refused.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseYaml, type YamlDocument, type YamlFailure } from '../../adapters/yaml-document.ts';

function parsed(source: string): YamlDocument {
  const yaml = parseYaml(source, 10);
  assert.ok(yaml.ok, yaml.ok ? '' : yaml.failure.reason);
  return yaml.value;
}

function refused(source: string, depthMax = 10): YamlFailure {
  const yaml = parseYaml(source, depthMax);
  assert.ok(!yaml.ok, 'was accepted');
  return yaml.failure;
}

describe('lines', () => {
  const source = [
    '# comment', //            1
    'a: 1', //                 2
    '', //                     3
    '"b": # more', //          4
    '  - x', //                5
    "  - {c: 'q', d: [5,", //  6
    '     6]}', //             7
    '  -', //                  8
    'text: |', //              9
    '  a: 7', //              10
    '  b: 8', //              11
    'sec:', //                12
    '  e:', //                13
    '  f: &anchor g', //      14
    '1: number', //           15
    'last:', //               16
    '  - - n', //             17
    '    - m', //             18
  ].join('\n');
  const lines: [(string | number)[], number][] = [
    [['a'], 2],
    [['b'], 4],
    [['b', 0], 5],
    [['b', 1], 6],
    [['b', 1, 'c'], 6],
    [['b', 1, 'd', 1], 7],
    [['text'], 9],
    [['sec'], 12],
    [['sec', 'e'], 13],
    [['sec', 'f'], 14],
    [['1'], 15],
    [['last', 0, 1], 18],
  ];
  for (const [path, line] of lines) {
    it(`${JSON.stringify(path)} stands in line ${line}`, () =>
      assert.equal(parsed(source).lineOf(path), line));
  }

  it('of what is not there is the line of what is around it', () => {
    assert.equal(parsed(source).lineOf(['sec', 'missing', 'deeper']), 12);
    assert.equal(parsed(source).lineOf(['b', 2]), 4, 'an item that is not written out');
    assert.equal(parsed(source).lineOf(['missing']), 1);
    assert.equal(parsed('').lineOf(['missing']), 1);
  });

  it('are counted behind a byte order mark and Windows line ends', () => {
    assert.equal(parsed('\ufeffa: 1\r\nb: 2\r\n').lineOf(['b']), 2);
  });

  it('of a list at the top', () => assert.equal(parsed('- a\n- b: 1\n').lineOf([1, 'b']), 2));
});

describe('values', () => {
  it('are those of the YAML 1.2 core schema', () => {
    assert.deepEqual(parsed('a: yes\nb: 0o17\nc: 012\nd: 1e3\ne: true\nf: 2026-01-01\ng: ~').value, {
      a: 'yes',
      b: 15,
      c: 12,
      d: 1000,
      e: true,
      f: '2026-01-01',
      g: null,
    });
  });

  it('are undefined when there is nothing', () => {
    for (const source of ['', '\n', '# only this\n']) assert.equal(parsed(source).value, undefined);
  });

  it('keep __proto__ an own key', () => {
    const value = parsed('__proto__: {polluted: 1}').value as Record<string, unknown>;
    assert.deepEqual(Object.keys(value), ['__proto__']);
    assert.equal(value['polluted'], undefined);
  });
});

describe('what is refused', () => {
  it('a key twice, by its line', () => {
    assert.deepEqual(refused('a: 1\nb: 2\na: 3\n'), { line: 3, reason: 'duplicated mapping key' });
  });

  it('aliases', () => assert.equal(refused('a: &x 1\nb: *x\n').line, 2));

  it('depth', () => {
    parsed('a: {b: {c: 1}}');
    assert.equal(refused('a:\n  b: {c: 1}', 2).line, 2);
  });

  it('more than one document', () => assert.equal(refused('a: 1\n---\nb: 1\n').line, null));

  it('what is no YAML', () => {
    for (const source of [
      'a: [1\n',
      'a: "x\n',
      'a: 1\n\tb: 2',
      'a: \u0000',
      ': : :\n - x',
      '? [1, 2]\n: 3',
    ]) {
      assert.equal(typeof refused(source).reason, 'string', source);
    }
  });

  it('without quoting what may be a secret', () => {
    const secret = 'S3CR3T';
    for (const value of [
      `!${secret}`,
      `!<${secret}> x`,
      `!a!${secret} x`,
      `*${secret}`,
      `"${secret}`,
      `&${secret} [`,
    ]) {
      assert.doesNotMatch(refused(`auth:\n  api_key: ${value}\n`).reason, /S3CR3T/, value);
    }
    for (const value of [
      `!${secret}{x}`,
      `!!float ${secret}`,
      `@${secret}`,
      `\`${secret}`,
      `%${secret}`,
      `{${secret}`,
    ]) {
      const yaml = parseYaml(`api_key: ${value}\n`, 10);
      if (!yaml.ok) assert.doesNotMatch(yaml.failure.reason, /S3CR3T/, value);
    }
  });
});
