// A store whose disk fails when it is told to, in front of any other.
import type { PeerStore, StoreFailure } from '../../core/ports.ts';
import { fail, type Result } from '../../core/result.ts';

/** How a write goes: well; not at all; or wholly, and then reported as failed, as a flush can. */
export type WriteFate = 'good' | 'lost' | 'written_but_failed';

export interface FlakyStore extends PeerStore {
  /** Decides the fate of each write from now on. */
  fate: (write: 'commit' | 'rewrite') => WriteFate;
  /** What each commit waits for from now on, before it is made. */
  hold: () => Promise<void>;
  readonly writes: { commits: number; rewrites: number };
}

export function createFlakyStore(store: PeerStore): FlakyStore {
  const writes = { commits: 0, rewrites: 0 };
  const failure: StoreFailure = { code: 'store_failed', detail: 'the disk failed, as planned' };

  async function write(
    fate: WriteFate,
    really: () => Promise<Result<void, StoreFailure>>,
  ): Promise<Result<void, StoreFailure>> {
    if (fate === 'lost') return fail(failure);
    const written = await really();
    return fate === 'good' ? written : fail(failure);
  }

  return {
    fate: () => 'good',
    hold: () => Promise.resolve(),
    writes,
    load: () => store.load(),
    async commit(changes, peersBefore) {
      writes.commits++;
      await this.hold();
      return write(this.fate('commit'), () => store.commit(changes, peersBefore));
    },
    rewrite(peers, retired) {
      writes.rewrites++;
      return write(this.fate('rewrite'), () => store.rewrite(peers, retired));
    },
    keepCopy: (nowMs) => store.keepCopy(nowMs),
    close: () => store.close(),
  };
}
