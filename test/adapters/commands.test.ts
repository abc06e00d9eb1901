// What each command asks of the machine, says, and ends with.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Command } from '../../adapters/command-line.ts';
import { type CommandSurroundings, type Machine, runCommand } from '../../adapters/commands.ts';
import type { ConfigFailure, LoadedConfig } from '../../adapters/config-file.ts';
import type { BufferedLog } from '../../adapters/log.ts';
import { parseConfig } from '../../core/config/config.ts';
import type { Finding } from '../../core/doctor/diagnosis.ts';
import { fail, ok, type Result } from '../../core/result.ts';

function loaded(changes: { warnings?: string[]; log?: object; backend?: string } = {}): LoadedConfig {
  const config = parseConfig(
    {
      server: { port: 51821 },
      auth: { api_key: 'k'.repeat(32) },
      wireguard: {
        interface: 'wg0',
        listen_port: 51820,
        subnet: '10.0.0.0/24',
        backend: changes.backend ?? 'wg',
      },
      log: changes.log ?? null,
    },
    () => fail('no file'),
  );
  assert.ok(config.ok);
  return { config: config.value, warnings: changes.warnings ?? [] };
}

/** A machine that does nothing well, and everything that was asked of it and said, in order. */
function surroundings(
  options: {
    machine?: Partial<Machine>;
    config?: Result<LoadedConfig, ConfigFailure>;
    debug?: boolean;
    findings?: readonly Finding[];
  } = {},
) {
  const events: string[] = [];
  const note = (event: string) => void events.push(event);
  const line = (level: string) => (fields: object, message: string) => {
    note(`${level}: ${message}`);
    for (const [name, value] of Object.entries(fields)) if (value === null) note(`${name} is null`);
  };
  const log: BufferedLog = {
    trace: line('trace'),
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    fatal: line('fatal'),
    end: () => {},
    setLevel: (level) => note(`level ${level}`),
  };
  const asked = <Value>(name: string, value: Value) => {
    note(name);
    return Promise.resolve(ok(value));
  };
  const given: CommandSurroundings = {
    machine: {
      init: () => asked('init', '/etc/wireguard/wg0.conf'),
      up: () => asked('up', undefined),
      down: () => asked('down', undefined),
      claim: () => asked('claim', undefined),
      prepare: () => asked('prepare', undefined),
      adopt: () => asked('adopt', { text: 'the plan\n', isPossible: true }),
      serve: () =>
        asked('serve', {
          stop: () => Promise.resolve(note('stop')),
          reload: () => ok({ certificate: false }),
          condition: () => ({ alive: true, status: 'ok' }),
        }),
      diagnose: async () => {
        note('diagnose');
        return { checkedAtMs: 0, findings: options.findings ?? [] };
      },
      examineTls: () => [],
      ...options.machine,
    },
    loadConfig: () => options.config ?? ok(loaded()),
    openLog: (fd, level) => {
      note(`log ${fd} ${level}`);
      return log;
    },
    supervise: () => ({
      ready: () => note('ready'),
      reloading: () => note('reloading'),
      stopping: () => note('stopping'),
    }),
    debug: options.debug ?? false,
    print: (text) => note(`out ${JSON.stringify(text)}`),
    complain: (text) => note(`err ${text}`),
  };
  return { events, given };
}

const wrong = (...lines: readonly string[]) => fail({ code: 'wrong' as const, lines });

async function run(command: Command, options: Parameters<typeof surroundings>[0] = {}) {
  const { events, given } = surroundings(options);
  return { end: await runCommand(command, given), events };
}

