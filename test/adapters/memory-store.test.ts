// The store in memory keeps the promises of every store.
import { createMemoryStore, type MemoryStoreContents } from '../../adapters/memory-store.ts';
import { storeContract } from '../contracts/store.ts';

storeContract('memory', async () => {
  const contents: MemoryStoreContents = { peers: new Map(), retired: [] };
  return { open: () => createMemoryStore(contents), dispose: async () => {} };
});
