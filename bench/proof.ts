// Shows that the comparison finds what it must find and nothing else: HEAD against itself, with and without one call that
// does 15 % more work. Measures nothing itself.

/** A call that does a share of more work in the changed version. */
export interface Plant {
  readonly name: string;
  readonly share: number;
}

/** Finds the calls that became slower, of those named. */
export type FindSlower = (names: readonly string[], plant: Plant | null) => Promise<readonly string[]>;

const share = 0.15;

/** Calls that are different in kind, a few of all. */
const names = [
  'dispatch/GET stats',
  'dispatch/GET and make a page of 50',
  'dispatch/GET one peer',
  'pool/take one of a fresh /24',
  'lifecycle/decide a create',
  'device/render addconf of 64',
] as const;

/** Prints a line a run; 0 when all of them came out as they must. */
export async function prove(runs: number, find: FindSlower): Promise<0 | 1> {
  let right = 0;
  for (let run = 0; run < runs; run++) {
    const name = names[run % names.length] ?? names[0];
    const found = await find(names, { name, share });
    const isRight = found.length === 1 && found[0] === name;
    right += isRight ? 1 : 0;
    process.stdout.write(
      `planted in ${name}: found ${found.join(', ') || 'nothing'}${isRight ? '' : ': WRONG'}\n`,
    );
  }
  for (let run = 0; run < runs; run++) {
    const found = await find(names, null);
    right += found.length === 0 ? 1 : 0;
    process.stdout.write(
      `no change: found ${found.join(', ') || 'nothing'}${found.length === 0 ? '' : ': WRONG'}\n`,
    );
  }
  process.stdout.write(`${right} of ${2 * runs} came out right\n`);
  return right === 2 * runs ? 0 : 1;
}
