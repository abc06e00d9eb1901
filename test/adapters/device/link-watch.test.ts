import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createLinkWatch, parseLink } from '../../../adapters/device/link-watch.ts';
import { reconcileEveryMs, watchRetryMaxMs, watchRetryMinMs } from '../../../core/limits.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createFakeLog } from '../../fakes/log.ts';
import { until } from '../../fixtures/until.ts';

/** A watch on `wg0` through an `ip` whose monitor a test writes itself, and what it shows when it is asked; null: there is none. */
function setUp(test: TestContext, monitor: string | null, show = 'exit 1') {
  const folder = mkdtempSync(join(tmpdir(), 'fake-ip-'));
  const program = join(folder, 'ip');
  if (monitor !== null) {
    const cases = `if [ "$2" = link ]; then ${show}; exit; fi\necho $$ >>${folder}/starts`;
    writeFileSync(program, `#!/bin/sh\n${cases}\n${monitor}\n`);
    chmodSync(program, 0o755);
  }
  const [clock, log] = [createFakeClock(), createFakeLog()];
  const told = { count: 0 };
  const path = monitor === null ? folder : `${folder}:${process.env['PATH']}`;
  const surroundings = { shell: ['/bin/sh'] as const, path, clock };
  const changed = () => {
    told.count++;
  };
  const watch = createLinkWatch({ interfaceName: 'wg0', surroundings, log, changed });
  test.after(async () => {
    await watch.close();
    rmSync(folder, { recursive: true });
  });
  // A line counts when it is whole.
  const starts = () =>
    existsSync(join(folder, 'starts'))
      ? readFileSync(join(folder, 'starts'), 'utf8').split('\n').slice(0, -1)
      : [];
  return { watch, clock, log, told, starts, folder };
}

describe('the watch on interfaces', () => {
  it('hears of its interface and of no other', async (test) => {
    const lines = [
      '4: wg00: <POINTOPOINT,NOARP> mtu 1420 qdisc noop state DOWN group default \\    link/none',
      '5: wg0: <POINTOPOINT,NOARP,UP,LOWER_UP> mtu 1420 qdisc noqueue state UNKNOWN group default \\    link/none',
      'Deleted 5: wg0: <POINTOPOINT,NOARP> mtu 1420 qdisc noop state DOWN group default \\    link/none',
      '6: eth0: wg0: <BROADCAST>',
    ];
    const prints = lines.map((line) => `printf '%s\\n' '${line}'`).join('\n');
    // Asked only when all is said.
    const { told, watch } = setUp(
      test,
      `${prints}\necho >$0.said\nexec sleep 1000`,
      'until [ -e $0.said ]; do :; done; exit 1',
    );
    await until('its going', () => told.count === 2);
    await watch.close();
    assert.equal(told.count, 2);
  });

  it('knows whether it is down, from the start and from each event, and says so', async (test) => {
    const line = (flags: string) =>
      `5: wg0: <POINTOPOINT,NOARP${flags}> mtu 1420 qdisc noqueue state UNKNOWN`;
    const monitor = `while read -r flags; do echo "${line('$flags')}"; done <$0.events; exec sleep 1000`;
    const { watch, told, log, folder } = setUp(test, `mkfifo $0.events; ${monitor}`, `echo '${line('')}'`);
    assert.equal(watch.isDown(), false, 'nothing is known yet');
    await until('the first answer', () => watch.isDown());
    assert.equal(told.count, 1);
    const events = join(folder, 'ip.events');
    await until('the monitor', () => existsSync(events));
    const writer = await open(events, 'w');
    test.after(() => writer.close());
    await writer.write(',UP,LOWER_UP\n');
    await until('its being up', () => !watch.isDown());
    await writer.write(',UP,LOWER_UP\n\n');
    await until('its being down', () => watch.isDown());
    assert.equal(told.count, 3, 'what changes neither is not told');
    assert.deepEqual(
      log.lines.map((said) => said.level),
      ['warn', 'info', 'warn'],
    );
  });

  it('asks now and then, since events may get lost', async (test) => {
    const { watch, clock, told } = setUp(
      test,
      'exec sleep 1000',
      `[ ! -e $0.up ] || flags=,UP; echo "5: wg0: <NOARP$flags> mtu 1420"; echo >$0.up`,
    );
    await until('the first answer', () => watch.isDown());
    await clock.advance(reconcileEveryMs);
    await until('the second', () => !watch.isDown());
    assert.equal(told.count, 2);
    await clock.advance(reconcileEveryMs);
    await watch.close();
    assert.equal(told.count, 2);
    assert.equal(clock.timers, 0);
  });

  it('is taken up again when it ends, ever later, and says that something may have been missed', async (test) => {
    const { clock, told, starts, log } = setUp(test, 'exit 1', 'exit 0');
    let waitMs = watchRetryMinMs;
    for (let round = 1; round <= 10; round++) {
      await until('the wait', () => log.lines.length === round);
      assert.equal(starts().length, round);
      await clock.advance(waitMs - 1);
      assert.equal(told.count, round - 1);
      await clock.advance(1);
      assert.equal(told.count, round);
      waitMs = Math.min(waitMs * 2, watchRetryMaxMs);
    }
  });

  it('is done without when there is no ip command, which is said once', async (test) => {
    const { clock, log, told } = setUp(test, null);
    await until('the line', () => log.lines.length > 0);
    await clock.advance(10 * watchRetryMaxMs);
    assert.deepEqual(
      log.lines.map((line) => line.level),
      ['warn'],
    );
    assert.equal(told.count, 0);
  });

  it('leaves no process behind', async (test) => {
    const { watch, starts } = setUp(test, 'exec sleep 1000');
    await until('its start', () => starts().length === 1);
    const pid = Number(starts()[0]);
    assert.ok(process.kill(pid, 0));
    await watch.close();
    await until('its end', () => !existsSync(`/proc/${pid}`));
  });

  it('ends what prints without end', async (test) => {
    const { clock, told } = setUp(test, `exec tr '\\0' x </dev/zero`);
    await until('the next one', async () => {
      await clock.advance(watchRetryMinMs);
      return told.count > 0;
    });
  });
});

describe('a line of ip monitor', () => {
  it('names an interface, or nothing', () => {
    const up = { name: 'wg0', index: 7, state: 'up' };
    assert.deepEqual(parseLink('7: wg0@if6: <BROADCAST,UP,LOWER_UP> mtu 1500'), up);
    assert.deepEqual(parseLink('7: wg0: <LOWER_UP,NOUP> mtu 1500'), { ...up, state: 'down' });
    assert.deepEqual(parseLink('7: wg0: <>'), { ...up, state: 'down' });
    const gone = { name: 'wg-a.b_c', index: 7, state: 'gone' };
    assert.deepEqual(parseLink('Deleted 7: wg-a.b_c: <BROADCAST,UP>'), gone);
    for (const line of [
      '    link/none',
      '7: a-name-too-long-for-one: <UP>',
      '7: wg0',
      '7: a: wg0: <UP>',
      '',
    ]) {
      assert.equal(parseLink(line), null, line);
    }
  });
});
