// What a micro-benchmark is: a call that can be made over and over, and what it must answer. Measures nothing.

/** One pure piece of the house, called as the house calls it. */
export interface Case {
  /** `area/what`; results of two versions are matched by it. */
  readonly name: string;
  /** Prepares the call; what this costs is not measured. */
  readonly create: () => Prepared | Promise<Prepared>;
}

/** A call, ready to be made. */
export interface Prepared {
  /** The same work every time, however often it was done before. A promise is waited for. */
  readonly run: () => unknown;
  /** What counts in an answer, to be held against `expected`. */
  readonly show: (answer: unknown) => unknown;
  readonly expected: unknown;
}

/** A case whose answer is given in its own type. */
export function defineCase<Answer>(
  name: string,
  create: () => {
    readonly run: () => Answer | Promise<Answer>;
    readonly show: (answer: Answer) => unknown;
    readonly expected: unknown;
  },
): Case {
  return { name, create: create as Case['create'] };
}
