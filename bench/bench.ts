// What a benchmark is, for whoever runs it.
import type { Row } from './result.ts';

export interface Bench {
  readonly name: string;
  /** One line. */
  readonly what: string;
  /** Why it can't run here; null or absent: it can. */
  readonly unable?: () => string | null;
  run(surroundings: Surroundings): Promise<readonly Row[]>;
}

export interface Surroundings {
  /** How often everything is measured. */
  readonly rounds: number;
  /** Says how far it is. */
  readonly progress: (text: string) => void;
}
