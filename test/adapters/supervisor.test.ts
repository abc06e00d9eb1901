// What systemd is told, when, and when not.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RunCommand } from '../../adapters/run-command.ts';
import { createSupervisor, type SupervisorEnvironment } from '../../adapters/supervisor.ts';
import { fail, ok } from '../../core/result.ts';
import { createFakeClock } from '../fakes/clock.ts';
import { createFakeLog } from '../fakes/log.ts';

const NOTIFY_SOCKET = '/run/systemd/notify';

function setUp(environment: SupervisorEnvironment) {
  const clock = createFakeClock();
  const log = createFakeLog();
  const told: string[] = [];
  const state = { alive: true, works: true, underWay: 0, overlaps: 0 };
  const run: RunCommand = async (command, args) => {
    if (++state.underWay > 1) state.overlaps++;
    told.push([command, ...args].join(' '));
    await Promise.resolve();
    state.underWay--;
    if (state.works) return ok('');
    return fail({ code: 'command_missing', command, status: null, detail: `${command}: can't be started` });
  };
  const supervisor = createSupervisor({
    environment,
    pid: 77,
    run,
    clock,
    kernelMonotonicUs: () => 123_456_789n,
    log,
    condition: () => ({ alive: state.alive, status: 'ok, 3 peers' }),
  });
  return { clock, log, state, supervisor, takeTold: () => told.splice(0) };
}

const ready = 'systemd-notify READY=1 STATUS=ok, 3 peers';
const lives = 'systemd-notify WATCHDOG=1 STATUS=ok, 3 peers';

describe('a supervisor', () => {
  it('is told in order, one message after the other', async () => {
    const { supervisor, clock, takeTold, state } = setUp({ NOTIFY_SOCKET });
    supervisor.ready();
    supervisor.reloading();
    supervisor.ready();
    supervisor.stopping();
    await clock.settle();
    assert.deepEqual(takeTold(), [
      ready,
      'systemd-notify RELOADING=1 MONOTONIC_USEC=123456789',
      ready,
      'systemd-notify STOPPING=1 STATUS=Answering what is under way',
    ]);
    assert.equal(state.overlaps, 0);
    assert.equal(clock.timers, 0, 'nobody has asked for a watchdog');
  });

  it('that is not there is told nothing', async () => {
    for (const environment of [{}, { NOTIFY_SOCKET: '', WATCHDOG_USEC: '1000000' }]) {
      const { supervisor, clock, takeTold } = setUp(environment);
      supervisor.ready();
      supervisor.reloading();
      supervisor.stopping();
      await clock.settle();
      assert.deepEqual([takeTold(), clock.timers], [[], 0]);
    }
  });

  it('that can not be told costs one warning', async () => {
    const { supervisor, clock, log, state } = setUp({ NOTIFY_SOCKET });
    state.works = false;
    for (let count = 0; count < 3; count++) supervisor.ready();
    await clock.settle();
    assert.deepEqual(
      log.lines.map(({ level, fields }) => [level, fields['detail']]),
      [['warn', "systemd-notify: can't be started"]],
    );
  });
});

describe('a watchdog', () => {
  const watching = { NOTIFY_SOCKET, WATCHDOG_USEC: '60000000', WATCHDOG_PID: '77' };

  it('hears twice as often as it wants to, and once of each time', async () => {
    const { supervisor, clock, takeTold } = setUp(watching);
    supervisor.ready();
    supervisor.ready();
    await clock.advance(29_999);
    assert.deepEqual(takeTold(), [ready, ready]);
    await clock.advance(60_001);
    assert.deepEqual(takeTold(), [lives, lives, lives]);
  });

  it('hears nothing while the work stands still, and the log says so once', async () => {
    const { supervisor, clock, log, state, takeTold } = setUp(watching);
    supervisor.ready();
    state.alive = false;
    await clock.advance(90_000);
    assert.deepEqual(takeTold(), [ready]);
    assert.deepEqual(
      log.lines.map(({ level }) => level),
      ['error'],
    );
    state.alive = true;
    await clock.advance(30_000);
    assert.deepEqual(takeTold(), [lives]);
  });

  it('hears nothing after the stop', async () => {
    const { supervisor, clock, takeTold } = setUp(watching);
    supervisor.ready();
    supervisor.stopping();
    await clock.advance(90_000);
    assert.equal(takeTold().length, 2);
  });

  it('of another process, or that makes no sense, is not ours', async () => {
    for (const odd of [{ WATCHDOG_PID: '78' }, { WATCHDOG_USEC: '0' }, { WATCHDOG_USEC: 'soon' }]) {
      const { supervisor, clock } = setUp({ ...watching, ...odd });
      supervisor.ready();
      await clock.settle();
      assert.equal(clock.timers, 0);
    }
  });
});
