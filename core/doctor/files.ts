// Judges the files of the node: configuration, store and the disk under it, certificate. Pure; looks at nothing.
import { count } from '../count.ts';
import { type TlsFailure, type TlsWarning, tlsFailureTexts } from '../http/tls.ts';
import { diskBytesMin, diskBytesWarn, diskInodesMin, diskInodesWarn } from '../limits.ts';
import type { Result } from '../result.ts';
import { formatTimestamp } from '../timestamp.ts';
import { bad, doubtful, formatMode, gather, good, unseen, type Verdict } from './verdict.ts';

/** `config` is what came of reading it: warnings, or the lines that say what is wrong, or that this user may not read it. */
export interface ConfigFacts {
  readonly path: string;
  readonly config: Result<
    { readonly warnings: readonly string[] },
    { readonly code: 'wrong' | 'forbidden'; readonly lines: readonly string[] }
  >;
}

/** Fails for a configuration that is wrong; warns of one that can't be seen, and of what the reader of it warns of. */
export function judgeConfig({ path, config }: ConfigFacts): Verdict {
  if (!config.ok) {
    const seen = config.failure.lines.join('; ');
    return config.failure.code === 'forbidden'
      ? doubtful(seen, `run doctor as root or as the node's user: the checks that need it are left out`)
      : bad(seen, `correct ${path}; until then the checks that need it are left out`);
  }
  return gather(
    config.value.warnings.map((warning) => doubtful(warning)),
    `${path} is right`,
  );
}

/** The store. `unreadable`: the disk says no; `invalid`: it is no store, or damaged. */
export interface StoreFacts {
  /** Null: peers are kept in memory only. */
  readonly path: string | null;
  readonly content:
    | { readonly kind: 'missing' }
    | { readonly kind: 'forbidden' }
    | { readonly kind: 'unreadable'; readonly reason: string }
    | { readonly kind: 'invalid'; readonly reason: string }
    | { readonly kind: 'valid'; readonly peers: number; readonly tornBytes: number; readonly mode: number };
}

/** Fails for a store that keeps a start from succeeding; warns of one that others can read, ends torn, or is in memory only. */
export function judgeStore({ path, content }: StoreFacts): Verdict {
  if (path === null) {
    return doubtful(
      'peers are kept in memory only, and gone with the process',
      'set wireguard.peer_store_file',
    );
  }
  if (content.kind === 'missing') return good(`${path} is made with the first peer`);
  if (content.kind === 'forbidden') return unseen(path);
  if (content.kind === 'unreadable') return bad(`${path} can't be read: ${content.reason}`);
  if (content.kind === 'invalid') {
    return bad(
      `${path} is no valid store: ${content.reason}`,
      'put it back from a backup; a start fails until then and leaves it as it is',
    );
  }
  const findings = [
    ...(content.mode & 0o077
      ? [doubtful(`${path} holds secrets and others can get at it`, `chmod 600 ${path}`)]
      : []),
    ...(content.tornBytes > 0
      ? [
          doubtful(
            `${path} ends in ${content.tornBytes} bytes of an unfinished write, dropped at the next start`,
          ),
        ]
      : []),
  ];
  return gather(findings, `${path} holds ${count(content.peers, 'peer')}`);
}

/** The folder of the store. */
export interface FolderFacts {
  readonly folder: string;
  /** `missing`: it is made at the start, where that works. */
  readonly access: 'writable' | 'forbidden' | 'missing';
  readonly isRoot: boolean;
  /** Free for this user, on the disk of the folder or of what is above it. */
  readonly freeBytes: number;
  /** Null: this file system has no fixed number. */
  readonly freeInodes: number | null;
  /** Bytes of the store file: written anew, it needs as many beside it. */
  readonly storeBytes: number;
}

/** Fails where changes of peers do, now or soon: a change may still fit into what the file has. Warns before that. */
export function judgeFolder(facts: FolderFacts): Verdict {
  const { folder, access, freeBytes, freeInodes, storeBytes } = facts;
  const room = `${formatBytes(freeBytes)} free`;
  const makeRoom = 'make room on that disk: without it changes of peers fail, now or soon';
  const findings: Verdict[] = [];
  if (access === 'forbidden') {
    const seen = `${folder} can't be written to by this user`;
    findings.push(
      facts.isRoot
        ? bad(seen, 'is it mounted read-only?')
        : doubtful(seen, "it has to belong to the node's user"),
    );
  }
  if (freeBytes < storeBytes + diskBytesMin)
    findings.push(bad(`the disk of ${folder} has too little room: ${room}`, makeRoom));
  else if (freeBytes < storeBytes + diskBytesWarn)
    findings.push(doubtful(`the disk of ${folder} is nearly full: ${room}`, 'make room'));
  if (freeInodes !== null && freeInodes < diskInodesMin) {
    findings.push(bad(`the disk of ${folder} has ${freeInodes} inodes free`, makeRoom));
  } else if (freeInodes !== null && freeInodes < diskInodesWarn) {
    findings.push(doubtful(`the disk of ${folder} has only ${freeInodes} inodes free`, 'make room'));
  }
  const state = access === 'missing' ? 'is made at the start' : 'is writable';
  return gather(findings, `${folder} ${state}, ${room}`);
}

