// One warning for each thing that is refused, and never a flood: what is beyond some lines a second is counted and told in one line.
import { refusalLinesPerSecond } from '../limits.ts';
import type { Clock, Log, LogFields } from '../ports.ts';

/** Takes note of a refusal; the fields are made only if a line is written. `code` is from a closed list. */
export type RefusalLog = (code: string, fields: () => LogFields) => void;

/** Makes the log of what is refused. */
export function createRefusalLog(log: Log, clock: Clock, what: 'request' | 'connection'): RefusalLog {
  const leftOut = new Map<string, number>();
  let lines = 0;
  const nextSecond = () => {
    lines = 0;
    for (const [code, count] of leftOut) {
      log.warn({ code, count }, `more ${what}s were refused than are listed`);
    }
    leftOut.clear();
  };
  return (code, fields) => {
    if (lines === 0) clock.after(1_000, nextSecond);
    if (lines < refusalLinesPerSecond) log.warn({ code, ...fields() }, `${what} refused`);
    else leftOut.set(code, (leftOut.get(code) ?? 0) + 1);
    lines++;
  };
}
