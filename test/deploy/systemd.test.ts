// The systemd units, checked by systemd itself where it is installed: no systemd has to run for that.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
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
  assert.ok(
    !valuesOf(server, 'ExecStartPre').some((line) => line.startsWith('+')),
    'nothing of it runs as root',
  );
});

test('systemd reads both, and finds the server hardened', (context) => {
  if (spawnSync('systemd-analyze', ['--version']).error !== undefined) {
    return context.skip('systemd-analyze is not installed');
  }
  // It may miss the programs that the units start and the manual pages that they name, which is no fault of the units.
  const verify = ['--man=no', 'verify', server, link];
  const said = spawnSync('systemd-analyze', verify, { encoding: 'utf8' }).stderr;
  assert.deepEqual(
    said.split('\n').filter((line) => line.includes('wgkeeper-node') && !/not executable/.test(line)),
    [],
  );
  const security = ['security', '--offline=true', '--no-pager', server];
  const table = execFileSync('systemd-analyze', security, { encoding: 'utf8' });
  const exposure = Number(/Overall exposure level.*: ([0-9.]+)/.exec(table)?.[1]);
  assert.ok(exposure < 2, `exposure ${exposure}`);
});
