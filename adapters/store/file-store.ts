// The peer store on one file: written whole now and then, and between by appended batches. What the bytes mean is format.ts.
import { storeAppendedBytesMin, storePeersPerFrame } from '../../core/limits.ts';
import type { Peer, PeerId, PublicKey } from '../../core/peers/peer.ts';
import type { Log, PeerStore, StoreChange, StoredPeers, StoreFailure } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { keepCopy as keepCopyOf, replaceFile } from '../disk/atomic-file.ts';
import type { AcquireFileLock, FileLock } from '../disk/file-lock.ts';
import {
  closeQuietly,
  describeSystemError,
  type FileSystem,
  nodeFileSystem,
  type OpenFile,
} from '../disk/file-system.ts';
import { applyChanges, keepRetired } from './changes.ts';
import { decodeStore, encodeBatch, encodeStore, firstBatchNumber, unstorable } from './format.ts';
import { claimStore, openStore, readWhole, storeFileMode } from './open.ts';

/** The store, and what it takes on the disk. */
export interface FileStore extends PeerStore {
  /** Bytes of its file; 0: there is none, or none that is known to be whole. */
  bytes(): number;
}

/** The open file, and where its next batch goes. Sizes in bytes. */
interface OpenStore {
  readonly file: OpenFile;
  readonly snapshotBytes: number;
  readonly size: number;
  readonly nextFrame: number;
  /** Whether the file may end in the rest of a batch that a crash left unfinished: nothing can be appended behind it. */
  readonly tornTail: boolean;
  /** Whether it begins with what `load` read; else it was written anew since. */
  readonly asLoaded: boolean;
}

/**
 * A store at this path. It is a file of mode 0600, made at the first change, in a folder that `load` makes where it is
 * missing. Beside it stand `<path>.lock` for as long as anybody ever used it, a temporary file while it is written anew,
 * and the copies of `keepCopy`, `<path>.<time>.bak`. A path that is a symbolic link stays one.
 *
 * A commit is one write and one fdatasync(2), or a whole new file once the batches outweigh the peers. After a failure
 * the file is never written or flushed again, since a second fsync(2) would report good what the first one lost: the
 * failed batch is cut off, as far as that works, and `rewrite` makes a new file from memory.
 */
