// The systemd units, checked by systemd itself where it is installed: no systemd has to run for that.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';

const server = 'docs/systemd/wgkeeper-node.service';
const link = 'docs/systemd/wgkeeper-node-interface.service';

/** The values of a setting, in their order. */
function valuesOf(path: string, name: string): readonly string[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));
}

test('the server has one capability and is nobody', () => {
  assert.deepEqual(valuesOf(server, 'DynamicUser'), ['yes']);
  assert.deepEqual(valuesOf(server, 'AmbientCapabilities'), ['CAP_NET_ADMIN']);
  assert.deepEqual(valuesOf(server, 'CapabilityBoundingSet'), ['CAP_NET_ADMIN']);
  assert.ok(valuesOf(server, 'Wants').includes('wgkeeper-node-interface.service'));
});

test('only the interface is taken down, and only by its own unit', () => {
  assert.deepEqual(valuesOf(server, 'ExecStop'), []);
  const [start, reload, stop] = ['ExecStart', 'ExecReload', 'ExecStop'].map(
    (name) => valuesOf(link, name)[0],
  );
  assert.match(start ?? '', /main\.js up$/);
  assert.equal(reload, start);
  assert.match(stop ?? '', /main\.js down$/);
  const asRoot = ['ExecStartPre', 'ExecStart', 'ExecReload', 'ExecStopPost']
    .flatMap((name) => valuesOf(server, name))
    .filter((line) => line.startsWith('+'));
  assert.ok(!asRoot.some((line) => line.includes('main.js')), 'the program itself does not run as root');
});

test('what makes the interface may write where it has to, and reach its device', () => {
  assert.deepEqual(valuesOf(link, 'ReadWritePaths'), ['/etc/wireguard /run', '/proc/sys/net']);
  assert.deepEqual(valuesOf(link, 'DeviceAllow'), ['/dev/net/tun rw']);
  assert.deepEqual(valuesOf(link, 'PrivateDevices'), []);
});

test('the server tells systemd how it is, and a reload brings it the files as they are now', () => {
  assert.deepEqual(valuesOf(server, 'Type'), ['notify']);
  assert.deepEqual(valuesOf(server, 'NotifyAccess'), ['all']);
  assert.deepEqual(valuesOf(server, 'WatchdogSec'), ['60s']);
  const [handOver = '', check = '', signal = ''] = valuesOf(server, 'ExecReload');
  assert.deepEqual(valuesOf(server, 'ExecStartPre'), [handOver]);
  assert.match(handOver, /^\+\S+\/hand-over \/etc\/wgkeeper-node /);
  assert.match(check, /^\/usr\/bin\/node \S+\/main\.js check-config$/);
  assert.match(signal, /kill -s HUP .*\$MAINPID$/);
});

test('systemd reads both, and finds them hardened', (context) => {
  if (spawnSync('systemd-analyze', ['--version']).error !== undefined) {
    return context.skip('systemd-analyze is not installed');
  }
  // It may miss the programs that the units start and the manual pages that they name, which is no fault of the units.
  const folder = mkdtempSync(join(tmpdir(), 'units-'));
  context.after(() => rmSync(folder, { recursive: true }));
  for (const unit of [server, link]) copyFileSync(unit, join(folder, basename(unit)));
  const dropIns = join(folder, `${basename(server)}.d`);
  mkdirSync(dropIns);
  copyFileSync('docs/systemd/userspace.conf', join(dropIns, 'userspace.conf'));
  const copies = [server, link].map((unit) => join(folder, basename(unit)));
  const verify = ['--man=no', 'verify', server, link, ...copies];
  const said = spawnSync('systemd-analyze', verify, { encoding: 'utf8' }).stderr;
  assert.deepEqual(
    said.split('\n').filter((line) => line.includes('wgkeeper-node') && !/not executable/.test(line)),
    [],
  );
  for (const [unit, below] of [
    [server, 2],
    [link, 3],
  ] as const) {
    const security = ['security', '--offline=true', '--no-pager', unit];
    const table = execFileSync('systemd-analyze', security, { encoding: 'utf8' });
    const exposure = Number(/Overall exposure level.*: ([0-9.]+)/.exec(table)?.[1]);
    assert.ok(exposure < below, `${unit}: exposure ${exposure}`);
  }
});
