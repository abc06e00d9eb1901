// What is written when: full buffers, time, urgent and audit lines, and descriptors that take nothing.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { createLog } from '../../adapters/log.ts';
import { logBufferBytes } from '../../core/limits.ts';
import type { LogFields, LogLevel } from '../../core/ports.ts';
import { createFakeClock } from '../fakes/clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'wgkeeper-log-'));
const descriptors: number[] = [];
after(() => {
  for (const fd of descriptors) closeSync(fd);
  rmSync(folder, { recursive: true });
});

function open(path: string, flags: number): number {
  const fd = openSync(path, flags, 0o600);
  descriptors.push(fd);
  return fd;
}

/** A log into a file, and the lines that have got there. */
function logged(level: LogLevel = 'info') {
  const path = join(folder, `${descriptors.length}.log`);
  const clock = createFakeClock(Date.UTC(2026, 1, 2, 0, 6, 6, 7));
  const log = createLog({ level, fd: open(path, constants.O_CREAT | constants.O_WRONLY), clock });
  return { log, clock, lines: () => parseLines(readFileSync(path, 'utf8')) };
}

function parseLines(text: string): Record<string, unknown>[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

function fifo(): string {
  const path = join(folder, `${descriptors.length}.fifo`);
  assert.equal(spawnSync('mkfifo', [path]).status, 0);
  return path;
}

describe('a line', () => {
  it('is one JSON object with level, time, fields and message', () => {
    const { log, lines } = logged();
    log.error({ path: '/x', count: 2, gone: true, none: null, list: ['a', 'b'] }, 'it "broke"\n');
    assert.deepEqual(lines(), [
      {
        level: 'error',
        time: '2026-02-02T00:06:06.007Z',
        path: '/x',
        count: 2,
        gone: true,
        none: null,
        list: ['a', 'b'],
        msg: 'it "broke"\n',
      },
    ]);
  });

  it('is left out below the level', () => {
    const { log, lines } = logged('warn');
    for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const) log[level]({}, level);
    log.end();
    assert.deepEqual(
      lines().map((line) => line['msg']),
      ['warn', 'error', 'fatal'],
    );
  });

  it('has room for flat values only, so that no object with a secret in it slips through', () => {
    const config = { auth: { apiKey: 'secret' } };
    // @ts-expect-error an object is no field
    const fields: LogFields = { config };
    assert.ok(fields);
    // @ts-expect-error nor is an error, which may quote what it failed on
    const failure: LogFields = { error: new Error('secret') };
    assert.ok(failure);
  });
});

describe('writing', () => {
  it('waits until there is enough', () => {
    const { log, lines } = logged();
    log.info({}, 'x'.repeat(logBufferBytes - 1_000));
    assert.equal(lines().length, 0);
    log.info({}, 'x'.repeat(1_000));
    assert.equal(lines().length, 2);
  });

  it('waits for a moment at most, again and again', async () => {
    const { log, clock, lines } = logged();
    for (let count = 1; count <= 3; count++) {
      log.info({}, 'patient');
      await clock.advance(249);
      assert.equal(lines().length, count - 1);
      await clock.advance(1);
      assert.equal(lines().length, count);
    }
    assert.equal(clock.timers, 0, 'a quiet log sets no timer');
  });

  it('does not wait on warn and above, and takes along what waited', () => {
    for (const level of ['warn', 'error', 'fatal'] as const) {
      const { log, lines } = logged();
      log.info({}, 'before');
      log[level]({}, 'urgent');
      assert.deepEqual(
        lines().map((line) => line['msg']),
        ['before', 'urgent'],
      );
    }
  });

  it('of audit lines happens before the event loop goes on', async () => {
    const { log, clock, lines } = logged();
    log.info({ audit: true }, 'created');
    log.info({ audit: true }, 'deleted');
    await clock.settle();
    assert.equal(lines().length, 2);
    log.info({ audit: true }, 'again');
    await clock.settle();
    assert.equal(lines().length, 3);
    log.info({ audit: false }, 'patient');
    await clock.settle();
    assert.equal(lines().length, 3);
  });

  it('happens when asked for', () => {
    const { log, lines } = logged();
    log.info({}, 'last words');
    log.end();
    log.end();
    assert.equal(lines().length, 1);
  });
});

