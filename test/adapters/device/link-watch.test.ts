import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createLinkWatch, parseLinkName } from '../../../adapters/device/link-watch.ts';
import { watchRetryMaxMs, watchRetryMinMs } from '../../../core/limits.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createFakeLog } from '../../fakes/log.ts';
import { until } from '../../fixtures/until.ts';

/** A watch on `wg0` through an `ip` that a test writes itself; null: there is none. */
function setUp(test: TestContext, script: string | null) {
  const folder = mkdtempSync(join(tmpdir(), 'fake-ip-'));
  const program = join(folder, 'ip');
  if (script !== null) {
    writeFileSync(program, `#!/bin/sh\necho $$ >>${folder}/starts\n${script}\n`);
    chmodSync(program, 0o755);
  }
  const [clock, log] = [createFakeClock(), createFakeLog()];
  const told = { count: 0 };
  const path = script === null ? folder : `${folder}:${process.env['PATH']}`;
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
  return { watch, clock, log, told, starts };
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
    const { told, watch } = setUp(test, `${prints}\nexec sleep 1000`);
    await until('its going', () => told.count === 2);
    await watch.close();
    assert.equal(told.count, 2);
  });

  it('is taken up again when it ends, ever later, and says that something may have been missed', async (test) => {
    const { clock, told, starts } = setUp(test, 'exit 1');
    let waitMs = watchRetryMinMs;
    for (let round = 1; round <= 10; round++) {
      await until('the wait', () => clock.timers === 1);
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
    assert.equal(parseLinkName('7: wg0@if6: <BROADCAST> mtu 1500'), 'wg0');
    assert.equal(parseLinkName('Deleted 7: wg-a.b_c: <BROADCAST>'), 'wg-a.b_c');
    assert.equal(parseLinkName('    link/none'), null);
    assert.equal(parseLinkName('7: a-name-too-long-for-one: <'), null);
    assert.equal(parseLinkName(''), null);
  });
});
