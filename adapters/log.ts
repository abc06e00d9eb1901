// Structured lines for whoever collects them: JSON, one an event, gathered and written to a file descriptor.
// Knows no secret by name: LogFields holds flat values only, and callers hand in none that is secret.
import { writeSync } from 'node:fs';
import { pino } from 'pino';
import {
  logBacklogBytesMax,
  logBufferBytes,
  logEndPauseMs,
  logEndTries,
  logFlushMs,
} from '../core/limits.ts';
import type { Clock, Log, LogLevel } from '../core/ports.ts';

/** A log that gathers its lines. */
export interface BufferedLog extends Log {
  /** Writes what is gathered before it returns, and waits for a slow reader `logEndTries` times. For the end of the process; lines go on being taken. */
  end(): void;
  /** From now on takes what is at or above this level. */
  setLevel(level: LogLevel): void;
}

/**
 * Makes a log that writes to `fd` (1: stdout, 2: stderr) what is at or above `level`. A line waits for a full buffer
 * or `logFlushMs`; one of level warn or above is written at once, and one with `audit: true` before the event loop
 * goes on. A descriptor that takes nothing for now costs no line until `logBacklogBytesMax` wait; one that is broken
 * costs all. Neither stops the node.
 */
export function createLog(options: {
  readonly level: LogLevel;
  readonly fd: number;
  readonly clock: Clock;
}): BufferedLog {
  const { clock } = options;
  const buffer = createLineBuffer(options.fd, clock);
  const lines = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${isoTime(clock)}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: buffer.add },
  );
  const urgent: (name: LogLevel) => Log[LogLevel] = (name) => (fields, message) => {
    lines[name](fields, message);
    buffer.flush();
  };
  const patient: (name: LogLevel) => Log[LogLevel] = (name) => (fields, message) => {
    lines[name](fields, message);
    if (fields['audit'] === true) buffer.flushSoon();
  };
  return {
    trace: patient('trace'),
    debug: patient('debug'),
    info: patient('info'),
    warn: urgent('warn'),
    error: urgent('error'),
    fatal: urgent('fatal'),
    end: buffer.end,
    setLevel: (level) => {
      lines.level = level;
    },
  };
}

interface LineBuffer {
  add(line: string): void;
  flush(): void;
  flushSoon(): void;
  end(): void;
}

const pause = new Int32Array(new SharedArrayBuffer(4));

function createLineBuffer(fd: number, clock: Clock): LineBuffer {
  let waiting = '';
  /** What the descriptor would not take the last time; while there is some, only timer and urgent lines try again. */
  let refused: Buffer = Buffer.alloc(0);
  let lost = 0;
  let timerRuns = false;
  let soonRuns = false;

  function add(line: string): void {
    if (refused.length + waiting.length + line.length > logBacklogBytesMax) {
      lost++;
      return;
    }
    waiting += line;
    if (waiting.length >= logBufferBytes && refused.length === 0) flush();
    else startTimer();
  }

  function flush(): void {
    if (waiting === '' && refused.length === 0) return;
    refused = writeAll(fd, Buffer.concat([refused, Buffer.from(waiting)]));
    waiting = '';
    if (refused.length > 0) startTimer();
    else if (lost > 0) reportLost();
  }

  function end(): void {
    flush();
    for (let tries = 0; tries < logEndTries && refused.length > 0; tries++) {
      // Nothing else is to happen any more, so the whole thread may wait.
      Atomics.wait(pause, 0, 0, logEndPauseMs);
      flush();
    }
  }

  function reportLost(): void {
    const line = { level: 'warn', time: isoTime(clock), lost, msg: 'log lines were lost' };
    lost = 0;
    add(`${JSON.stringify(line)}\n`);
  }

  function startTimer(): void {
    if (timerRuns) return;
    timerRuns = true;
    clock.after(logFlushMs, () => {
      timerRuns = false;
      flush();
    });
  }

  function flushSoon(): void {
    if (soonRuns) return;
    soonRuns = true;
    clock.soon(() => {
      soonRuns = false;
      flush();
    });
  }

  return { add, flush, flushSoon, end };
}

function isoTime(clock: Clock): string {
  return new Date(clock.nowMs()).toISOString();
}

/** Writes as much as the descriptor takes and answers the rest. */
function writeAll(fd: number, bytes: Buffer): Buffer {
  let rest = bytes;
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest));
    return rest;
  } catch (error) {
    // A reader that is slow, or a disk that is full, may be better in a while; one that has gone (EPIPE) stays gone.
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'EAGAIN' || code === 'ENOSPC' ? rest : Buffer.alloc(0);
  }
}