export function createFileStore(
  path: string,
  options: {
    readonly log: Log;
    readonly lock: AcquireFileLock;
    readonly fileSystem?: FileSystem;
    /** Bytes of batches that a file may hold even if its peers take less. */
    readonly appendedBytesMin?: number;
  },
): FileStore {
  const { log, lock: acquireLock, fileSystem = nodeFileSystem } = options;
  const appendedBytesMin = options.appendedBytesMin ?? storeAppendedBytesMin;
  let target = path;
  let lock: FileLock | null = null;
  // Null: there is no file, or none that may be appended to.
  let open: OpenStore | null = null;
  let phase: 'new' | 'ready' | 'failed' | 'closed' = 'new';
  let retired: readonly PublicKey[] = [];
  // Null: there was no file.
  let loadedBytes: number | null = null;

  async function load(): Promise<Result<StoredPeers, StoreFailure>> {
    if (phase !== 'new') return failed('load must come first, and once');
    const claimed = await claimStore(path, fileSystem, acquireLock);
    if (!claimed.ok) return claimed;
    ({ target, lock } = claimed.value);
    const loaded = await read();
    if (loaded.ok) phase = 'ready';
    else await close();
    return loaded;
  }

  async function read(): Promise<Result<StoredPeers, StoreFailure>> {
    const opened = await openStore(target, fileSystem);
    if (!opened.ok) return opened;
    if (opened.value === null) return ok({ peers: [], retired: [] });
    const { file, bytes, modeTightened } = opened.value;
    if (modeTightened) {
      log.warn({ file: target }, 'the store could be read by others and holds secrets: its mode is 0600 now');
    }
    const decoded = await decodeStore(bytes);
    if (!decoded.ok) {
      await closeQuietly(file);
      return fail({ code: 'store_invalid', detail: `${target}: ${decoded.failure}` });
    }
    const { peers, snapshotBytes, wholeBytes, nextFrame } = decoded.value;
    const tornTail = wholeBytes < bytes.length && !(await dropTail(file, wholeBytes, bytes.length));
    open = { file, snapshotBytes, size: wholeBytes, nextFrame, tornTail, asLoaded: true };
    loadedBytes = wholeBytes;
    retired = decoded.value.retired;
    return ok({ peers, retired });
  }

  /** Cuts off what a crash left of an unfinished batch, durably; false: it may be there still. */
  async function dropTail(file: OpenFile, wholeBytes: number, size: number): Promise<boolean> {
    const fields = { file: target, byte: wholeBytes, droppedBytes: size - wholeBytes };
    log.warn(fields, 'the last batch of the store was cut off while it was written, and is dropped');
    try {
      await file.truncate(wholeBytes);
      // Before anything is appended, or a power cut could leave a new batch with the rest of this one behind it.
      await file.sync();
      return true;
    } catch (error) {
      log.warn(
        { ...fields, reason: describeSystemError(error) },
        'the dropped batch stays in the store for now',
      );
      return false;
    }
  }

  async function commit(
    changes: readonly StoreChange[],
    peersBefore: () => readonly Peer[],
  ): Promise<Result<void, StoreFailure>> {
    if (phase !== 'ready')
      return failed('a commit needs a store that was loaded, and whose last write went well');
    for (const change of changes) {
      const problem = unstorable(change);
      // Once in the file it would keep the node from starting.
      if (problem !== null) return failed(`refused: ${problem}`);
    }
    if (changes.length === 0) return ok(undefined);
    retired = keepRetired(retired, changes);
    if (open !== null && !open.tornTail && changes.length <= storePeersPerFrame) {
      const batch = encodeBatch(open.nextFrame, changes);
      const appendedBytes = open.size + batch.length - open.snapshotBytes;
      if (appendedBytes <= Math.max(appendedBytesMin, open.snapshotBytes)) return append(open, batch);
    }
    const peers = new Map<PeerId, Peer>();
    for (const peer of peersBefore()) peers.set(peer.id, peer);
    applyChanges(peers, changes);
    return writeWhole([...peers.values()]);
  }

  async function append(store: OpenStore, batch: Uint8Array): Promise<Result<void, StoreFailure>> {
    try {
      const count = await store.file.write(batch, store.size);
      if (count !== batch.length) return poisoned(store, 'short write, as on a full disk');
      await store.file.datasync();
    } catch (error) {
      return poisoned(store, describeSystemError(error));
    }
    open = { ...store, size: store.size + batch.length, nextFrame: store.nextFrame + 1 };
    return ok(undefined);
  }

  async function rewrite(
    peers: readonly Peer[],
    retiredKeys: readonly PublicKey[],
  ): Promise<Result<void, StoreFailure>> {
    if (phase !== 'ready' && phase !== 'failed') return failed('a rewrite needs a store that was loaded');
    retired = retiredKeys;
    return writeWhole(peers);
  }

  async function writeWhole(peers: readonly Peer[]): Promise<Result<void, StoreFailure>> {
    const written = await replaceFile(fileSystem, target, storeFileMode, encodeStore(peers, retired));
    await forgetFile();
    phase = written.ok ? 'ready' : 'failed';
    if (!written.ok) return failed(written.failure.detail);
    const { file, size } = written.value;
    const nextFrame = firstBatchNumber(peers.length);
    open = { file, snapshotBytes: size, size, nextFrame, tornTail: false, asLoaded: false };
    return ok(undefined);
  }

  async function poisoned(store: OpenStore, reason: string): Promise<Result<void, StoreFailure>> {
    phase = 'failed';
    // What could not be flushed may still stand there whole: should the process end before `rewrite` succeeds, the next
    // one would take for made what the callers were told was not. That cutting it off fails, too, changes nothing.
    await store.file.truncate(store.size).catch(describeSystemError);
    await forgetFile();
    return failed(`${target}: ${reason}`);
  }

  async function forgetFile(): Promise<void> {
    if (open !== null) await closeQuietly(open.file);
    open = null;
  }

  async function keepCopy(nowMs: number): Promise<Result<string | null, StoreFailure>> {
    if (phase !== 'ready') return failed('a copy can be kept of a store that was loaded');
    if (loadedBytes === null) return ok(null);
    if (open === null || !open.asLoaded) return failed(`${target}: written anew since it was loaded`);
    try {
      const bytes = await readWhole(open.file, loadedBytes);
      const kept = await keepCopyOf(fileSystem, target, { mode: storeFileMode, nowMs }, bytes);
      return kept.ok ? kept : failed(kept.failure.detail);
    } catch (error) {
      return failed(`${target}: ${describeSystemError(error)}`);
    }
  }

  async function close(): Promise<void> {
    phase = 'closed';
    await forgetFile();
    await lock?.release();
    lock = null;
  }

  return { load, commit, rewrite, keepCopy, close, bytes: () => open?.size ?? 0 };
}

function failed(detail: string): Result<never, StoreFailure> {
  return fail({ code: 'store_failed', detail });
}
