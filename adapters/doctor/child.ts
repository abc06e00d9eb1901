// The doctor as a process of its own: a look at the whole host starts programs and reads the store, for which no server is to stand still.
import { diagnosisBytesMax, diagnosisTimeoutMs } from '../../core/limits.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { commandEnvironment, createRunCommand } from '../run-command.ts';

/** How to start this program again. */
export interface Program {
  /** Node.js, and the file that it runs. */
  readonly command: readonly [string, string];
  readonly path: string;
  readonly configPath: string;
}

/** Why there is no diagnosis, for the log. */
export interface DiagnosisFailure {
  readonly detail: string;
}

/** Runs `doctor --json` once; the answer is what it prints. */
export async function runDoctor({
  command: [node, file],
  path,
  configPath,
}: Program): Promise<Result<string, DiagnosisFailure>> {
  const run = createRunCommand({ ...commandEnvironment(path), NODE_CONFIG: configPath });
  const ended = await run(node, [file, 'doctor', '--json'], {
    timeoutMs: diagnosisTimeoutMs,
    outputMax: diagnosisBytesMax,
    // With 1 it says that something fails.
    goodStatusMax: 1,
  });
  if (!ended.ok) return fail({ detail: ended.failure.detail });
  const text = ended.value.trimEnd();
  return isJson(text) ? ok(text) : fail({ detail: 'the doctor ended without a diagnosis' });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