describe('a descriptor that takes nothing', () => {
  /** A pipe that refuses to wait, and what its reader got. */
  function pipe() {
    const fd = open(fifo(), constants.O_RDWR | constants.O_NONBLOCK);
    const buffer = Buffer.alloc(2_000_000);
    return {
      fd,
      /** Everything that is in it now. */
      drain(): Buffer {
        let length = 0;
        try {
          for (;;) length += readSync(fd, buffer, length, buffer.length - length, null);
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
        }
        return Buffer.from(buffer.subarray(0, length));
      },
    };
  }

  it('for a while costs no line and breaks none', async () => {
    const { fd, drain } = pipe();
    const clock = createFakeClock();
    const log = createLog({ level: 'info', fd, clock });
    const got: Buffer[] = [];
    // More than a pipe holds; with letters of two bytes, so that a cut in the middle of one would show.
    for (let count = 0; count < 300; count++) log.info({ count }, 'é'.repeat(500));
    for (let round = 0; round < 20; round++) {
      got.push(drain());
      await clock.advance(250);
    }
    const lines = parseLines(Buffer.concat(got).toString());
    assert.deepEqual(
      lines.map((line) => line['count']),
      Array.from({ length: 300 }, (_, count) => count),
    );
    assert.ok(lines.every((line) => line['msg'] === 'é'.repeat(500)));
  });

  it('for long costs lines beyond a bound, and says how many', async () => {
    const { fd, drain } = pipe();
    const clock = createFakeClock();
    const log = createLog({ level: 'info', fd, clock });
    for (let count = 0; count < 2_000; count++) log.info({ count }, 'x'.repeat(1_000));
    const got: Buffer[] = [];
    for (let round = 0; round < 40; round++) {
      got.push(drain());
      await clock.advance(250);
    }
    const lines = parseLines(Buffer.concat(got).toString());
    const report = lines.find((line) => line['msg'] === 'log lines were lost');
    assert.equal(report?.['level'], 'warn');
    assert.equal(Number(report?.['lost']) + lines.length - 1, 2_000);
    assert.ok(lines.length > 900, 'what fits is kept');
  });

  it('at the end gets the rest as its reader takes it', async () => {
    const path = fifo();
    const output = join(folder, 'taken');
    const fd = open(path, constants.O_RDWR | constants.O_NONBLOCK);
    const reader = spawn('cat', [path], {
      stdio: ['ignore', open(output, constants.O_CREAT | constants.O_WRONLY), 'ignore'],
    });
    const log = createLog({ level: 'info', fd, clock: createFakeClock() });
    for (let count = 0; count < 900; count++) log.info({ count }, 'x'.repeat(1_000));
    log.end();
    descriptors.splice(descriptors.indexOf(fd), 1);
    closeSync(fd);
    await once(reader, 'exit');
    assert.equal(parseLines(readFileSync(output, 'utf8')).length, 900);
  });

  it('because the disk is full does not stop the node', async () => {
    const clock = createFakeClock();
    const log = createLog({ level: 'info', fd: open('/dev/full', constants.O_WRONLY), clock });
    for (let count = 0; count < 2_000; count++) log.error({ count }, 'x'.repeat(100));
    await clock.advance(1_000);
    log.end();
    assert.equal(clock.timers, 1, 'it is tried again');
  });

  it('because its reader has gone does not stop the node', async () => {
    const path = fifo();
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const clock = createFakeClock();
    const log = createLog({ level: 'info', fd: open(path, constants.O_WRONLY), clock });
    closeSync(reader);
    log.error({}, 'to nobody');
    log.info({ audit: true }, 'to nobody');
    await clock.advance(1_000);
    assert.equal(clock.timers, 0, 'nothing is kept for a reader that does not come back');
  });
});

describe('a new level', () => {
  it('holds from the next line on', () => {
    const { log, lines } = logged('warn');
    log.info({}, 'too early');
    log.setLevel('debug');
    log.debug({}, 'in time');
    log.setLevel('fatal');
    log.error({}, 'too late');
    log.end();
    assert.deepEqual(
      lines().map((line) => line['msg']),
      ['in time'],
    );
  });
});
