// Everything that an import reads before it decides: the file made by hand, the ids, the file of the interface, the live interface.
import type { Config } from '../../core/config/config.ts';
import { interfaceFileBytesMax } from '../../core/limits.ts';
import type { Peer, PeerId, PrivateKey, PublicKey } from '../../core/peers/peer.ts';
import type { Device, DevicePeer } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { describeFileFailure, readBoundedFile } from '../disk/small-file.ts';
import { formatFileDifferences, listFileDifferences } from '../interface/file-differences.ts';
import { interfacePath, readInterfaceFile } from '../interface/interface-file.ts';
import { type FilePeer, parseFilePeers } from '../interface/wg-quick-peers.ts';
import { parseWgQuickFile, type WgQuickFile } from '../interface/wg-quick-text.ts';
import type { ImportFailure, ImportOrder } from './order.ts';
import { parsePeerIds } from './peer-ids.ts';

/** What was made by hand. */
export interface ImportSource {
  readonly file: WgQuickFile;
  /** Secret. */
  readonly privateKey: PrivateKey;
  readonly peers: readonly FilePeer[];
  /** Ids that the operator chose. */
  readonly ids: ReadonlyMap<PublicKey, PeerId>;
}

/** The file that the interface has, before the import. */
export interface ImportTarget {
  readonly path: string;
  readonly state: 'missing' | 'made_by_hand' | 'of_the_node';
}

type Outcome<Value> = Promise<Result<Value, ImportFailure>>;

/** Reads the file, which has to agree with the configuration, and the ids. */
export async function readSource(order: ImportOrder, config: Config['wireguard']): Outcome<ImportSource> {
  const text = await readText('import', order.file);
  if (!text.ok) return text;
  const file = parseWgQuickFile(text.value);
  const { privateKey } = file;
  if (privateKey === null) return refuse(order.file, ['it has no valid PrivateKey in [Interface]']);
  const peers = parseFilePeers(file.text);
  if (!peers.ok) return refuse(order.file, peers.failure);
  const differences = listFileDifferences(file, config);
  if (differences.length > 0) {
    const lines = [`${order.file} and the configuration differ:`, ...formatFileDifferences(differences)];
    return fail({ message: lines.join('\n') });
  }
  const ids = await readIds(order.idsFile);
  return ids.ok ? ok({ file, privateKey, peers: peers.value, ids: ids.value }) : ids;
}

async function readIds(path: string | null): Outcome<ReadonlyMap<PublicKey, PeerId>> {
  if (path === null) return ok(new Map());
  const text = await readText('--ids', path);
  if (!text.ok) return text;
  const ids = parsePeerIds(text.value);
  return ids.ok ? ids : refuse(path, ids.failure);
}

/** Refuses ids for keys that nobody has. Those of stored peers, from an import before, are right though the file lost them. */
export function checkIds(
  { ids, peers }: ImportSource,
  stored: readonly Peer[],
  { file, idsFile }: ImportOrder,
): Result<void, ImportFailure> {
  const keys = new Set([...peers, ...stored].map((peer) => peer.publicKey));
  const storedIds = new Set(stored.map((peer) => peer.id));
  const strange = [...ids].flatMap(([publicKey, id]) =>
    keys.has(publicKey) || storedIds.has(id) ? [] : [publicKey],
  );
  if (strange.length === 0) return ok(undefined);
  return refuse(`${idsFile} names peers that neither ${file} nor the store has`, strange);
}

/** Reads the interface's own file, which has to have the same key where there is one. */
export async function readTarget(source: ImportSource, folder: string, name: string): Outcome<ImportTarget> {
  const path = interfacePath(folder, name);
  const found = await readInterfaceFile(path);
  if (!found.ok) return found;
  if (found.value === null) return ok({ path, state: 'missing' });
  if (found.value.privateKey !== source.privateKey) {
    return fail({
      message: `${path} has another key than the file: move it away if the file's key is right`,
    });
  }
  return ok({ path, state: found.value.writtenByNode ? 'of_the_node' : 'made_by_hand' });
}

/** Reads the peers of the live interface, which has to have this public key. */
export async function readLive(
  device: Device,
  publicKey: PublicKey,
): Outcome<ReadonlyMap<PublicKey, DevicePeer>> {
  const peers = new Map<PublicKey, DevicePeer>();
  const looked = await device.look((peer) => peers.set(peer.publicKey, peer));
  if (!looked.ok) return fail({ message: looked.failure.detail });
  if (looked.value.publicKey === publicKey) return ok(peers);
  return fail({ message: 'the interface is up with another key than the file has: nothing is imported' });
}

/** `argument`: what of the command line names the file. */
async function readText(argument: string, path: string): Outcome<string> {
  const file = await readBoundedFile(path, interfaceFileBytesMax);
  if (file.ok) return ok(file.value.bytes.toString());
  return fail({ message: `${argument} ${describeFileFailure(path, file.failure)}` });
}

function refuse(what: string, reasons: readonly string[]): Result<never, ImportFailure> {
  return fail({ message: [`${what}:`, ...reasons.map((reason) => `- ${reason}`)].join('\n') });
}
