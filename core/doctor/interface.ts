// Judges the WireGuard interface and its file against the configuration. Pure; looks at nothing.
import { count } from '../count.ts';
import { bad, doubtful, formatMode, gather, unseen, upAgain, type Verdict } from './verdict.ts';

/** The live interface, and what the configuration and its file want of it. */
export interface InterfaceFacts {
  readonly name: string;
  readonly wanted: { readonly listenPort: number; readonly addresses: readonly string[] };
  /** Null: there is no such interface; undefined: that could not be seen. */
  readonly link: { readonly isUp: boolean; readonly addresses: readonly string[] } | null | undefined;
  /** What wg says, `(none)` where there is no key; null: it may not look; `refused`: it says no, as to another kind of interface; `slow`: it did not end in time. */
  readonly device: { readonly publicKey: string; readonly listenPort: number } | 'refused' | 'slow' | null;
  /** The public key that goes with the private key in the interface's file; null: there is none. */
  readonly fileKey: string | null;
  /** Whether `up` could make one where there is none; false: what it lacks is told by the check of WireGuard. */
  readonly canBeMade: boolean;
}

/** Fails where peers can't get through to it; warns of what is more than configured. */
export function judgeInterface(facts: InterfaceFacts): Verdict {
  const { name, link, device, wanted, fileKey, canBeMade } = facts;
  if (link === undefined) return unseen(name, null);
  if (link === null) {
    const first = canBeMade ? '' : ', once there is a WireGuard: see the check wireguard';
    return bad(`${name} does not exist`, `wgkeeper-node up makes it${first}`);
  }
  if (device === 'refused') {
    return bad(
      `${name} exists, and wg can't read it`,
      'is it another kind of interface? Then give wireguard.interface another name',
    );
  }
  if (device === 'slow') return bad(`${name} does not answer`, 'where wireguard-go runs it: does it hang?');
  const differences = compareInterface({ ...facts, link, device });
  const findings = device === null ? [...differences, unseen('its key and port')] : differences;
  const addresses = link.addresses.join(', ');
  return gather(
    findings,
    `${name} is up with ${addresses}, port ${wanted.listenPort}${fileKey === null ? '' : ' and the key of its file'}`,
  );
}

/** Of an interface that is there, and whose device answers or may not be looked at. */
interface LiveFacts extends Omit<InterfaceFacts, 'canBeMade'> {
  readonly link: NonNullable<InterfaceFacts['link']>;
  readonly device: Exclude<InterfaceFacts['device'], string>;
}

/** What of a live interface is not as configured, one verdict each; none: all that was seen is. */
export function compareInterface({ name, link, device, wanted, fileKey }: LiveFacts): readonly Verdict[] {
  return [
    ...(link.isUp ? [] : [bad(`${name} is down`, upAgain)]),
    ...missingOf(wanted.addresses, link.addresses).map((each) =>
      bad(`${name} lacks the address ${each}`, upAgain),
    ),
    ...missingOf(link.addresses, wanted.addresses).map((each) =>
      doubtful(`${name} has the address ${each}, which is not configured`, upAgain),
    ),
    ...(device === null ? [] : compareDevice(name, device, wanted.listenPort, fileKey)),
  ];
}

function compareDevice(
  name: string,
  { publicKey, listenPort }: NonNullable<LiveFacts['device']>,
  wantedPort: number,
  fileKey: string | null,
): readonly Verdict[] {
  const port =
    listenPort === wantedPort ? [] : [bad(`it listens on port ${listenPort}, not on ${wantedPort}`, upAgain)];
  if (publicKey === '(none)') return [...port, bad('it has no private key', upAgain)];
  if (fileKey === null || fileKey === publicKey) return port;
  const otherKey = 'its key is not that of its file, and clients know one of the two';
  const advice = `to keep the key of ${name}, move its file away, and wgkeeper-node up makes one with that key; to take the file's, wgkeeper-node down and up`;
  return [...port, bad(otherKey, advice)];
}

