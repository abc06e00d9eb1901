// What a reload asks of the server, and what it says: all of the new configuration, or none of it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConfigFailure, LoadedConfig } from '../../adapters/config-file.ts';
import { createReload, type ReloadableServer } from '../../adapters/reload.ts';
import { type Config, parseConfig } from '../../core/config/config.ts';
import type { LogLevel } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { createFakeLog } from '../fakes/log.ts';

type Sections = Record<string, Record<string, unknown>>;

function parse(changes: Sections = {}): Config {
  const config = parseConfig(
    {
      server: { port: 51821, ...changes['server'] },
      auth: { api_key: 'k'.repeat(32), ...changes['auth'] },
      wireguard: { interface: 'wg0', listen_port: 51820, subnet: '10.0.0.0/24', ...changes['wireguard'] },
      log: { level: 'info', ...changes['log'] },
    },
    () => fail('no file'),
  );
  assert.ok(config.ok);
  return config.value;
}

function setUp() {
  const log = createFakeLog();
  const levels: LogLevel[] = [];
  const taken: Config[] = [];
  let file: Result<LoadedConfig, ConfigFailure> = fail({ code: 'wrong', lines: [] });
  let answer: ReturnType<ReloadableServer['reload']> = ok({ certificate: false });
  const server: ReloadableServer = {
    reload(config) {
      taken.push(config);
      return answer;
    },
  };
  const reload = createReload({
    config: parse(),
    server,
    log: { ...log, end: () => {}, setLevel: (level) => void levels.push(level) },
    loadConfig: () => file,
    levelOf: (config) => config.logLevel,
  });
  return {
    taken,
    levels,
    serverAnswers: (next: typeof answer) => {
      answer = next;
    },
    /** Reloads this file; what was logged for it. */
    reload(next: typeof file) {
      file = next;
      const before = log.lines.length;
      reload();
      return log.lines.slice(before).map(({ level, fields }) => ({ level, ...fields }));
    },
  };
}

const read = (changes: Sections = {}, warnings: string[] = []) => ok({ config: parse(changes), warnings });

describe('a reload', () => {
  it('hands the new configuration to the server, sets the level and names what has changed', () => {
    const { reload, taken, levels } = setUp();
    const changes = { log: { level: 'debug' }, auth: { api_key: 'x'.repeat(32) } };
    assert.deepEqual(reload(read(changes)), [{ level: 'info', changed: ['auth.api_key', 'log.level'] }]);
    assert.deepEqual(taken, [parse(changes)]);
    assert.deepEqual(levels, ['debug']);
    assert.deepEqual(reload(read(changes)), [{ level: 'info', changed: [] }]);
  });

  it('names a certificate that was replaced', () => {
    const { reload, serverAnswers } = setUp();
    serverAnswers(ok({ certificate: true }));
    assert.deepEqual(reload(read()), [{ level: 'info', changed: ['server.tls_cert'] }]);
  });

  it('names keys that need a restart as long as they differ from what was started', () => {
    const { reload } = setUp();
    const fixed = { level: 'warn', keys: ['server.port'] };
    for (let count = 0; count < 2; count++) {
      assert.deepEqual(reload(read({ server: { port: 1 } })), [{ level: 'info', changed: [] }, fixed]);
    }
    assert.deepEqual(reload(read()), [{ level: 'info', changed: [] }]);
  });

  it('keeps the old one and says every reason when the file is wrong', () => {
    const { reload, taken, levels } = setUp();
    const problems = ['config.yaml:1: one', 'config.yaml:2: two'];
    assert.deepEqual(reload(fail({ code: 'wrong', lines: problems })), [{ level: 'error', problems }]);
    assert.deepEqual([taken, levels], [[], []]);
  });

  it('keeps the old one and says why when the server does not take it', () => {
    const { reload, serverAnswers, levels } = setUp();
    serverAnswers(fail(['the key is not the key of the certificate']));
    const lines = reload(read({ log: { level: 'debug' } }, ['mode 0644']));
    assert.deepEqual(lines, [{ level: 'error', problems: ['the key is not the key of the certificate'] }]);
    assert.deepEqual(levels, []);
    serverAnswers(ok({ certificate: false }));
    assert.deepEqual(reload(read({ log: { level: 'debug' } })), [{ level: 'info', changed: ['log.level'] }]);
  });

  it('has the warnings of the file logged', () => {
    const { reload } = setUp();
    assert.deepEqual(
      reload(read({}, ['mode 0644'])).map(({ level }) => level),
      ['info', 'warn'],
    );
  });
});
