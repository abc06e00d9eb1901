import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { commandEnvironment, createRunCommand, programPath } from '../../adapters/run-command.ts';
import { ok } from '../../core/result.ts';

const run = createRunCommand(commandEnvironment('/usr/bin:/bin'));
const bounds = { timeoutMs: 10_000, outputMax: 1_024 };
const sh = (script: string, more: Partial<typeof bounds> & { stdin?: string } = {}) =>
  run('sh', ['-c', script], { ...bounds, ...more });

async function failureOf(call: ReturnType<typeof run>) {
  const result = await call;
  assert.ok(!result.ok);
  return result.failure;
}

test('the answer is stdout, byte for byte', async () => {
  assert.deepEqual(await sh('printf "a\\n b"; echo warning >&2'), ok('a\n b'));
});

test('arguments are not read by a shell', async () => {
  assert.deepEqual(await run('printf', ['%s', '$(id) `id` ; id'], bounds), ok('$(id) `id` ; id'));
});

test('what is sent arrives, and without anything the command reads the end at once', async () => {
  assert.deepEqual(await run('cat', [], { ...bounds, stdin: 'secret' }), ok('secret'));
  assert.deepEqual(await run('cat', [], bounds), ok(''));
});

test('a command that does not read what is sent is no failure', async () => {
  assert.deepEqual(await run('true', [], { ...bounds, stdin: 'x'.repeat(1_000_000) }), ok(''));
});

test('only the environment that was handed in is seen', async () => {
  const { PATH: _, ...rest } = commandEnvironment('/bin');
  const env = await run('env', [], bounds);
  assert.ok(env.ok);
  const names = env.value.split('\n').map((line) => line.split('=')[0]);
  assert.deepEqual(names.filter(Boolean).sort(), ['PATH', ...Object.keys(rest)].sort());
});

test('programs that a short PATH leaves out are found behind those of the PATH', () => {
  assert.match(programPath('/own'), /^\/own:(.*:)?\/usr\/sbin:/);
});

test('a missing program is told apart from one that says no', async () => {
  const missing = await failureOf(run('no-such-program', [], bounds));
  assert.deepEqual(
    [missing.code, missing.command, missing.status],
    ['command_missing', 'no-such-program', null],
  );
  const refused = await failureOf(sh('echo because >&2; exit 3'));
  assert.deepEqual([refused.code, refused.status], ['command_refused', 3]);
  assert.match(refused.detail, /because/);
});

test('reasons are taken from where the command says them', async () => {
  const script = 'echo a box >&2; echo because; exit 1';
  const told = await failureOf(run('sh', ['-c', script], { ...bounds, reasonsOn: 'stdout' }));
  assert.ok(told.detail.endsWith(': because'), told.detail);
});

test('arguments that are too long are a failure, not a throw', async () => {
  const failure = await failureOf(run('true', ['x'.repeat(10_000_000)], bounds));
  assert.equal(failure.code, 'command_missing');
});

test('a command that takes too long is ended with all it started', async () => {
  const failure = await failureOf(sh('sleep 1000 & sleep 1000; wait', { timeoutMs: 50 }));
  assert.equal(failure.code, 'command_timeout');
});

test('a command that ignores SIGTERM is ended by force', async () => {
  const failure = await failureOf(sh('trap "" TERM; while :; do sleep 1000; done', { timeoutMs: 50 }));
  assert.equal(failure.code, 'command_timeout');
});

test('a command that says too much is ended', async () => {
  const failure = await failureOf(run('yes', [], bounds));
  assert.equal(failure.code, 'command_output');
  assert.deepEqual(await run('printf', ['%01024d', '0'], bounds), ok('0'.repeat(1_024)));
  assert.equal((await failureOf(run('printf', ['%01025d', '0'], bounds))).code, 'command_output');
});

test('stdout goes to whoever takes it, piece by piece and within the same bound', async () => {
  const pieces: Buffer[] = [];
  const takeOutput = (piece: Buffer) => void pieces.push(piece);
  assert.deepEqual(await run('printf', ['%01024d', '7'], { ...bounds, takeOutput }), ok(''));
  assert.equal(Buffer.concat(pieces).toString(), '7'.padStart(1_024, '0'));
  assert.equal((await failureOf(run('yes', [], { ...bounds, takeOutput }))).code, 'command_output');
});

test('a daemon that keeps the pipes open does not hold up the answer', async () => {
  const answered = await sh('sleep 1000 & echo $!');
  assert.ok(answered.ok);
  process.kill(Number(answered.value), 'SIGKILL');
});

test('a command has a session of its own', async () => {
  const session = 'cut -d" " -f6 </proc/self/stat';
  const theirs = await sh(session);
  // The fields after the name, which may hold blanks: state, parent, group, session (proc(5)).
  const text = await readFile('/proc/self/stat', 'utf8');
  const ours = text.slice(text.lastIndexOf(')') + 2).split(' ')[3];
  assert.ok(theirs.ok && ours !== undefined);
  assert.notEqual(theirs.value.trim(), ours);
});

test('a failure holds no key of the arguments or of stderr', async () => {
  const key = 'aPu6plm9WICVP91DSbl4Y0ZG5v/eoGe84uGK1fUUQkQ=';
  const failure = await failureOf(run('sh', ['-c', 'echo "$1" >&2; exit 1', 'sh', key], bounds));
  assert.ok(!failure.detail.includes(key));
});