function formatBytes(bytes: number): string {
  const mebibytes = bytes / 1_048_576;
  if (mebibytes >= 10_240) return `${Math.round(mebibytes / 1_024)} GiB`;
  return `${mebibytes < 10 ? mebibytes.toFixed(1) : Math.round(mebibytes)} MiB`;
}

/** The lock file beside the store. */
export interface LockFacts {
  readonly path: string;
  /** False: it is not there, so nobody has it. */
  readonly exists: boolean;
  /** Who has it open; null: nobody that can be seen. */
  readonly holder: { readonly kind: 'node' | 'other'; readonly pid: number; readonly program: string } | null;
  /** Whether every process could be looked at. */
  readonly complete: boolean;
}

/** Fails when a program that is no node has it. */
export function judgeLock({ path, exists, holder, complete }: LockFacts): Verdict {
  if (!exists) return good(`there is no ${path} yet`);
  if (holder === null)
    return complete
      ? good(`nobody has ${path}`)
      : doubtful(`nobody that could be seen has ${path}`, 'run doctor as root to see everybody');
  const who = `${holder.program} (pid ${holder.pid})`;
  if (holder.kind === 'node') return good(`the running node has it: ${who}`);
  return bad(`${who} has ${path} open, and no node can start while it is locked`, 'end that program');
}

/** What came of reading and checking certificate and key. `pair` null: no TLS is asked for. Times in milliseconds since the Unix epoch. */
export interface CertificateFacts {
  readonly nowMs: number;
  readonly pair:
    | null
    /** The sentences that say so. `isForbidden`: another user may be able to. */
    | { readonly unreadable: readonly string[]; readonly isForbidden: boolean }
    | CheckedPair;
}

interface CheckedPair {
  readonly path: string;
  readonly keyPath: string;
  /** Permission bits and group of the key's file. */
  readonly keyMode: number;
  readonly keyGroup: number;
  readonly checked: Result<TlsWarning | null, TlsFailure>;
  readonly validToMs: number;
}

/** Fails for a pair that no server takes or no client accepts; warns of a key that others can read, and thirty days before it expires. */
export function judgeCertificate({ pair, nowMs }: CertificateFacts): Verdict {
  if (pair === null) return good('no TLS: right on loopback, in a private network and behind a proxy');
  if ('unreadable' in pair) {
    const seen = pair.unreadable.join('; ');
    return pair.isForbidden
      ? doubtful(seen, "run doctor as the node's user, which has to read it")
      : bad(seen);
  }
  const { keyPath, keyMode, keyGroup } = pair;
  const verdict = judgePair(pair, nowMs);
  const isShared = (keyMode & 0o007) !== 0 || ((keyMode & 0o070) !== 0 && keyGroup !== rootGroup);
  const shared = doubtful(
    `${keyPath} holds a secret and its mode ${formatMode(keyMode)} lets other users at it`,
    `chmod 600 ${keyPath}`,
  );
  return gather(isShared ? [verdict, shared] : [verdict], verdict.seen);
}

const rootGroup = 0;

function judgePair({ path, checked, validToMs }: CheckedPair, nowMs: number): Verdict {
  if (!checked.ok)
    return bad(`${path}: ${tlsFailureTexts[checked.failure]}`, 'correct server.tls_cert and server.tls_key');
  const until = formatTimestamp(validToMs);
  if (checked.value === 'certificate_expired') return bad(`${path} expired on ${until}`, renew);
  if (checked.value === 'certificate_not_yet_valid')
    return bad(`${path} is not valid yet`, 'is the clock right?');
  if (validToMs - nowMs < renewalMs) return doubtful(`${path} expires on ${until}`, renew);
  return good(`${path} and its key match, valid until ${until}`);
}

const renew = 'renew it';

// Thirty days, as most authorities remind at the latest.
const renewalMs = 30 * 86_400_000;
