// Runs programs for the checks: few at once, and each for a short time only.
import { checkOutputBytesMax, checkProgramsMax, checkProgramTimeoutMs } from '../../core/limits.ts';
import type { RunCommand } from '../run-command.ts';

/** The same as `run`, with at most `checkProgramsMax` programs at once. Those that wait get their turn in order. */
export function createBoundedRun(run: RunCommand): RunCommand {
  const waiting: (() => void)[] = [];
  let running = 0;

  return async (command, args, bounds) => {
    if (running >= checkProgramsMax) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    const timeoutMs = Math.min(bounds.timeoutMs, checkProgramTimeoutMs);
    const ended = await run(command, args, { ...bounds, timeoutMs });
    // The place goes to the next in line, if there is one.
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
    return ended;
  };
}

/** What a call of a check may take. */
export const checkBounds = { timeoutMs: checkProgramTimeoutMs, outputMax: checkOutputBytesMax } as const;
