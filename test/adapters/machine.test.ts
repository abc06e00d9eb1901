// The machine's own part: where the interface's file goes, and when a new key would hurt.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { createMachine } from '../../adapters/machine.ts';
import { encodeStore } from '../../adapters/store/format.ts';
import { type Config, parseConfig } from '../../core/config/config.ts';
import { fail } from '../../core/result.ts';
import { createFakeClock } from '../fakes/clock.ts';
import { createFakeLog } from '../fakes/log.ts';
import { peerFixture } from '../fixtures/peers.ts';

const root = mkdtempSync(join(tmpdir(), 'wgkeeper-machine-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;

/** A working directory, and a configuration whose store is in it. No interface has this name. */
function machine() {
  const workingDirectory = join(root, `${++folders}`);
  mkdirSync(workingDirectory);
  const store = join(workingDirectory, 'peers.db');
  const path = process.env['PATH'] ?? '';
  const log = createFakeLog();
  return {
    ...createMachine({
      clock: createFakeClock(),
      debug: false,
      path,
      isRoot: false,
      workingDirectory,
      configPath: 'config.yaml',
      programFile: 'main.js',
    }),
    config: config(store),
    store,
    file: join(workingDirectory, 'wireguard/wgk-none.conf'),
    log: { ...log, end: () => {}, setLevel: () => {} },
    loud: () => log.lines.filter((line) => line.level === 'error').length,
  };
}

function config(store: string): Config {
  const parsed = parseConfig(
    {
      server: { port: 1 },
      auth: { api_key: 'k'.repeat(32) },
      wireguard: { interface: 'wgk-none', listen_port: 51820, subnet: '10.0.0.0/24', peer_store_file: store },
    },
    () => fail('no file'),
  );
  assert.ok(parsed.ok);
  return parsed.value;
}

describe('init', () => {
  it('makes the file in the working directory of a user, and answers its path', async () => {
    const { init, config, file, log, loud } = machine();
    assert.deepEqual(await init(config, log), { ok: true, value: file });
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(loud(), 0);
  });

  it('is loud about a new key when peers are stored', async () => {
    const { init, config, store, log, loud } = machine();
    writeFileSync(store, Buffer.concat([...encodeStore([peerFixture(0)], [])]));
    assert.ok((await init(config, log)).ok);
    assert.equal(loud(), 1);
    assert.ok((await init(config, log)).ok);
    assert.equal(loud(), 1, 'once the file is there, nothing is wrong');
  });

  it('is loud when it can not tell, and quiet about an empty store', async () => {
    const damaged = machine();
    writeFileSync(damaged.store, 'not a store');
    await damaged.init(damaged.config, damaged.log);
    assert.equal(damaged.loud(), 1);
    const empty = machine();
    writeFileSync(empty.store, Buffer.concat([...encodeStore([], [])]));
    await empty.init(empty.config, empty.log);
    assert.equal(empty.loud(), 0);
  });
});

describe('down', () => {
  it('of what is not up is no failure', async () => {
    const { down, config, log } = machine();
    assert.ok((await down(config, log)).ok);
  });
});
