// The file that holds the node's identity: found, made, adopted or rewritten. Touches no interface.
import { chmod, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hideKeys } from '../../core/hide-keys.ts';
import { interfaceFileBytesMax } from '../../core/limits.ts';
import type { PrivateKey } from '../../core/peers/peer.ts';
import type { Log } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { keepCopy, makeFolder, removeTemporaries, writeFileAtomically } from '../disk/atomic-file.ts';
import { describeSystemError, nodeFileSystem } from '../disk/file-system.ts';
import { readBoundedFile } from '../disk/small-file.ts';
import { type FileDifference, formatFileDifferences, listFileDifferences } from './file-differences.ts';
import {
  hasRulesOf,
  type InterfaceConfig,
  parseWgQuickFile,
  renderWgQuickFile,
  type WgQuickFile,
} from './wg-quick-text.ts';

/** The file as it ought to be now. */
export interface SettledFile {
  readonly path: string;
  /** Secret. */
  readonly privateKey: PrivateKey;
  readonly writtenByNode: boolean;
}

/** Why there is no file to go by. A file that was there is as it was. */
export interface FileFailure {
  readonly code: 'file_unreadable' | 'file_without_key' | 'file_differs' | 'file_write_failed';
  /** For the operator. */
  readonly message: string;
}

/** What settling a file needs. */
export interface FileContext<Failure> {
  readonly folder: string;
  readonly log: Log;
  /** The key of the live interface; null: there is no interface, or it has none. Asked for when there is no file. */
  readonly liveKey: () => Promise<Result<PrivateKey | null, Failure>>;
  readonly createPrivateKey: () => PrivateKey;
  readonly peersStored: boolean;
}

/** `/etc/wireguard` for root, `wireguard` in the working directory otherwise. */
export function interfaceFolder(isRoot: boolean, workingDirectory: string): string {
  return isRoot ? '/etc/wireguard' : join(workingDirectory, 'wireguard');
}

/** The path of an interface's file. */
export function interfacePath(folder: string, name: string): string {
  return join(folder, `${name}.conf`);
}

/** Makes sure of the file. The folder must be there, and nobody else may write in it. */
export async function settleFile<Failure>(
  config: InterfaceConfig,
  context: FileContext<Failure>,
): Promise<Result<SettledFile, Failure | FileFailure>> {
  const path = interfacePath(context.folder, config.interface);
  const found = await readInterfaceFile(path);
  if (!found.ok) return found;
  const file = found.value;
  if (file === null) return makeFile(path, config, context);
  if (file.privateKey === null) return fail(withoutKey(path));
  const settled = { path, privateKey: file.privateKey, writtenByNode: file.writtenByNode };
  return file.writtenByNode
    ? refreshFile(file, settled, config, context.log)
    : compareFile(file, settled, config, context.log);
}

/**
 * Puts the node's own file, with this key, in the place of one that it did not write, and keeps a copy of that beside it;
 * the answer is the copy's path, null where there was nothing to copy. A file that the node wrote stays as it is. Whether
 * a file that is there has the same key is to be known before.
 */
export async function takeOverFile(
  config: InterfaceConfig,
  privateKey: PrivateKey,
  context: { readonly folder: string; readonly nowMs: number },
): Promise<Result<string | null, FileFailure>> {
  const path = interfacePath(context.folder, config.interface);
  const found = await readInterfaceFile(path);
  if (!found.ok) return found;
  const file = found.value;
  if (file?.writtenByNode) return ok(null);
  const copied = file === null ? ok(null) : await copyFile(path, file.text, context.nowMs);
  if (!copied.ok) return copied;
  const written = await writeFile(path, renderWgQuickFile(config, privateKey));
  return written.ok ? copied : written;
}

/** Reads a file; null: there is none. */
export async function readInterfaceFile(path: string): Promise<Result<WgQuickFile | null, FileFailure>> {
  const file = await readBoundedFile(path, interfaceFileBytesMax);
  if (file.ok) return ok(parseWgQuickFile(file.value.bytes.toString()));
  return file.failure.code === 'missing' ? ok(null) : fail(unreadable(path, file.failure.reason));
}

async function refreshFile(
  file: WgQuickFile,
  settled: SettledFile,
  config: InterfaceConfig,
  log: Log,
): Promise<Result<SettledFile, FileFailure>> {
  const { path, privateKey } = settled;
  await tighten(path, 0o600, log);
  const text = renderWgQuickFile(config, privateKey);
  if (text === file.text) return ok(settled);
  const written = await writeFile(path, text);
  if (!written.ok) return written;
  log.info({ path }, 'the configuration has changed: WireGuard file rewritten, its key kept');
  return ok(settled);
}

