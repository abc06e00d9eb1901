// Keeps a first start from removing the peers of a set-up that was made by hand and never taken over. Changes no peer.
import { count } from '../../core/count.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { listFileDifferences } from './file-differences.ts';
import { interfaceFolder, interfacePath, readInterfaceFile } from './interface-file.ts';
import {
  call,
  type InterfaceFailure,
  type InterfaceHost,
  isThere,
  type Step,
  succeeds,
} from './interface-host.ts';
import { parseAlias } from './link-text.ts';
import type { InterfaceConfig } from './wg-quick-text.ts';

// In the kernel: it goes with the interface, and a server that is not root sees it.
const mark = 'wgkeeper-node';

/** Marks a live interface as the node's, by its alias (ip-link(8)). */
export function markAsOwn(name: string, host: InterfaceHost): Step {
  return succeeds('ip', ['link', 'set', 'dev', name, 'alias', mark], host);
}

/**
 * Fails with `owner_unknown` where there are peers that a node can't have made which never stored one: in a file that it
 * did not write, or, for a user who can't read that, on a live interface without its mark. To be asked only for such a node,
 * and where unknown peers are removed: on an interface that no such file is of, a start removes what it finds. A file that
 * differs from the configuration is passed over: `bringUp` refuses it, and says how to make them agree.
 */
export async function refuseForeignPeers(
  config: Pick<InterfaceConfig, 'interface' | 'listenPort' | 'subnets'>,
  host: InterfaceHost,
): Step {
  // Any other user has another folder, and root's file is not for it to see.
  if (!host.isRoot) return refuseLivePeers(config.interface, host);
  const path = interfacePath(host.folder, config.interface);
  const found = await readInterfaceFile(path);
  if (!found.ok) return found;
  const file = found.value;
  const isForeign = file !== null && !file.writtenByNode && file.peerSections > 0;
  if (!isForeign || listFileDifferences(file, config).length > 0) return ok(undefined);
  const instead = 'If they are to go, take them out of that file';
  return refuse(`${path} has ${count(file.peerSections, 'peer')}`, `${importing(path)} first. ${instead}`);
}

async function refuseLivePeers(name: string, host: InterfaceHost): Step {
  if (!(await isThere(name, host))) return ok(undefined);
  const shown = await call('ip', ['-json', 'link', 'show', 'dev', name], host);
  if (shown.ok && parseAlias(shown.value, name) === mark) return ok(undefined);
  const listed = await call('wg', ['show', name, 'peers'], host, { timeoutMs: host.deviceAnswerMs });
  // Who can't read it for any other reason can't change it either, and the next step tells why.
  if (!listed.ok && listed.failure.code !== 'command_timeout') return ok(undefined);
  const peers = listed.ok ? listed.value.split('\n').filter(Boolean).length : null;
  if (peers === 0) return ok(undefined);
  const path = interfacePath(interfaceFolder(true, '/'), name);
  return refuse(
    peers === null ? `${name} does not answer and may have peers` : `${name} has ${count(peers, 'peer')}`,
    `as root, ${importing(path)} first, or make it the node's own with "wgkeeper-node up", and the peers go`,
  );
}

function importing(path: string): string {
  return `take them over with "wgkeeper-node import ${path}"`;
}

function refuse(where: string, advice: string): Result<never, InterfaceFailure> {
  const message = `${where} that this node did not make, and its start would remove them: ${advice}`;
  return fail({ code: 'owner_unknown', message });
}
