// The node's own server and routes over peers that look changed to every asker: nothing that was rendered may be used again.
import { createSystemClock } from '../../adapters/clock.ts';
import { startServer } from '../../core/http/server.ts';
import { createBenchApi } from '../in-process-api.ts';
import { readSpec } from './spec.ts';

const { port } = readSpec();
const clock = createSystemClock();
let revision = 0;
const { dispatch, access } = await createBenchApi(250, {
  clock,
  nodeSeen: (node) => ({
    ...node,
    table: Object.create(node.table, { revision: { get: () => revision++ } }) as typeof node.table,
  }),
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
