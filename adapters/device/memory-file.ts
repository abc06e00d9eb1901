// Files without a name, in memory, for what must pass between processes and be seen by nobody else. Holds no policy of who writes what.
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  statfsSync,
  writeSync,
} from 'node:fs';

/** An unnamed file of mode 0600 in a memory file system: on no disk, in no folder, and gone with the last process that has it open. */
export interface MemoryFile {
  /** To be handed to a child, which may open it anew as `/dev/fd/N`. Children append to it. */
  readonly descriptor: number;
  /** Adds bytes at the end. False: the memory file system is full, and some of them may be there. */
  append(bytes: Uint8Array): boolean;
  /** Makes the text all of its content. ASCII only. False: the memory file system is full, and the file is empty. */
  replace(text: string): boolean;
  /** Bytes in it now. */
  size(): number;
  /** Up to `lengthMax` bytes from a position, as ASCII text; an empty text at the end. */
  read(position: number, lengthMax: number): string;
  /** Empties it. */
  clear(): void;
  /** Empties and closes it. Nothing else may be called afterwards. */
  close(): void;
}

// Linux has no other spelling of O_TMPFILE, and Node has none: include/uapi/asm-generic/fcntl.h.
const temporaryFile = 0o20000000 | constants.O_DIRECTORY;

/** f_type of tmpfs and of ramfs: statfs(2). */
const memoryFileSystems: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

/** Where an unnamed file is tried, in this order; a folder that is not in memory is passed over. */
const folders = ['/dev/shm', '/run', '/tmp'];

/** Opens a new, empty one. Null: no folder for it is there, or no descriptor is left. */
export function openMemoryFile(): MemoryFile | null {
  for (const folder of folders) {
    const descriptor = openUnnamed(folder);
    if (descriptor !== null) return memoryFile(descriptor);
  }
  return null;
}

function openUnnamed(folder: string): number | null {
  try {
    if (!memoryFileSystems.has(statfsSync(folder).type)) return null;
    // Append: a child's position is the parent's too, and after clearing it would leave a hole.
    return openSync(folder, temporaryFile | constants.O_RDWR | constants.O_APPEND, 0o600);
  } catch {
    return null;
  }
}

function memoryFile(descriptor: number): MemoryFile {
  const clear = () => ftruncateSync(descriptor, 0);
  return {
    descriptor,
    clear,
    append: (bytes) => appendAll(descriptor, bytes),
    replace(text) {
      clear();
      if (appendAll(descriptor, Buffer.from(text, 'latin1'))) return true;
      clear();
      return false;
    },
    size: () => fstatSync(descriptor).size,
    read(position, lengthMax) {
      const buffer = Buffer.allocUnsafe(lengthMax);
      return buffer.toString('latin1', 0, readSync(descriptor, buffer, 0, lengthMax, position));
    },
    close() {
      clear();
      closeSync(descriptor);
    },
  };
}

function appendAll(descriptor: number, bytes: Uint8Array): boolean {
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
    return true;
  } catch {
    return false;
  }
}
