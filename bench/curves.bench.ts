// How cost grows with the number of peers, and the rate of creates with the number of clients: what the plots show. No bars.
import { peerFixtures } from '../test/fixtures/peers.ts';
import type { Bench, Surroundings } from './bench.ts';
import { apiKey } from './in-process-api.ts';
import { type Contender, costOf, interleave } from './interleave.ts';
import { rateOf, sliceMinMs, startLoad } from './load/load.ts';
import { createHome } from './node-process.ts';
import { median, type Row } from './result.ts';

const peerCounts = [250, 1_000, 4_000, 16_000, 65_000];
const clientCounts = [1, 4, 16, 64, 256];
const headers = { 'X-API-Key': apiKey };

export const curvesBench: Bench = {
  name: 'curves',
  what: 'cost of reads against peers, rate of creates against clients',
  run: async (surroundings) => [
    ...(await costAgainstPeers(surroundings)),
    ...(await rateAgainstClients(surroundings)),
  ],
};

const reads = {
  '/stats': () => ['/stats'],
  'one peer, drawn at random': (peers: number) => peerFixtures(peers).map((peer) => `/peers/${peer.id}`),
  'a page of 50, drawn at random': (peers: number) =>
    Array.from({ length: peers - 100 }, (_, index) => `/peers?offset=${index + 50}&limit=50`),
} as const;

async function costAgainstPeers({ rounds, progress }: Surroundings): Promise<Row[]> {
  const ends: (() => unknown)[] = [];
  const contenders: Contender[] = [];
  try {
    for (const peers of peerCounts) {
      progress(`starting a node of ${peers} peers`);
      const home = await createHome({ peers, backend: 'memory' });
      ends.unshift(home.remove);
      const node = await home.start();
      ends.unshift(node.stop);
      for (const [name, targets] of Object.entries(reads)) {
        const load = await startLoad({ port: node.port, connections: 64, headers, targets: targets(peers) });
        ends.unshift(load.stop);
        contenders.push({ name: `${peers} ${name}`, pid: node.pid, load });
      }
    }
    const costs = await interleave(contenders, rounds, sliceMinMs, (round) =>
      progress(`round ${round} of ${rounds}`),
    );
    return Object.keys(reads).flatMap((series) =>
      peerCounts.map((x) => ({
        bench: 'curves',
        what: `${series}, ${x} peers`,
        value: costOf(costs, `${x} ${series}`),
        unit: 'CPU-s per 1M',
        against: null,
        bar: null,
        point: { plot: 'cost against peers', series, x },
      })),
    );
  } finally {
    for (const end of ends) await end();
  }
}

async function rateAgainstClients({ rounds, progress }: Surroundings): Promise<Row[]> {
  const rows: Row[] = [];
  for (const x of clientCounts) {
    progress(`${x} clients`);
    rows.push({
      bench: 'curves',
      what: `POST /peers, ${x} clients, memory device, store file`,
      value: await rateOfCreates(x, Math.min(rounds, 5)),
      unit: 'peers/s',
      against: null,
      bar: null,
      point: { plot: 'rate against clients', series: 'durable creates', x },
    });
  }
  return rows;
}

/** Peers a second, the median of some rounds, on a fresh node: one alone would be full before the last client came. */
async function rateOfCreates(clients: number, rounds: number): Promise<number> {
  const home = await createHome({ peers: 250, backend: 'memory' });
  const node = await home.start();
  try {
    const load = await startLoad({
      port: node.port,
      connections: clients,
      headers,
      targets: [],
      creates: true,
    });
    const rates: number[] = [];
    for (let round = 0; round < rounds; round++) rates.push(await rateOf(load, 500));
    if ((await load.stop()) > 0) throw new Error('creates failed');
    return median(rates);
  } finally {
    await node.stop();
    home.remove();
  }
}
