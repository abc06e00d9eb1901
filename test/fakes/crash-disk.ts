// A disk in memory that can be cut off from power: it knows every state that the machine could come back with.
// Its folders are only names; permissions are not checked.
import { constants } from 'node:fs';
import { dirname } from 'node:path';
import type { FileSystem, OpenFile } from '../../adapters/disk/file-system.ts';

/** Content by path. */
export type DiskFiles = ReadonlyMap<string, Buffer>;

export interface CrashDisk {
  readonly fileSystem: FileSystem;
  /** Every call so far that changes something or makes it durable, such as `write /d/peers 120`, the oldest first. */
  readonly calls: string[];
  /** Descriptors that are open. */
  readonly openFiles: number;
  /**
   * Sees each call before it happens. An answer makes it fail with this error of errno(3); a `write` then comes half
   * through, and with `short` it says so instead of failing.
   */
  onCall: (call: string) => string | null;
  /** The files as a process sees them. */
  files(): DiskFiles;
  /**
   * Every state that a power cut now may leave. What was not flushed may be there, or not, or cut off anywhere, or with
   * sectors that read as zeros; names that were changed since the folder was flushed may be changed, in any combination.
   */
  afterPowerCut(): Generator<DiskFiles>;
}

interface Inode {
  content: Buffer;
  durable: Buffer;
  pending: Pending[];
  mode: number;
}

/** What was not flushed yet: a write, or a truncation to a size. */
type Pending = { readonly position: number; readonly bytes: Buffer } | { readonly size: number };

type NameChange = (names: Map<string, Inode>) => void;

const sectorBytes = 512;

/** A disk that holds these files, durably. */
export function createCrashDisk(files: DiskFiles = new Map()): CrashDisk {
  let durableNames = new Map<string, Inode>();
  for (const [path, bytes] of files) durableNames.set(path, createInode(bytes));
  const names = new Map(durableNames);
  let nameChanges: { readonly folder: string; readonly change: NameChange }[] = [];
  const calls: string[] = [];
  const disk = { openFiles: 0 };

  function call(text: string): string | null {
    const verdict = result.onCall(text);
    calls.push(verdict === null ? text : `${text} ${verdict}`);
    return verdict;
  }

  function mustWork(text: string): void {
    const verdict = call(text);
    if (verdict !== null) throw systemError(verdict);
  }

  function changeNames(folder: string, change: NameChange): void {
    change(names);
    nameChanges.push({ folder, change });
  }

  function openInode(path: string, inode: Inode): OpenFile {
    disk.openFiles++;
    let closed = false;
    const live = () => {
      if (closed) throw systemError('EBADF');
      return inode;
    };
    return {
      async write(bytes, position) {
        live();
        const verdict = call(`write ${path} ${bytes.length}`);
        const written = Buffer.from(verdict === null ? bytes : bytes.subarray(0, bytes.length >> 1));
        inode.pending.push({ position, bytes: written });
        inode.content = applyPending(inode.content, { position, bytes: written });
        if (verdict !== null && verdict !== 'short') throw systemError(verdict);
        return written.length;
      },
      read: async (into, position) => live().content.copy(into, 0, position),
      stat: async () => ({ isFile: true, size: live().content.length, mode: live().mode }),
      chmod: async (mode) => {
        live().mode = mode;
      },
      async truncate(size) {
        live();
        mustWork(`truncate ${path} ${size}`);
        inode.pending.push({ size });
        inode.content = inode.content.subarray(0, size);
      },
      sync: async () => flush(live(), `fsync ${path}`),
      datasync: async () => flush(live(), `fdatasync ${path}`),
      async close() {
        live();
        closed = true;
        disk.openFiles--;
      },
    };
  }

  // After a failed flush Linux calls the lost pages clean: the next flush says that all is well.
  function flush(inode: Inode, text: string): void {
    const verdict = call(text);
    const pending = inode.pending;
    inode.pending = [];
    if (verdict !== null) throw systemError(verdict);
    for (const change of pending) inode.durable = applyPending(inode.durable, change);
  }

  function openFolder(folder: string): OpenFile {
    disk.openFiles++;
    const never = async () => {
      throw systemError('EISDIR');
    };
    return {
      write: never,
      read: never,
      stat: never,
      chmod: never,
      truncate: never,
      datasync: never,
      async sync() {
        mustWork(`fsync ${folder}`);
        const kept = nameChanges.filter((entry) => entry.folder !== folder);
        durableNames = new Map(names);
        nameChanges = kept;
      },
      async close() {
        disk.openFiles--;
      },
    };
  }

  const fileSystem: FileSystem = {
    async open(path, flags, mode = 0o666) {
      if ((flags & constants.O_DIRECTORY) !== 0) return openFolder(path);
      const existing = names.get(path);
      if (existing !== undefined) {
        if ((flags & constants.O_EXCL) !== 0) throw systemError('EEXIST');
        if ((flags & constants.O_TRUNC) !== 0) throw new Error('not modelled');
        return openInode(path, existing);
      }
      if ((flags & constants.O_CREAT) === 0) throw systemError('ENOENT');
      mustWork(`create ${path}`);
      const inode = createInode(Buffer.alloc(0), mode);
      changeNames(dirname(path), (map) => map.set(path, inode));
      return openInode(path, inode);
    },
    async rename(from, to) {
      mustWork(`rename ${from} ${to}`);
      const inode = names.get(from);
      if (inode === undefined) throw systemError('ENOENT');
      changeNames(dirname(to), (map) => {
        map.delete(from);
        map.set(to, inode);
      });
    },
    async unlink(path) {
      mustWork(`unlink ${path}`);
      if (!names.has(path)) throw systemError('ENOENT');
      changeNames(dirname(path), (map) => map.delete(path));
    },
    list: async (folder) =>
      [...names.keys()]
        .filter((path) => dirname(path) === folder)
        .map((path) => path.slice(folder.length + 1)),
    makeFolder: async () => undefined,
    async realPath(path) {
      if (names.has(path) || [...names.keys()].some((name) => dirname(name) === path)) return path;
      throw systemError('ENOENT');
    },
    readLink: async () => {
      throw systemError('EINVAL');
    },
    access: async () => {},
  };

  function* afterPowerCut(): Generator<DiskFiles> {
    if (nameChanges.length > 8) throw new Error('too many unflushed names to try all combinations');
    for (let chosen = 0; chosen < 2 ** nameChanges.length; chosen++) {
      const left = new Map(durableNames);
      nameChanges.forEach(({ change }, index) => {
        if ((chosen & (1 << index)) !== 0) change(left);
      });
      yield* contentsOf([...left]);
    }
  }

  const result: CrashDisk = {
    fileSystem,
    calls,
    get openFiles() {
      return disk.openFiles;
    },
    onCall: () => null,
    files: () => new Map([...names].map(([path, inode]) => [path, inode.content])),
    afterPowerCut,
  };
  return result;
}

