// A node with 65,000 peers on a real device: how long it takes to start, how long its event loop stops under everything at
// once, and how much memory it holds.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { peerFixtures } from '../test/fixtures/peers.ts';
import type { Bench } from './bench.ts';
import { apiKey } from './in-process-api.ts';
import { startLoad } from './load/load.ts';
import type { BenchNode } from './node-process.ts';
import { end, loadCore, residentBytes, startOn } from './processes.ts';
import { median, type Row } from './result.ts';
import { makeScratch, removeScratch } from './scratch.ts';
import { createSite, quiet, type Site, whyNoSite } from './site.ts';

const many = 65_000;
const headers = { 'X-API-Key': apiKey };
const megabyte = 1_000_000;
/** Seconds from a start until a node has rested, and the last of them, whose median counts. */
const restSeconds = 40;
const countedSeconds = 10;

export const largeBench: Bench = {
  name: 'large',
  what: 'start, memory and stops of the event loop with 65,000 peers on a real device',
  unable: whyNoSite,
  async run({ rounds, progress }) {
    progress('memory, idle');
    // V8 decides when it gives back what the start took: one node in five or so still has it.
    const idles = await Promise.all(Array.from({ length: 3 }, measureIdle));
    const idle = {
      bytes: median(idles.map(({ bytes }) => bytes)),
      mostBytes: Math.max(...idles.map(({ mostBytes }) => mostBytes)),
    };
    const preload = fileURLToPath(import.meta.resolve('./servers/loop-watch.js'));
    const folder = makeScratch('loop', 'memory');
    const loopFile = join(folder, 'stops');
    const site = await createSite({
      peers: many,
      anyCore: true,
      calm: true,
      preload: [preload],
      environment: { BENCH_LOOP_FILE: loopFile },
    });
    try {
      progress('putting 65,000 peers on the device');
      await (await site.start()).stop();
      progress('waiting for the device to calm down');
      await quiet(site.namespace);
      const startsMs: number[] = [];
      let node: BenchNode | null = null;
      for (let round = 1; round <= Math.min(rounds, 5); round++) {
        progress(`start ${round}`);
        await node?.stop();
        node = await site.start();
        startsMs.push(node.readyMs);
      }
      if (node === null) return [];
      const stopMs = await longestStop(site, node, loopFile, progress);
      await node.stop();
      const memory = await measureMemory(site, progress);
      return rowsOf(idle, median(startsMs), stopMs, memory);
    } finally {
      await site.close();
      removeScratch(folder);
    }
  },
};

/** What a node holds when it has rested from its start: what starting took, V8 mostly gives back within half a minute. */
interface Rested {
  readonly bytes: number;
  /** The most since the start. */
  readonly mostBytes: number;
}

interface Memory {
  readonly full: Rested;
  readonly readersBytes: number;
}

function rowsOf(idle: Rested, startMs: number, stopMs: number, memory: Memory): Row[] {
  const base = { bench: 'large', against: null };
  const rested = ({ bytes, mostBytes }: Rested) => ({
    value: bytes / megabyte,
    unit: 'MB RSS',
    note: `${Math.round(mostBytes / megabyte)} MB at most before`,
  });
  return [
    {
      ...base,
      what: 'start with 65,000 peers on the device',
      value: startMs / 1_000,
      unit: 's',
      bar: { most: 3 },
    },
    {
      ...base,
      what: 'longest stop of the event loop, 65,000 peers',
      value: stopMs,
      unit: 'ms',
      bar: { most: 50 },
    },
    {
      ...base,
      ...rested(idle),
      what: 'memory, idle, half a minute after a start, median of 3 nodes',
      bar: { most: 75 },
    },
    {
      ...base,
      ...rested(memory.full),
      what: 'memory, 65,000 peers, polled, half a minute after a start',
      bar: { most: 220 },
    },
    {
      ...base,
      what: 'memory, 65,000 peers and ten slow readers',
      value: memory.readersBytes / megabyte,
      unit: 'MB RSS',
      bar: { most: 300 },
    },
  ];
}

async function measureIdle(): Promise<Rested> {
  const site = await createSite({ peers: 0, anyCore: true });
  try {
    const node = await site.start();
    return restedOf(await bytesEachSecond(node, restSeconds, () => setTimeout(1_000)));
  } finally {
    await site.close();
  }
}

function restedOf(bytes: readonly number[]): Rested {
  return { bytes: median(bytes.slice(-countedSeconds)), mostBytes: Math.max(...bytes) };
}

/** What the node and its children hold, each second, while `second` goes by. */
async function bytesEachSecond(
  node: BenchNode,
  seconds: number,
  second: () => Promise<unknown>,
): Promise<readonly number[]> {
  const bytes: number[] = [];
  for (let passed = 0; passed < seconds; passed++) {
    await second();
    bytes.push(residentBytes(node.pid));
  }
  return bytes;
}

/** Pollers, creates and a slow reader of the whole list each second, all at once. */
async function longestStop(
  site: Site,
  node: BenchNode,
  loopFile: string,
  progress: (text: string) => void,
): Promise<number> {
  const prefix = site.namespace.enter;
  const { port } = node;
  const peers = peerFixtures(many).map((peer) => `/peers/${peer.id}`);
  const pages = Array.from({ length: 1_000 }, (_, page) => `/peers?offset=${page * 60}&limit=50`);
  const loads = [
    await startLoad({
      port,
      connections: 8,
      headers,
      targets: ['/stats', ...pages, ...peers.slice(0, 1_000)],
      prefix,
    }),
    await startLoad({ port, connections: 8, headers, targets: [], creates: true, prefix }),
  ];
  const readers = await startReaders(site, port, ['1', String(10 * megabyte), '1']);
  // Loading and compiling are over, and every kind of request was made.
  for (const load of loads) await load.slice(1_000);
  await askForStop(node, loopFile);
  progress('everything at once');
  await Promise.all(loads.map((load) => load.slice(20_000)));
  const stopMs = await askForStop(node, loopFile);
  await end(readers, 'SIGKILL');
  for (const load of loads) await load.stop();
  return stopMs;
}

/** The longest stop since the last call, milliseconds. */
async function askForStop(node: BenchNode, loopFile: string): Promise<number> {
  rmSync(loopFile, { force: true });
  process.kill(node.pid, 'SIGUSR2');
  while (!existsSync(loopFile) || readFileSync(loopFile, 'utf8') === '') await setTimeout(5);
  return Number(readFileSync(loopFile, 'utf8'));
}

async function startReaders(site: Site, port: number, words: readonly string[]): Promise<ChildProcess> {
  const path = fileURLToPath(import.meta.resolve('./load/slow-readers.js'));
  const command = [...site.namespace.enter, process.execPath, path, String(port), apiKey, ...words];
  const child = startOn(loadCore, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child;
}

/** In a fresh process, polled until V8 has given back what starting took; then the same with ten readers that take minutes for the whole list. */
async function measureMemory(site: Site, progress: (text: string) => void): Promise<Memory> {
  progress('memory');
  const node = await site.start();
  const targets = ['/stats', '/peers?limit=50'];
  const load = await startLoad({
    port: node.port,
    connections: 8,
    headers,
    targets,
    prefix: site.namespace.enter,
  });
  const polled = (seconds: number) => bytesEachSecond(node, seconds, () => load.slice(1_000));
  const full = restedOf(await polled(restSeconds));
  const readers = await startReaders(site, node.port, ['10', String(100_000), '1']);
  const withReaders = await polled(8);
  await end(readers, 'SIGKILL');
  await load.stop();
  return { full, readersBytes: Math.max(...withReaders) };
}
