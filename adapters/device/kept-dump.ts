// A dump that was read to see what the interface is, kept for the server's first look at the same device. wireguard-go takes
// 0.3 s for one of 65,000 peers, and over 4 s while it calls as many that are silent (measured).
import { keptDumpAgeMaxMs } from '../../core/limits.ts';
import type { Clock } from '../../core/ports.ts';
import { type MemoryFile, openMemoryFile } from './memory-file.ts';

/** At most one dump, the newest. */
export interface KeptDump {
  /** Begins one, in place of the last. Nothing is kept where there is no memory file for it. */
  begin(): void;
  /** Takes the next bytes of it. */
  append(piece: Uint8Array): void;
  /** The dump is whole. */
  end(): void;
  /** Forgets it: it failed, or the device was changed since. */
  drop(): void;
  /** Hands the dump out, once, to be read and closed; null: none is whole, or it began more than `keptDumpAgeMaxMs` ago. */
  take(): MemoryFile | null;
}

/** Nothing is kept yet. */
export function createKeptDump(clock: Pick<Clock, 'monotonicMs'>): KeptDump {
  let file: MemoryFile | null = null;
  let beganMs = 0;
  let whole = false;

  function drop(): void {
    file?.close();
    file = null;
  }

  return {
    begin() {
      drop();
      file = openMemoryFile();
      beganMs = clock.monotonicMs();
      whole = false;
    },
    append(piece) {
      if (file?.append(piece) === false) drop();
    },
    end() {
      whole = true;
    },
    drop,
    take() {
      if (!whole || clock.monotonicMs() - beganMs > keptDumpAgeMaxMs) drop();
      const taken = file;
      file = null;
      return taken;
    },
  };
}
