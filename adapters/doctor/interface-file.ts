// Looks at the interface's file, and holds it against the configuration. Keeps its key to itself.
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { InterfaceFileFacts } from '../../core/doctor/interface.ts';
import type { PrivateKey } from '../../core/peers/peer.ts';
import { listFileDifferences } from '../interface/file-differences.ts';
import { readInterfaceFile } from '../interface/interface-file.ts';
import { hasRulesOf, type InterfaceConfig, renderWgQuickFile } from '../interface/wg-quick-text.ts';

/** The file as its check sees it, and for others its key. */
export interface SeenFile {
  readonly content: InterfaceFileFacts['file'];
  /** Secret. Null: there is no file, or no key in it. */
  readonly privateKey: PrivateKey | null;
}

/** Reads the file at this path. Rejects when it goes while it is looked at. */
export async function lookAtInterfaceFile(path: string, config: InterfaceConfig): Promise<SeenFile> {
  const found = await readInterfaceFile(path);
  if (!found.ok) return { content: { unreadable: found.failure.message }, privateKey: null };
  const file = found.value;
  if (file === null) return { content: null, privateKey: null };
  const { privateKey, writtenByNode } = file;
  const content = {
    hasKey: privateKey !== null,
    writtenByNode,
    asConfigured: privateKey !== null && file.text === renderWgQuickFile(config, privateKey),
    differences: listFileDifferences(file, config),
    hasRules: hasRulesOf(file, config),
    peers: file.peerSections,
    mode: (await stat(path)).mode,
    folderMode: (await stat(dirname(path))).mode,
  };
  return { content, privateKey };
}
