// The real program as its users start it, with a store that holds as many peers as wanted, on the server's core.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { encodeStore } from '../adapters/store/format.ts';
import { type ApiClient, createApiClient, type Place } from '../test/fixtures/api-client.ts';
import { peerFixtures } from '../test/fixtures/peers.ts';
import { findFreePort } from '../test/fixtures/running-node.ts';
import { apiKey, subnets } from './in-process-api.ts';
import { anyCore, end, loadCore, serverCore, startOn } from './processes.ts';
import { makeScratch, removeScratch } from './scratch.ts';

export interface NodeOptions {
  /** Peers number 0 to this less one are in its store. */
  readonly peers: number;
  readonly backend: 'memory' | 'wg';
  /** Keeps peers in memory alone: nothing is written, and `peers` are none. */
  readonly storeless?: true;
  /** Command line that runs the program elsewhere, in a namespace. */
  readonly prefix?: readonly string[];
  /** Leaves it to the system on which core it runs: what it starts runs there too, the device included. */
  readonly anyCore?: true;
  /** Modules that Node.js loads before the program. */
  readonly preload?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** An installation of the node. */
export interface NodeHome {
  readonly folder: string;
  readonly port: number;
  readonly storePath: string;
  /** Starts the program and resolves when it is ready. */
  start(): Promise<BenchNode>;
  remove(): void;
}

export interface BenchNode {
  readonly pid: number;
  readonly port: number;
  /** From the start of the process to the first 200 of `/readyz`. */
  readonly readyMs: number;
  readonly client: ApiClient;
  stop(): Promise<void>;
}

const program = fileURLToPath(import.meta.resolve('../adapters/main.js'));
const relay = fileURLToPath(import.meta.resolve('../test/fixtures/relay.js'));

/** Makes folder, configuration and store. With an own network namespace (`prefix`), ports never clash. */
export async function createHome(options: NodeOptions): Promise<NodeHome> {
  const folder = makeScratch('node');
  const storePath = join(folder, 'data', 'peers.db');
  mkdirSync(join(folder, 'data'), { mode: 0o700 });
  if (options.peers > 0) {
    writeFileSync(storePath, Buffer.concat([...encodeStore(peerFixtures(options.peers), [])]), {
      mode: 0o600,
    });
  }
  const port = await findFreePort();
  const config = {
    server: { port, host: '127.0.0.1', allowed_ips: ['127.0.0.0/8', '::1'] },
    auth: { api_key: apiKey },
    wireguard: {
      interface: 'wg0',
      listen_port: 51_820,
      subnet: subnets[0],
      subnet6: subnets[1],
      backend: options.backend,
      ...(options.storeless !== true && { peer_store_file: storePath }),
    },
  };
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config), { mode: 0o600 });
  const place = await findPlace(folder, port, options);
  return {
    folder,
    port,
    storePath,
    start: () => startNode(folder, port, place, options),
    remove: () => removeScratch(folder),
  };
}

/** Where its port is reached from here: a namespace's through a socket in the file system. */
async function findPlace(folder: string, port: number, { prefix = [] }: NodeOptions): Promise<Place> {
  if (prefix.length === 0) return { port };
  const socketPath = join(folder, 'relay.sock');
  const child = startOn(loadCore, [...prefix, process.execPath, relay, socketPath, String(port)]);
  if (child.stdout !== null) await once(child.stdout, 'data');
  return { socketPath };
}

async function startNode(
  folder: string,
  port: number,
  place: Place,
  options: NodeOptions,
): Promise<BenchNode> {
  const { prefix = [], preload = [], environment = {} } = options;
  const arguments_ = [...preload.flatMap((module) => ['--import', module]), program];
  const began = performance.now();
  const core = options.anyCore ? anyCore : serverCore;
  const child = startOn(core, [...prefix, 'env', '-C', folder, process.execPath, ...arguments_], {
    env: { PATH: process.env['PATH'], HOME: folder, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (piece: string) => {
      said = (said + piece).slice(-10_000);
    });
  }
  const client = createApiClient(place, apiKey);
  await untilReady(child, client, () => said);
  const readyMs = performance.now() - began;
  return {
    pid: child.pid ?? 0,
    port,
    readyMs,
    client,
    async stop() {
      client.close();
      await end(child);
    },
  };
}

async function untilReady(child: ChildProcess, client: ApiClient, said: () => string): Promise<void> {
  for (;;) {
    const isReady = await client.request('GET', '/readyz').then(
      (answer) => answer.status === 200,
      () => false,
    );
    if (isReady) return;
    if (child.exitCode !== null) throw new Error(`the node ended: ${said()}`);
    await setTimeout(5);
  }
}