describe('without a command', () => {
  it('prepares the interface, serves, and logs to stdout', async () => {
    const { end, events } = await run({ kind: 'serve' });
    assert.ok(typeof end === 'object');
    assert.deepEqual(events.splice(0), [
      'log 1 info',
      'claim',
      'prepare',
      'serve',
      'info: the API is served',
      'ready',
    ]);
    end.reload();
    assert.deepEqual(events.splice(0), [
      'reloading',
      'level info',
      'info: the configuration was reloaded',
      'ready',
    ]);
    await end.stop();
    assert.deepEqual(events, [
      'stopping',
      'info: stopping',
      'stop',
      'info: stopped; the interface and its peers stay as they are',
    ]);
  });

  it('leaves the interface out when the device is in memory', async () => {
    const { end, events } = await run({ kind: 'serve' }, { config: ok(loaded({ backend: 'memory' })) });
    assert.equal(typeof end, 'object');
    assert.ok(!events.includes('prepare') && events.includes('serve'));
    assert.ok(typeof end === 'object');
    await end.stop();
    assert.equal(events.at(-1), 'info: stopped');
  });

  it('says all that is in its way, and leaves the interface as it is', async () => {
    const claim = () => Promise.resolve(fail(['port 1 is taken', 'port 2 is taken']));
    assert.deepEqual(await run({ kind: 'serve' }, { machine: { claim } }), {
      end: 1,
      events: ['log 1 info', 'fatal: port 1 is taken', 'fatal: port 2 is taken'],
    });
  });

  it('does not serve when that fails', async () => {
    const prepare = () => Promise.resolve(fail({ message: 'needs root' }));
    assert.deepEqual(await run({ kind: 'serve' }, { machine: { prepare } }), {
      end: 1,
      events: ['log 1 info', 'claim', 'fatal: needs root'],
    });
  });

  it('says why it can not serve', async () => {
    const serve = () => Promise.resolve(fail({ message: 'port 51821 is taken' }));
    assert.deepEqual(await run({ kind: 'serve' }, { machine: { serve } }), {
      end: 1,
      events: ['log 1 info', 'claim', 'prepare', 'fatal: port 51821 is taken'],
    });
  });
});

describe('init', () => {
  it('prints nothing unless asked', async () => {
    const { end, events } = await run({ kind: 'init', printPath: false });
    assert.equal(end, 0);
    assert.deepEqual(events, ['log 2 info', 'init']);
  });

  it('prints the path alone, and logs to stderr', async () => {
    const { end, events } = await run({ kind: 'init', printPath: true });
    assert.equal(end, 0);
    assert.deepEqual(events, ['log 2 info', 'init', 'out "/etc/wireguard/wg0.conf\\n"']);
  });

  it('prints no path when there is none', async () => {
    const init = () => Promise.resolve(fail({ message: 'no key in the file' }));
    assert.deepEqual(await run({ kind: 'init', printPath: true }, { machine: { init } }), {
      end: 1,
      events: ['log 2 info', 'err wgkeeper-node: no key in the file'],
    });
  });
});

describe('up and down', () => {
  for (const kind of ['up', 'down'] as const) {
    it(`${kind} asks for it`, async () => {
      assert.deepEqual(await run({ kind }), { end: 0, events: ['log 2 info', kind] });
    });

    it(`${kind} says why not`, async () => {
      const refusal = () => Promise.resolve(fail({ message: 'needs root' }));
      const { end, events } = await run({ kind }, { machine: { [kind]: refusal } });
      assert.equal(end, 1);
      assert.deepEqual(events, ['log 2 info', 'err wgkeeper-node: needs root']);
    });
  }
});

describe('with a device in memory', () => {
  const commands = [
    { kind: 'init', printPath: false },
    { kind: 'init', printPath: true },
    { kind: 'up' },
    { kind: 'down' },
  ] as const;
  for (const command of commands) {
    it(`${Object.values(command).join(' ')} asks nothing of this host, and says so in a line`, async () => {
      const { end, events } = await run(command, { config: ok(loaded({ backend: 'memory' })) });
      assert.equal(end, 0);
      assert.deepEqual(events, [
        'log 2 info',
        'info: wireguard.backend is memory: there is no interface, and no file of one',
      ]);
    });
  }
});

describe('import', () => {
  const order = { kind: 'import', file: 'wg0.conf', idsFile: null, apply: false, skip: false } as const;

  it('prints what the machine has to say', async () => {
    const { end, events } = await run(order);
    assert.equal(end, 0);
    assert.deepEqual(events, ['log 2 info', 'adopt', 'out "the plan\\n"']);
  });

  it('ends with 1 when it is not possible, and has printed why', async () => {
    const impossible = () => Promise.resolve(ok({ text: 'no\n', isPossible: false }));
    const { end, events } = await run(order, { machine: { adopt: impossible } });
    assert.equal(end, 1);
    assert.deepEqual(events.slice(1), ['out "no\\n"', 'err wgkeeper-node: not every peer can be taken over']);
  });

  it('says why it came to nothing', async () => {
    const refusal = () => Promise.resolve(fail({ message: 'no such file' }));
    const { end, events } = await run(order, { machine: { adopt: refusal } });
    assert.equal(end, 1);
    assert.deepEqual(events.slice(1), ['err wgkeeper-node: no such file']);
  });
});

