// What a read costs the node at 250 and at 65,000 peers, beside bare routes that answer the same bytes and beside the same
// reads on fastify, hono and node:http. CPU time of the server, never requests a second.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createApiClient } from '../test/fixtures/api-client.ts';
import { peerFixtures } from '../test/fixtures/peers.ts';
import { findFreePort } from '../test/fixtures/running-node.ts';
import type { Bench } from './bench.ts';
import { apiKey } from './in-process-api.ts';
import { type Contender, type Costs, costOf, interleave, wholeCostOf } from './interleave.ts';
import { loader, sliceMinMs, startLoad } from './load/load.ts';
import type { Load } from './load/plan.ts';
import { type BenchNode, createHome, type NodeHome } from './node-process.ts';
import { end, serverCore, startOn } from './processes.ts';
import type { Row } from './result.ts';
import { makeScratch, removeScratch } from './scratch.ts';
import type { Answer, ServerSpec } from './servers/spec.ts';

const few = 250;
const many = 65_000;
const frameworks = ['fastify', 'hono', 'node-http'] as const;

/** One kind of read. `targets`: what is drawn from, for a node of so many peers. */
interface Read {
  readonly name: string;
  /** As the bare server routes it. */
  readonly pattern: string;
  readonly targets: (peers: number) => readonly string[];
}

const reads: readonly Read[] = [
  { name: 'GET /healthz', pattern: '/healthz', targets: () => ['/healthz'] },
  { name: 'GET /stats', pattern: '/stats', targets: () => ['/stats'] },
  {
    name: 'GET /peers/{id}',
    pattern: '/peers/:peerId',
    targets: (peers) => peerFixtures(peers).map((peer) => `/peers/${peer.id}`),
  },
  { name: 'GET /peers?limit=50', pattern: '/peers', targets: () => ['/peers?offset=0&limit=50'] },
  {
    name: 'GET /peers?limit=50, any offset',
    pattern: '/peers',
    // Whole pages that have a page before them and one behind: they are all about as long.
    targets: (peers) =>
      Array.from({ length: peers - 100 }, (_, index) => `/peers?offset=${index + 50}&limit=50`),
  },
];

export const readsBench: Bench = {
  name: 'reads',
  what: 'CPU time of a read beside bare routes, other servers and 65,000 peers',
  async run({ rounds, progress }) {
    const folder = makeScratch('reads');
    const homes = [
      await createHome({ peers: few, backend: 'memory' }),
      await createHome({ peers: many, backend: 'memory' }),
    ];
    const stops: (() => Promise<unknown>)[] = [];
    const loads: Load[] = [];
    try {
      const [small, large] = (await Promise.all(homes.map((home) => home.start()))) as [BenchNode, BenchNode];
      stops.push(small.stop, large.stop);
      progress('taking the answers that the others give from the node');
      const bodies = await takeBodies(small);
      const contenders: Contender[] = [];
      const add = async (name: string, server: Started, read: Read, peers: number) => {
        const load = await startLoad({
          port: server.port,
          connections: 64,
          headers: { 'X-API-Key': apiKey },
          targets: read.targets(peers),
        });
        loads.push(load);
        contenders.push({ name: `${name} ${read.name}`, pid: server.pid, load });
      };
      const headers = await takeHeaders(small);
      for (const read of reads) {
        await add('node', small, read, few);
        await add('large', large, read, many);
        // A floor for each read, since a bare route answers one constant.
        const constant = await takeAnswer(small, read.targets(few).at(-1) ?? '', headers);
        const floor = await startServer('floor', folder, { constants: { [read.pattern]: constant } });
        stops.push(floor.stop);
        await add('floor', floor, read, few);
      }
      for (const framework of frameworks) {
        const server = await startServer(framework, folder, { bodies, headers });
        stops.push(server.stop);
        for (const read of reads) await add(framework, server, read, few);
      }
      const changing = await startServer('changing-node', folder, {});
      stops.push(changing.stop);
      const page = reads[3];
      if (page !== undefined) await add('changing', changing, page, few);
      for (const node of [small, large]) keepFresh(node, stops);
      const costs = await interleave(contenders, rounds, sliceMinMs, (round) =>
        progress(`round ${round} of ${rounds}`),
      );
      let bad = 0;
      for (const load of loads.splice(0)) bad += await load.stop();
      if (bad > 0) throw new Error(`${bad} answers were no good ones`);
      return report(costs);
    } finally {
      for (const load of loads) await load.stop();
      for (const stop of stops) await stop();
      for (const home of homes as NodeHome[]) home.remove();
      removeScratch(folder);
    }
  },
};

