// What a create costs: many clients at once against what the device, or the making of keys, takes alone; one client
// against the flushes and the `wg set` that it can't do without; and how many flushes and processes that are.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ApiClient, jsonOf, type PageShape } from '../test/fixtures/api-client.ts';
import { descendants } from '../test/fixtures/processes.ts';
import type { Bench, Surroundings } from './bench.ts';
import { apiKey } from './in-process-api.ts';
import { rateOf, startLoad } from './load/load.ts';
import type { Load } from './load/plan.ts';
import { createHome } from './node-process.ts';
import { end, serverCore, startOn } from './processes.ts';
import { median, type Row } from './result.ts';
import { makeScratch, removeScratch } from './scratch.ts';
import { addRunningWireGuard, createBareDevice, createSite, quiet, whyNoSite } from './site.ts';

const clients = 64;
const sliceMs = 1_000;
/** V8 has compiled what a create runs after some ten thousand of them. */
const warmUpMs = 5_000;
const headers = { 'X-API-Key': apiKey };

/** What `load/one-by-one.ts` prints. */
interface OneByOne {
  readonly createMs: readonly number[];
  readonly flushMs: readonly number[];
  readonly setMs: readonly number[];
}

/** Many clients on a real device. */
export const deviceWritesBench: Bench = {
  name: 'creates',
  what: 'creates of 64 clients on a real device, beside what the device takes alone',
  unable: whyNoSite,
  async run(surroundings) {
    const rows: Row[] = [];
    for (const peers of [250, 5_000]) rows.push(...(await createsOnDevice(peers, surroundings)));
    return rows;
  },
};

async function createsOnDevice(peers: number, { rounds, progress }: Surroundings): Promise<Row[]> {
  const site = await createSite({ peers, anyCore: true });
  try {
    const node = await site.start();
    const bare = await createBareDevice(site.namespace, 'wg1', peers);
    const prefix = site.namespace.enter;
    const load = await startLoad({
      port: node.port,
      connections: clients,
      headers,
      targets: [],
      creates: true,
      prefix,
    });
    progress(`${peers} peers: warming up`);
    await rateOf(load, warmUpMs);
    await deleteAfter(peers, node.client);
    progress(`${peers} peers: waiting for the device to calm down`);
    await quiet(site.namespace);
    const rates: { readonly node: number; readonly bare: number }[] = [];
    // Done before the device calls its silent peers again.
    const most = Math.min(rounds, 5);
    for (let round = 1; round <= most; round++) {
      progress(`${peers} peers: round ${round} of ${most}`);
      const bareFirst = round % 2 === 0 ? await bare.rate(24) : 0;
      const nodeRate = await rateOf(load, sliceMs);
      await deleteAfter(peers, node.client);
      rates.push({ node: nodeRate, bare: bareFirst || (await bare.rate(24)) });
    }
    const counted = await countCalls(node.pid, load);
    const bad = await load.stop();
    bare.remove();
    if (bad > 0) throw new Error(`${bad} creates failed`);
    return [
      {
        bench: 'creates',
        what: `POST /peers, ${clients} clients, at ${peers} peers`,
        value: median(rates.map((rate) => rate.node)),
        unit: 'peers/s',
        against: { value: median(rates.map((rate) => rate.bare)), what: 'device alone' },
        bar: { least: 0.7 },
        note: counted,
      },
    ];
  } finally {
    await site.close();
  }
}

/**
 * Deletes all but the oldest, so that each slice begins with as many. On a device that is up, peers that never answer are
 * called every 5 s for 90 s: up to 3,000 of an earlier slice took a sixth of a core.
 */
async function deleteAfter(oldest: number, client: ApiClient): Promise<void> {
  const page = jsonOf<PageShape>(await client.request('GET', `/peers?offset=${oldest}`));
  for (let first = 0; first < page.data.length; first += clients) {
    const some = page.data.slice(first, first + clients);
    await Promise.all(some.map(({ peerId }) => client.request('DELETE', `/peers/${peerId}`)));
  }
}