/** All combinations of what may be left of each file. */
function* contentsOf(inodes: readonly (readonly [string, Inode])[]): Generator<Map<string, Buffer>> {
  const [first, ...rest] = inodes;
  if (first === undefined) {
    yield new Map();
    return;
  }
  const [path, inode] = first;
  for (const others of contentsOf(rest)) {
    for (const bytes of leftOf(inode)) yield new Map([...others, [path, bytes]]);
  }
}

/** What may be left of one file. A truncation that was not flushed may have happened or not, whatever was written after it. */
function* leftOf({ durable, pending }: Inode): Generator<Buffer> {
  const writes = pending.filter((change) => 'bytes' in change);
  const sizes = pending.flatMap((change) => ('size' in change ? change.size : []));
  yield* grownFrom(durable, writes);
  if (sizes.length > 0) yield* grownFrom(durable.subarray(0, Math.min(...sizes)), writes);
}

/** What may be left of writes to the end of a file, or over what is there. */
function* grownFrom(
  base: Buffer,
  writes: readonly { readonly position: number; readonly bytes: Buffer }[],
): Generator<Buffer> {
  yield base;
  if (writes.length === 0) return;
  let grown = base;
  for (const write of writes) grown = applyPending(grown, write);
  yield grown;
  const from = Math.min(base.length, ...writes.map(({ position }) => position));
  const step = Math.max(1, Math.floor((grown.length - from) / 40));
  for (let size = from + 1; size < grown.length; size += step) yield grown.subarray(0, size);
  yield grown.subarray(0, grown.length - 1);
  for (let sector = from - (from % sectorBytes); sector < grown.length; sector += sectorBytes) {
    const start = Math.max(sector, from);
    const end = Math.min(sector + sectorBytes, grown.length);
    yield Buffer.from(grown).fill(0, start, end);
    yield Buffer.concat([grown.subarray(0, start), Buffer.alloc(grown.length - start)]);
    yield Buffer.concat([
      base.subarray(0, from),
      Buffer.alloc(start - from),
      grown.subarray(start, end),
      Buffer.alloc(grown.length - end),
    ]);
  }
}

function createInode(bytes: Buffer, mode = 0o600): Inode {
  return { content: bytes, durable: bytes, pending: [], mode };
}

function applyPending(content: Buffer, change: Pending): Buffer {
  if ('size' in change) return content.subarray(0, change.size);
  const { position, bytes } = change;
  const grown = Buffer.alloc(Math.max(content.length, position + bytes.length));
  content.copy(grown);
  bytes.copy(grown, position);
  return grown;
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as planned`), { code, syscall: 'planned' });
}
