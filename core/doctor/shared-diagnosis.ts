// One diagnosis for all who ask: made once at a time, and answered again for a while. Makes none itself.
import { diagnosisAgeMaxMs } from '../limits.ts';
import type { Clock } from '../ports.ts';

/** Calls `make` when somebody asks and the last answer is older than `diagnosisAgeMaxMs`; whoever asks meanwhile waits for the same. */
export function shareDiagnosis<Answer>(make: () => Promise<Answer>, clock: Clock): () => Promise<Answer> {
  let answer: Promise<Answer> | null = null;
  // Null: it is being made.
  let madeAtMs: number | null = null;

  return () => {
    const isOld = madeAtMs !== null && clock.monotonicMs() - madeAtMs > diagnosisAgeMaxMs;
    if (answer !== null && !isOld) return answer;
    madeAtMs = null;
    answer = make();
    void answer.then(() => {
      madeAtMs = clock.monotonicMs();
    });
    return answer;
  };
}