describe('check-config', () => {
  const kind = 'check-config';

  it('touches nothing and logs nothing', async () => {
    const { end, events } = await run({ kind });
    assert.equal(end, 0);
    assert.deepEqual(events, ['out "the configuration is right\\n"']);
  });

  it('ends with 1 and every problem of the configuration, or of the certificate', async () => {
    assert.deepEqual(await run({ kind }, { config: wrong('config.yaml:1: one', 'config.yaml:2: two') }), {
      end: 1,
      events: ['err config.yaml:1: one', 'err config.yaml:2: two'],
    });
    const examineTls = () => ['no certificate', 'no key'];
    assert.deepEqual(await run({ kind }, { machine: { examineTls } }), {
      end: 1,
      events: ['err no certificate', 'err no key'],
    });
  });

  it('tells warnings, which are no failure', async () => {
    const { end, events } = await run({ kind }, { config: ok(loaded({ warnings: ['mode 0644'] })) });
    assert.equal(end, 0);
    assert.equal(events[0], 'err mode 0644');
  });
});

describe('doctor', () => {
  const findings: readonly Finding[] = [
    { check: 'clock', status: 'ok', seen: 'it is late', advice: null },
    { check: 'mtu', status: 'warn', seen: 'too many', advice: 'take fewer' },
  ];

  it('prints a line a check and logs nothing; a warning is no failure', async () => {
    const { end, events } = await run({ kind: 'doctor', json: false }, { findings });
    assert.equal(end, 0);
    assert.deepEqual(events, [
      'diagnose',
      `out ${JSON.stringify('ok    clock: it is late\nwarn  mtu: too many → take fewer\n')}`,
    ]);
  });

  it('prints one JSON document', async () => {
    const { end, events } = await run({ kind: 'doctor', json: true }, { findings });
    assert.equal(end, 0);
    assert.match(events.join(), /^diagnose,out "\{.*\}\\n"$/);
  });

  it('ends with 1 when something fails, and needs no configuration', async () => {
    const failing: readonly Finding[] = [{ check: 'config', status: 'fail', seen: 'wrong', advice: null }];
    const config = wrong('config.yaml:1: wrong');
    const { end, events } = await run({ kind: 'doctor', json: false }, { findings: failing, config });
    assert.equal(end, 1);
    assert.deepEqual(events, ['diagnose', `out ${JSON.stringify('fail  config: wrong\n')}`]);
  });
});

describe('the configuration', () => {
  it('stops every command with all of its problems', async () => {
    const config = wrong('config.yaml:1: one', 'config.yaml:2: two');
    for (const kind of ['serve', 'up', 'down'] as const) {
      assert.deepEqual(await run({ kind }, { config }), {
        end: 1,
        events: ['err config.yaml:1: one', 'err config.yaml:2: two'],
      });
    }
  });

  it('is not needed for help and version', async () => {
    const config = wrong('wrong');
    const help = await run({ kind: 'help' }, { config });
    assert.match(help.events.join(), /^out "Usage: wgkeeper-node/);
    const version = await run({ kind: 'version' }, { config });
    assert.match(version.events.join(), /^out "\d+\.\d+\.\d+\\n"$/);
    assert.deepEqual([help.end, version.end], [0, 0]);
  });

  it('has its warnings logged', async () => {
    const config = ok(loaded({ warnings: ['mode 0644'] }));
    assert.deepEqual((await run({ kind: 'up' }, { config })).events, ['log 2 info', 'warn: mode 0644', 'up']);
  });

  it('sets the level of the log, which DEBUG makes no less verbose', async () => {
    for (const [level, debug, want] of [
      ['warn', false, 'warn'],
      ['warn', true, 'debug'],
      ['trace', true, 'trace'],
    ] as const) {
      const config = ok(loaded({ log: { level } }));
      assert.equal((await run({ kind: 'up' }, { config, debug })).events[0], `log 2 ${want}`);
    }
  });
});
