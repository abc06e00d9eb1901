// The store in memory keeps the promises of every store, and so does the one of tests that believes all it is told.
import { createMemoryStore, type MemoryStoreContents } from '../../../adapters/store/memory-store.ts';
import type { PeerStore } from '../../../core/ports.ts';
import { storeContract } from '../../contracts/store.ts';
import { createForgetfulStore } from '../../fakes/forgetful-store.ts';

function contract(name: string, create: (contents: MemoryStoreContents) => PeerStore): void {
  storeContract(name, async () => {
    const contents: MemoryStoreContents = { peers: new Map(), retired: [] };
    return { open: () => create(contents), dispose: async () => {} };
  });
}

contract('memory', createMemoryStore);
contract('memory that forgets', createForgetfulStore);
