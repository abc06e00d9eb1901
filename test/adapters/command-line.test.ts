// Every command and option, and every way to get them wrong.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { helpText, parseCommandLine } from '../../adapters/command-line.ts';

describe('a right command line', () => {
  const cases: [string, object][] = [
    ['', { kind: 'serve' }],
    ['up', { kind: 'up' }],
    ['down', { kind: 'down' }],
    ['init', { kind: 'init', printPath: false }],
    ['init --print-path', { kind: 'init', printPath: true }],
    ['--print-path init', { kind: 'init', printPath: true }],
    ['import wg0.conf', { kind: 'import', file: 'wg0.conf', idsFile: null, apply: false, skip: false }],
    [
      '--skip import --ids ids.yaml --apply wg0.conf',
      { kind: 'import', file: 'wg0.conf', idsFile: 'ids.yaml', apply: true, skip: true },
    ],
    ['import a --ids=b', { kind: 'import', file: 'a', idsFile: 'b', apply: false, skip: false }],
    ['import --help', { kind: 'help' }],
    ['check-config', { kind: 'check-config' }],
    ['doctor', { kind: 'doctor', json: false }],
    ['doctor --json', { kind: 'doctor', json: true }],
    ['--version', { kind: 'version' }],
    ['-V', { kind: 'version' }],
    ['--help', { kind: 'help' }],
    ['-h', { kind: 'help' }],
    ['up --help', { kind: 'help' }],
    ['-V -h', { kind: 'help' }],
  ];
  for (const [line, command] of cases) {
    it(JSON.stringify(line), () => {
      assert.deepEqual(parseCommandLine(split(line)), { ok: true, value: command });
    });
  }
});

describe('a wrong command line', () => {
  const cases: [string, string][] = [
    ['serve', 'unknown command "serve"'],
    ['UP', 'unknown command "UP"'],
    ['up down', 'unexpected argument "down"'],
    ['init file', 'unexpected argument "file"'],
    ['--verbose', 'unknown option "--verbose"'],
    ['-x', 'unknown option "-x"'],
    ['-hx', 'unknown option "-x"'],
    ['up --force', 'unknown option "--force"'],
    ['--constructor', 'unknown option "--constructor"'],
    ['--no-help', 'unknown option "--no-help"'],
    ['--help=yes', '--help takes no value'],
    ['--print-path', '--print-path goes with init only'],
    ['up --print-path', '--print-path goes with init only'],
    ['import', 'import needs a file'],
    ['import a b', 'unexpected argument "b"'],
    ['import a --ids', '--ids needs a file'],
    ['import a --ids=', '--ids needs a file'],
    ['import a --apply=yes', '--apply takes no value'],
    ['--apply', '--apply goes with import only'],
    ['up --skip', '--skip goes with import only'],
    ['import a --print-path', '--print-path goes with init only'],
    ['doctor --print-path', '--print-path goes with init only'],
    ['--json', '--json goes with doctor only'],
    ['init --json', '--json goes with doctor only'],
    ['doctor now', 'unexpected argument "now"'],
    ['nonsense --help', 'unknown command "nonsense"'],
    ['-- --help', 'unknown command "--help"'],
  ];
  for (const [line, problem] of cases) {
    it(JSON.stringify(line), () => {
      const message = `wgkeeper-node: ${problem}; see wgkeeper-node --help`;
      assert.deepEqual(parseCommandLine(split(line)), { ok: false, failure: { message } });
    });
  }

  it('is told in one line, whatever it was', () => {
    for (const args of [['a\nb'], [''], ['x'.repeat(10_000)], ['-\n']]) {
      const parsed = parseCommandLine(args);
      assert.ok(!parsed.ok);
      assert.match(parsed.failure.message, /^.{1,200}$/);
    }
  });
});

describe('the help', () => {
  it('names what there is and nothing else', () => {
    const commands = [...helpText.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map((match) => match[1]);
    assert.deepEqual([...new Set(commands)], ['init', 'up', 'down', 'import', 'check-config', 'doctor']);
    for (const command of commands) assert.ok(parseCommandLine([command ?? '', '--help']).ok);
  });
});

function split(line: string): string[] {
  return line === '' ? [] : line.split(' ');
}