function report(costs: Costs): Row[] {
  const rows: Row[] = [];
  const unit = 'CPU-s per 1M';
  const bench = 'reads';
  for (const { name } of reads) {
    const value = costOf(costs, `node ${name}`);
    const floor = costOf(costs, `floor ${name}`);
    rows.push({
      bench,
      what: name,
      value,
      unit,
      against: { value: floor, what: 'bare route' },
      bar: { most: 1.35 },
      note: loader,
    });
  }
  const page = 'GET /peers?limit=50';
  rows.push({
    bench,
    what: `${page}, changed since the last`,
    value: costOf(costs, `changing ${page}`),
    unit,
    against: { value: costOf(costs, `floor ${page}`), what: 'bare route' },
    bar: { most: 2 },
  });
  for (const { name } of reads) {
    // With the looks at the device, which come once a second and cost the more the more peers there are.
    const value = wholeCostOf(costs, `large ${name}`);
    const against = { value: wholeCostOf(costs, `node ${name}`), what: 'at 250' };
    rows.push({ bench, what: `${name}, 65,000 peers`, value, unit, against, bar: { most: 1.25 } });
  }
  for (const { name } of reads) {
    const [best] = frameworks
      .map((what) => ({ what, value: costOf(costs, `${what} ${name}`) }))
      .sort((a, b) => a.value - b.value);
    if (best === undefined) continue;
    rows.push({
      bench,
      what: `${name}, beside others`,
      value: costOf(costs, `node ${name}`),
      unit,
      against: best,
      bar: { most: 0.5 },
    });
    for (const [series, contender] of [
      ['wgkeeper-node', 'node'],
      ['bare route', 'floor'],
      ...frameworks.map((what) => [what, what]),
    ] as const) {
      const point = { plot: 'beside others', series, x: 0 };
      rows.push({
        bench,
        what: `${name}, ${series}`,
        value: costOf(costs, `${contender} ${name}`),
        unit,
        against: null,
        bar: null,
        point,
      });
    }
  }
  return rows;
}

/**
 * Asks a node now and then, so that its looks at the device come as they do under a load that never pauses, and not at
 * the start of each slice.
 */
function keepFresh(node: BenchNode, stops: (() => Promise<unknown>)[]): void {
  const timer = setInterval(() => {
    node.client.request('GET', '/stats').catch(() => {});
  }, 200);
  stops.push(async () => clearInterval(timer));
}

interface Started {
  readonly pid: number;
  readonly port: number;
}

async function startServer(
  name: string,
  folder: string,
  spec: Partial<ServerSpec>,
): Promise<Started & { stop(): Promise<void> }> {
  const port = await findFreePort();
  const path = join(folder, `${name}-${port}.json`);
  const whole: ServerSpec = {
    port,
    apiKey,
    allowedIps: [
      ['127.0.0.0', 8, 'ipv4'],
      ['::1', 128, 'ipv6'],
    ],
    constants: {},
    bodies: {},
    headers: [],
    ...spec,
  };
  writeFileSync(path, JSON.stringify(whole));
  const program = fileURLToPath(import.meta.resolve(`./servers/${name}.js`));
  const child = startOn(serverCore, [process.execPath, program, path], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await untilListens(port, () => child.exitCode === null);
  return { pid: child.pid ?? 0, port, stop: () => end(child) };
}

async function untilListens(port: number, lives: () => boolean): Promise<void> {
  for (;;) {
    if (!lives()) throw new Error('a server ended before it listened');
    const socket = connect(port, '127.0.0.1');
    const listens = await Promise.race([once(socket, 'connect'), once(socket, 'error')]).then(
      () => !socket.destroyed && !socket.connecting,
      () => false,
    );
    socket.destroy();
    if (listens) return;
    await setTimeout(5);
  }
}

/** Everything that is asked of the other servers, as the node answers it. */
async function takeBodies(node: BenchNode): Promise<Record<string, string>> {
  const bodies: Record<string, string> = {};
  for (const target of new Set(reads.flatMap((read) => read.targets(few)))) {
    const answer = await node.client.request('GET', target);
    if (answer.status !== 200) throw new Error(`${target}: ${answer.status}`);
    bodies[target] = answer.body;
  }
  return bodies;
}

/** Headers that every answer has, in the node's order and letter case, without the request id and those of the server. */
async function takeHeaders(node: BenchNode): Promise<Answer['headers']> {
  const lines = await rawHeaders(node.port);
  const ownOfServer = ['date', 'content-length', 'connection', 'x-request-id'];
  return lines.filter(([name]) => !ownOfServer.includes(name.toLowerCase()));
}

async function rawHeaders(port: number): Promise<readonly (readonly [string, string])[]> {
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /healthz HTTP/1.1\r\nHost: node\r\n\r\n');
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  const lines = bytes.toString('latin1').split('\r\n\r\n')[0]?.split('\r\n').slice(1) ?? [];
  return lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)] as const);
}

async function takeAnswer(node: BenchNode, target: string, headers: Answer['headers']): Promise<Answer> {
  const client = createApiClient({ port: node.port }, apiKey);
  const { status, body } = await client.request('GET', target);
  client.close();
  return { status, body, headers: [...headers, ['X-Request-Id', '5a5a5a5a-5a5a-4a5a-9a5a-5a5a5a5a5a5a']] };
}