function missingOf(wanted: readonly string[], there: readonly string[]): readonly string[] {
  return wanted.filter((each) => !there.includes(each));
}

/** The interface's file; null: there is none. `unreadable`: why it can't be read, and what to do. */
export interface InterfaceFileFacts {
  readonly path: string;
  readonly file: FileContent | { readonly unreadable: string } | null;
  /** Whether the store holds peers, whose clients know the key that the file held. */
  readonly peersStored: boolean;
  /** Whether a start would remove every peer that it finds: no store ever was, and unknown peers are to go. */
  readonly removesAll: boolean;
  readonly isRoot: boolean;
}

interface FileContent {
  readonly hasKey: boolean;
  readonly writtenByNode: boolean;
  /** Whether the node would write just this. */
  readonly asConfigured: boolean;
  /** Port and addresses that are not as configured, and what to do about each. */
  readonly differences: readonly { readonly seen: string; readonly advice: string }[];
  /** Whether its PostUp and PostDown are those that the node would write. */
  readonly hasRules: boolean;
  /** How many peers it names, which a file of the node never does. */
  readonly peers: number;
  /** Permission bits of the file and of its folder. */
  readonly mode: number;
  readonly folderMode: number;
}

/** Fails where a start would, or would make a new key though peers know the old one. */
export function judgeInterfaceFile(facts: InterfaceFileFacts): Verdict {
  const { path, file, removesAll } = facts;
  if (file === null) return judgeMissingFile(facts);
  if ('unreadable' in file) return bad(file.unreadable);
  if (!file.hasKey) return bad(`${path} has no valid PrivateKey`, keyAdvice);
  const findings = [
    ...(file.mode & 0o077
      ? [doubtful(`${path} has mode ${formatMode(file.mode)} and holds the node's key`, `chmod 600 ${path}`)]
      : []),
    ...(file.folderMode & 0o022
      ? [doubtful(`others may write into the folder of ${path}`, 'chmod 700 that folder')]
      : []),
    ...judgeContent(path, file),
    ...(removesAll && file.peers > 0
      ? [
          bad(
            `${path} names ${count(file.peers, 'peer')} that the node did not make, and it does not start before they are taken over`,
            `wgkeeper-node import ${path}`,
          ),
        ]
      : []),
  ];
  return gather(findings, `${path} is as the configuration says`);
}

const keyAdvice = "it holds the node's key: make it readable, or put it back from a backup";

function judgeContent(path: string, file: FileContent): readonly Verdict[] {
  if (file.asConfigured) return [];
  if (file.writtenByNode) {
    const what =
      file.differences.length === 0
        ? 'rules of another configuration'
        : file.differences.map(({ seen }) => seen).join('; ');
    return [
      doubtful(
        `${path} was written before the configuration changed: ${what}`,
        'wgkeeper-node up writes it anew and keeps its key',
      ),
    ];
  }
  return [
    ...file.differences.map(({ seen, advice }) =>
      bad(`${path}, not written by the node or edited since: ${seen}`, advice),
    ),
    ...(file.hasRules
      ? []
      : [
          doubtful(
            `${path} has other PostUp and PostDown than the node would write`,
            `where that is not meant: wgkeeper-node import ${path} --apply`,
          ),
        ]),
  ];
}

function judgeMissingFile({ path, peersStored, isRoot }: InterfaceFileFacts): Verdict {
  if (!isRoot)
    return doubtful(`there is no ${path}`, "run doctor as root to look at root's in /etc/wireguard");
  if (!peersStored) return doubtful(`there is no ${path} yet`, 'wgkeeper-node up makes it');
  return bad(
    `there is no ${path}, and peers are stored whose clients know the key that it held`,
    'put it back from a backup; or, while the interface is up, wgkeeper-node up takes the key from there',
  );
}
