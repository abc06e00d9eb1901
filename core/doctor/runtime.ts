// Judges what the program runs on and with: Node.js, its limits, its rights, the clock. Pure; looks at nothing.
import { connectionsMax, openFilesReserved } from '../limits.ts';
import { formatTimestamp } from '../timestamp.ts';
import { bad, doubtful, good, type Verdict } from './verdict.ts';

/** What the program runs on. */
export interface RuntimeFacts {
  /** `20.20.2`. */
  readonly nodeVersion: string;
  /** Null: another C library, most likely musl. */
  readonly glibcVersion: string | null;
  /** As Node.js names it: `x64`. */
  readonly architecture: string;
  /** Whether the native HTTP module loads. */
  readonly nativeLoads: boolean;
  /** What it needs, for the operator. */
  readonly nativeNeeds: string;
}

/** Fails where the HTTP module does not load, and for a Node.js that nobody tries the program with. */
export function judgeRuntime(facts: RuntimeFacts): Verdict {
  const libc = facts.glibcVersion === null ? 'without glibc' : `with glibc ${facts.glibcVersion}`;
  const seen = `Node.js ${facts.nodeVersion} on ${facts.architecture} ${libc}`;
  if (!facts.nativeLoads) return bad(`${seen}: the HTTP module does not load`, facts.nativeNeeds);
  if (Number.parseInt(facts.nodeVersion, 10) < nodeMajorMin)
    return bad(`${seen}, which is too old`, 'install Node.js 20, 22 or 24');
  return good(`${seen}: the HTTP module loads`);
}

// `engines` in package.json.
const nodeMajorMin = 20;

/** What this process may do. */
export interface PrivilegeFacts {
  readonly isRoot: boolean;
  /** Whether CAP_NET_ADMIN is among the effective capabilities; null: that can't be told. */
  readonly mayAdministerNetwork: boolean | null;
}

/** Fails for a root that may not administer the network, as in a container; warns other users who may not. */
export function judgePrivileges({ isRoot, mayAdministerNetwork }: PrivilegeFacts): Verdict {
  const who = isRoot ? 'root' : 'not root';
  if (mayAdministerNetwork === true) return good(`${who}, with CAP_NET_ADMIN`);
  if (mayAdministerNetwork === null) return doubtful(`${who}; the capabilities could not be seen`);
  if (isRoot) return bad('root without CAP_NET_ADMIN', 'give the container the capability NET_ADMIN');
  return doubtful(
    'neither root nor CAP_NET_ADMIN: much of what follows can not be seen',
    'run doctor as root, or as the user that runs the node',
  );
}

/** The limit of open files, of the running node where there is one. */
export interface OpenFilesFacts {
  /** The soft limit; null: none, or it can't be told. */
  readonly limit: number | null;
}

/** Warns where it allows fewer connections than the node would take. */
export function judgeOpenFiles({ limit }: OpenFilesFacts): Verdict {
  const wanted = connectionsMax + openFilesReserved;
  if (limit === null || limit >= wanted) return good(`${limit ?? 'any number'} allowed`);
  const connections = Math.max(1, limit - openFilesReserved);
  return doubtful(
    `${limit} allowed: at most ${connections} connections at once`,
    `raise the limit to ${wanted}: LimitNOFILE= in systemd, ulimits in Docker, ulimit -n in a shell`,
  );
}

/** The machine's clock. */
export interface ClockFacts {
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** Whether systemd-timesyncd has set the clock since the start; null: it does not run, so another may keep the time. */
  readonly synchronized: boolean | null;
}

/** Fails for a time at which no release of the program is in use; warns while NTP has yet to set it. */
export function judgeClock({ nowMs, synchronized }: ClockFacts): Verdict {
  const seen = `it is ${formatTimestamp(nowMs)}`;
  const advice = 'set the clock and keep it right with NTP: peers expire by it, and certificates';
  if (nowMs < Date.UTC(releaseYear, 0)) return bad(`${seen}, which is past`, advice);
  if (nowMs >= Date.UTC(releaseYear + yearsInUse, 0)) return bad(`${seen}, which is far off`, advice);
  if (synchronized === false) return doubtful(`${seen}, and NTP has not set the clock yet`, advice);
  return good(synchronized === true ? `${seen}, set by NTP` : seen);
}

// No clock that is right shows less.
const releaseYear = 2026;

// No release is in use for longer. Ours.
const yearsInUse = 20;
