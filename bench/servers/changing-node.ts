// The node's own server and routes, where one of the first 50 peers has changed whenever somebody asks for a page.
import { createSystemClock } from '../../adapters/clock.ts';
import { startServer } from '../../core/http/server.ts';
import type { PeerTable } from '../../core/peers/table.ts';
import { createBenchApi } from '../in-process-api.ts';
import { readSpec } from './spec.ts';

const { port } = readSpec();
const clock = createSystemClock();
const { dispatch, access } = await createBenchApi(250, {
  clock,
  nodeSeen(node) {
    const table = node.table as PeerTable;
    const peers = table.page(0, 50).map((entry) => entry.peer);
    let turn = 0;
    let revision = table.revision;
    const change = () => {
      for (const peer of peers.slice(turn, turn + 1)) table.put(peer);
      turn = (turn + 1) % peers.length;
      return ++revision;
    };
    return { ...node, table: Object.defineProperty(table, 'revision', { get: change }) };
  },
});
const silent = () => {};
const log = { trace: silent, debug: silent, info: silent, warn: silent, error: silent, fatal: silent };
const started = await startServer({
  host: '127.0.0.1',
  port,
  tls: null,
  dispatch,
  access,
  clock,
  log,
  connectionsMax: 1_000,
});
if (!started.ok) process.exit(1);