function compareFile(
  file: WgQuickFile,
  settled: SettledFile,
  config: InterfaceConfig,
  log: Log,
): Result<SettledFile, FileFailure> {
  const { path } = settled;
  const differences = listFileDifferences(file, config);
  if (differences.length > 0) return fail(fileDiffers(path, differences));
  if (!hasRulesOf(file, config)) {
    log.warn(
      // By hand a rule may set a preshared key.
      { path, postUp: file.postUp.map(hideKeys), postDown: file.postDown.map(hideKeys) },
      'the WireGuard file was not written by the node, and its PostUp and PostDown are other than the node would write: left alone',
    );
  }
  return ok(settled);
}

/** Makes sure of the folder, for its owner only. */
export async function ensureFolder(folder: string, log: Log): Promise<Result<void, FileFailure>> {
  const made = await makeFolder(folder, { mode: 0o700 });
  if (!made.ok) return fail({ code: 'file_write_failed', message: `${made.failure}: can't be made` });
  await tighten(folder, 0o700, log);
  return ok(undefined);
}

async function makeFile<Failure>(
  path: string,
  config: InterfaceConfig,
  context: FileContext<Failure>,
): Promise<Result<SettledFile, Failure | FileFailure>> {
  const { log } = context;
  const live = await context.liveKey();
  if (!live.ok) return live;
  const privateKey = live.value ?? context.createPrivateKey();
  const written = await writeFile(path, renderWgQuickFile(config, privateKey));
  if (!written.ok) return written;
  if (live.value !== null) {
    log.warn({ path }, 'the WireGuard file was missing: made anew with the key of the interface that is up');
  } else if (context.peersStored) {
    log.error(
      { path },
      'THE WIREGUARD FILE WAS MISSING and peers are stored: the node has a NEW KEY and no stored peer can connect. Put the old file back from a backup, or rotate every peer',
    );
  } else log.info({ path }, 'WireGuard file made, with a new key');
  return ok({ path, privateKey, writtenByNode: true });
}

async function copyFile(path: string, text: string, nowMs: number): Promise<Result<string, FileFailure>> {
  const kept = await keepCopy(nodeFileSystem, path, { mode: 0o600, nowMs }, Buffer.from(text));
  return kept.ok ? kept : fail(notWritten(kept.failure.detail));
}

async function writeFile(path: string, text: string): Promise<Result<void, FileFailure>> {
  // What a crash left of an earlier write holds the key. Nobody else writes now: the folder is locked.
  await removeTemporaries(nodeFileSystem, path);
  const written = await writeFileAtomically(path, Buffer.from(text), { mode: 0o600 });
  return written.ok ? ok(undefined) : fail(notWritten(written.failure.detail));
}

function notWritten(detail: string): FileFailure {
  return { code: 'file_write_failed', message: `can't be written: ${detail}` };
}

async function tighten(path: string, mode: number, log: Log): Promise<void> {
  try {
    if (((await stat(path)).mode & 0o777) === mode) return;
    await chmod(path, mode);
    log.warn({ path, mode: mode.toString(8) }, 'others could have got at the WireGuard key: mode changed');
  } catch (error) {
    log.warn(
      { path, reason: describeSystemError(error) },
      'others may get at the WireGuard key: mode not changed',
    );
  }
}

function unreadable(path: string, why: string): FileFailure {
  const message = `${path} can't be read: ${why}. It holds the node's key, so no new one is made: make it readable, or move it away for a new key`;
  return { code: 'file_unreadable', message };
}

function withoutKey(path: string): FileFailure {
  const message = `${path} has no valid PrivateKey in [Interface], and no new one is made: put the key back from a backup, or move the file away for a new key`;
  return { code: 'file_without_key', message };
}

function fileDiffers(path: string, differences: readonly FileDifference[]): FileFailure {
  const message = [
    `${path} was not written by the node, or was edited since, and differs from the configuration:`,
    ...formatFileDifferences(differences),
    `Then start again. Once they agree, "wgkeeper-node import ${path} --apply" makes the file the node's own, with the same key, and config.yaml alone counts.`,
  ].join('\n');
  return { code: 'file_differs', message };
}