/** Flushes and processes per create under load, as strace sees them. */
async function countCalls(pid: number, load: Load): Promise<string> {
  const folder = makeScratch('strace');
  const file = join(folder, 'calls');
  const pids = [pid, ...descendants(pid)].flatMap((one) => ['-p', String(one)]);
  const tracer = spawn('strace', ['-f', '-qq', '-e', 'trace=fsync,fdatasync,execve', '-o', file, ...pids], {
    stdio: 'ignore',
  });
  await setTimeout(500);
  const made = await load.slice(sliceMs);
  await setTimeout(500);
  await end(tracer, 'SIGINT');
  const lines = readFileSync(file, 'utf8').split('\n');
  removeScratch(folder);
  const flushes = lines.filter((line) => /f(data)?sync\([0-9]+/.test(line)).length;
  const processes = lines.filter((line) => /execve\(.*= 0$|execve resumed.*= 0$/.test(line)).length;
  return `${(flushes / made).toFixed(3)} flushes and ${(processes / made).toFixed(3)} processes a create`;
}

/** Many clients, no device. */
export const storeWritesBench: Bench = {
  name: 'store',
  what: 'creates of 64 clients without a device, beside the making of keys',
  async run({ rounds, progress }) {
    const home = await createHome({ peers: 0, backend: 'memory' });
    const program = fileURLToPath(import.meta.resolve('./servers/key-pairs.js'));
    const maker = startOn(serverCore, [process.execPath, program], { stdio: ['pipe', 'pipe', 'inherit'] });
    const node = await home.start();
    try {
      const made = createInterface({ input: maker.stdout ?? process.stdin });
      const keys = async () => {
        maker.stdin?.write(`${sliceMs}\n`);
        return Number((await once(made, 'line'))[0]);
      };
      const load = await startLoad({
        port: node.port,
        connections: clients,
        headers,
        targets: [],
        creates: true,
      });
      progress('warming up');
      await rateOf(load, warmUpMs);
      await keys();
      const rates: { readonly node: number; readonly keys: number }[] = [];
      const most = Math.min(rounds, 5);
      for (let round = 1; round <= most; round++) {
        progress(`round ${round} of ${most}`);
        await deleteAfter(0, node.client);
        rates.push({ node: await rateOf(load, sliceMs), keys: await keys() });
      }
      const bad = await load.stop();
      if (bad > 0) throw new Error(`${bad} creates failed`);
      return [
        {
          bench: 'store',
          what: `POST /peers, ${clients} clients, memory device, store file`,
          value: median(rates.map((rate) => rate.node)),
          unit: 'peers/s',
          against: { value: median(rates.map((rate) => rate.keys)), what: 'keys alone' },
          bar: { least: 0.6 },
        },
      ];
    } finally {
      await node.stop();
      await end(maker);
      home.remove();
    }
  },
};

/** One client. */
export const oneCreateBench: Bench = {
  name: 'one',
  what: 'one create alone, beside two flushes and one `wg set`, at 250 and 65,000 peers',
  unable: whyNoSite,
  async run({ rounds, progress }) {
    const count = String(Math.max(50, rounds * 10));
    const times = new Map<number, OneByOne>();
    for (const peers of [250, 65_000]) {
      progress(`${peers} peers`);
      const site = await createSite({ peers, anyCore: true, ...(peers > 10_000 && { calm: true }) });
      try {
        const node = await site.start();
        if (peers === 250) await addRunningWireGuard(site.namespace, 'wg1');
        progress('waiting for the device to calm down');
        await quiet(site.namespace);
        const device = peers === 250 ? 'wg1' : '';
        await site.measure('one-by-one', String(node.port), '20', site.home.folder, '', apiKey);
        times.set(
          peers,
          await site.measure<OneByOne>(
            'one-by-one',
            String(node.port),
            count,
            site.home.folder,
            device,
            apiKey,
          ),
        );
      } finally {
        await site.close();
      }
    }
    const few = times.get(250);
    const many = times.get(65_000);
    if (few === undefined || many === undefined) return [];
    const value = median(few.createMs);
    const floor = 2 * median(few.flushMs) + median(few.setMs);
    const note = `a flush ${median(few.flushMs).toFixed(2)} ms, wg set ${median(few.setMs).toFixed(2)} ms`;
    const base = { bench: 'one', unit: 'ms, p50' };
    return [
      {
        ...base,
        what: 'one POST /peers',
        value,
        against: { value: floor, what: '2 flushes + wg set' },
        bar: { most: 1.5 },
        note,
      },
      {
        ...base,
        what: 'one POST /peers, 65,000 peers',
        value: median(many.createMs),
        against: { value, what: 'at 250' },
        bar: { most: 1.5 },
      },
    ];
  },
};
