// A log that keeps its lines for a test to read.
import type { Log, LogFields, LogLevel } from '../../core/ports.ts';

export interface LogLine {
  readonly level: LogLevel;
  readonly fields: LogFields;
  readonly message: string;
}

export interface FakeLog extends Log {
  /** Every line so far, the oldest first. */
  readonly lines: readonly LogLine[];
  /** The lines since the last call. */
  takeLines(): readonly LogLine[];
}

/** An empty log. */
export function createFakeLog(): FakeLog {
  const lines: LogLine[] = [];
  let taken = 0;
  const at = (level: LogLevel) => (fields: LogFields, message: string) =>
    void lines.push({ level, fields, message });

  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    lines,
    takeLines() {
      const fresh = lines.slice(taken);
      taken = lines.length;
      return fresh;
    },
  };
}
