// What a check of this host comes to. Knows no check.

/** `ok`: right. `warn`: works, or may work. `fail`: keeps the node or its peers from working. */
export type Status = 'ok' | 'warn' | 'fail';

/** What a check found. Neither text holds a secret; both are one line. */
export interface Verdict {
  readonly status: Status;
  /** What was seen. */
  readonly seen: string;
  /** What to do about it; null: nothing, or what was seen says it. */
  readonly advice: string | null;
}

/** As it ought to be. */
export function good(seen: string): Verdict {
  return { status: 'ok', seen, advice: null };
}

/** Works, or may work: worth a look. */
export function doubtful(seen: string, advice: string | null = null): Verdict {
  return { status: 'warn', seen, advice };
}

/** Keeps the node, or its peers, from working. */
export function bad(seen: string, advice: string | null = null): Verdict {
  return { status: 'fail', seen, advice };
}

/** What could not be looked at, and so is neither right nor wrong. */
export function unseen(what: string, advice: string | null = asRoot): Verdict {
  return doubtful(`${what} could not be seen`, advice);
}

/** Advice for what differs from the configuration on the live host. */
export const upAgain = 'wgkeeper-node up puts it right';

const asRoot = 'run doctor as root, with every program installed';

/** One verdict of several: as grave as the gravest, and of those that are not ok every word; `otherwise` when all are. */
export function gather(findings: readonly Verdict[], otherwise: string): Verdict {
  const troubles = findings.filter(({ status }) => status !== 'ok');
  if (troubles.length === 0) return good(otherwise);
  const advice = new Set(troubles.map((trouble) => trouble.advice).filter((each) => each !== null));
  return {
    status: gravest(troubles),
    seen: troubles.map(({ seen }) => seen).join('; '),
    advice: advice.size === 0 ? null : [...advice].join('; '),
  };
}

/** The worst status among these; `ok` of none. */
export function gravest(findings: readonly { readonly status: Status }[]): Status {
  if (findings.some(({ status }) => status === 'fail')) return 'fail';
  return findings.some(({ status }) => status === 'warn') ? 'warn' : 'ok';
}

/** The permission bits as chmod(1) takes them: `0644`. */
export function formatMode(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}
