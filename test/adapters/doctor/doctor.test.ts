// How checks are made: which apply, in which order they are told, and what becomes of one that hangs or is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBoundedRun } from '../../../adapters/doctor/bounded-run.ts';
import { type Check, checks } from '../../../adapters/doctor/checks.ts';
import { diagnose } from '../../../adapters/doctor/doctor.ts';
import type { DoctorHost } from '../../../adapters/doctor/host.ts';
import type { CommandBounds } from '../../../adapters/run-command.ts';
import { parseConfig } from '../../../core/config/config.ts';
import { good } from '../../../core/doctor/verdict.ts';
import { checkProgramsMax, checkProgramTimeoutMs, checkTimeoutMs } from '../../../core/limits.ts';
import { fail, ok } from '../../../core/result.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createFakeLog } from '../../fakes/log.ts';
import { mustSucceed } from '../../fixtures/outcome.ts';

function config(backend: 'wg' | 'memory') {
  const document = {
    server: { port: 51_821 },
    auth: { api_key: 'k'.repeat(32) },
    wireguard: { interface: 'wg0', listen_port: 51_820, subnet: '10.0.0.0/24', backend },
  };
  return ok({ config: mustSucceed(parseConfig(document, () => fail('no file'))), warnings: [] });
}

function host(loaded: DoctorHost['config']): DoctorHost {
  return {
    run: () => assert.fail('these checks run nothing'),
    log: createFakeLog(),
    path: '',
    isRoot: false,
    configPath: 'config.yaml',
    config: loaded,
    folder: '/nowhere',
    procFolder: '/proc',
    deviceAnswerMs: 1_000,
    nowMs: () => 0,
    createPrivateKey: () => assert.fail('no key is made'),
    derivePublicKey: () => assert.fail('no key is at hand'),
  };
}

const table: readonly Check[] = [
  { name: 'slow', needs: 'host', make: () => new Promise((resolve) => setImmediate(resolve, good('slow'))) },
  { name: 'tool', needs: 'device', make: async () => good('tool') },
  { name: 'configured', needs: 'config', make: async () => good('configured') },
  { name: 'live', needs: 'interface', make: async () => good('live') },
];

const none = fail({ code: 'wrong' as const, lines: ['config.yaml: there is no such file'] });

async function namesFor(loaded: DoctorHost['config']): Promise<readonly string[]> {
  const { findings } = await diagnose(host(loaded), createFakeClock(), table);
  return findings.map(({ check }) => check);
}

test('what does not apply is left out, and the rest is told in the order of the table', async () => {
  assert.deepEqual(await namesFor(config('wg')), ['slow', 'tool', 'configured', 'live']);
  assert.deepEqual(await namesFor(config('memory')), ['slow', 'configured']);
  assert.deepEqual(await namesFor(none), ['slow', 'tool']);
});

test('a check that hangs is given up, and one that the system refuses is told', async () => {
  const clock = createFakeClock();
  const refusal = Object.assign(new Error('EIO: i/o error, statfs'), { code: 'EIO', syscall: 'statfs' });
  const failing: readonly Check[] = [
    { name: 'hangs', needs: 'host', make: () => new Promise(() => {}) },
    { name: 'refused', needs: 'host', make: () => Promise.reject(refusal) },
  ];
  const diagnosis = diagnose(host(config('wg')), clock, failing);
  await clock.advance(checkTimeoutMs);
  const seen = (await diagnosis).findings.map(({ status, seen }) => `${status} ${seen}`);
  assert.deepEqual(seen, [
    'fail no answer within 6 s',
    'fail the check could not be made: EIO: i/o error, statfs',
  ]);
});

test('names of checks are told apart, and those of JSON', () => {
  const names = checks.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[a-z]+(_[a-z]+)*$/);
});

test('few programs run at once, in their order, and none for long', async () => {
  const started: string[] = [];
  const bounds: CommandBounds[] = [];
  const ends: (() => void)[] = [];
  const run = createBoundedRun((command, _, bound) => {
    started.push(command);
    bounds.push(bound);
    return new Promise((resolve) => ends.push(() => resolve(ok(command))));
  });
  const wanted = Array.from({ length: checkProgramsMax + 2 }, (_, index) => `program-${index}`);
  const all = wanted.map((name) => run(name, [], { timeoutMs: 60_000, outputMax: 1 }));
  for (let ended = 0; ended < wanted.length; ended++) {
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(started.length, Math.min(checkProgramsMax + ended, wanted.length));
    ends[ended]?.();
  }
  assert.deepEqual(await Promise.all(all), wanted.map(ok));
  assert.deepEqual(started, wanted);
  assert.ok(bounds.every(({ timeoutMs }) => timeoutMs === checkProgramTimeoutMs));
});
