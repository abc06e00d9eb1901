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
import { createSite, quiet, type Site, whyNoSite } from './site.ts';

const many = 65_000;
const headers = { 'X-API-Key': apiKey };
const megabyte = 1_000_000;

export const largeBench: Bench = {
  name: 'large',
  what: 'start, memory and stops of the event loop with 65,000 peers on a real device',
  unable: whyNoSite,
  async run({ rounds, progress }) {
    const idleBytes = await measureIdle();
    const preload = fileURLToPath(import.meta.resolve('./servers/loop-watch.js'));
    const loopFile = join('/dev/shm', `bench-loop-${process.pid}`);
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
      return rowsOf(idleBytes, median(startsMs), stopMs, memory);
    } finally {
      await site.close();
      rmSync(loopFile, { force: true });
    }
  },
};

interface Memory {
  readonly fullBytes: number;
  /** The most since the start. */
  readonly startBytes: number;
  readonly readersBytes: number;
}

function rowsOf(idleBytes: number, startMs: number, stopMs: number, memory: Memory): Row[] {
  const base = { bench: 'large', against: null };
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
      what: 'memory, idle, fifteen seconds after a start',
      value: idleBytes / megabyte,
      unit: 'MB RSS',
      bar: { most: 75 },
    },
    {
      ...base,
      what: 'memory, 65,000 peers, polled, half a minute after a start',
      value: memory.fullBytes / megabyte,
      unit: 'MB RSS',
      bar: { most: 220 },
      note: `${Math.round(memory.startBytes / megabyte)} MB at most before`,
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

async function measureIdle(): Promise<number> {
  const site = await createSite({ peers: 0, anyCore: true });
  try {
    const node = await site.start();
    // What starting took, V8 gives back after some seconds of rest.
    await setTimeout(15_000);
    return residentBytes(node.pid);
  } finally {
    await site.close();
  }
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
  const polled = async (seconds: number): Promise<readonly number[]> => {
    const bytes: number[] = [];
    for (let second = 0; second < seconds; second++) {
      await load.slice(1_000);
      bytes.push(residentBytes(node.pid));
    }
    return bytes;
  };
  const full = await polled(40);
  const readers = await startReaders(site, node.port, ['10', String(100_000), '1']);
  const withReaders = await polled(8);
  await end(readers, 'SIGKILL');
  await load.stop();
  return {
    fullBytes: median(full.slice(-10)),
    startBytes: Math.max(...full),
    readersBytes: Math.max(...withReaders),
  };
}
