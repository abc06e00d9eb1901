// The commands' machine, as it is: this host's interface, store and server.
import { existsSync } from 'node:fs';
import type { Config } from '../core/config/config.ts';
import { deviceAnswerAtStartMs, deviceAnswerMs } from '../core/limits.ts';
import type { Peer } from '../core/peers/peer.ts';
import type { Clock, Log } from '../core/ports.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { service } from '../core/version.ts';
import type { CommandRefusal, Machine } from './commands.ts';
import { createKeptDump } from './device/kept-dump.ts';
import { createWgDevice } from './device/wg-cli.ts';
import { createFlock } from './disk/file-lock.ts';
import { isMissing } from './disk/file-system.ts';
import { createBoundedRun } from './doctor/bounded-run.ts';
import { runDoctor } from './doctor/child.ts';
import { importInterface } from './import/import.ts';
import { refuseForeignPeers } from './interface/foreign-peers.ts';
import { bringUp, initInterface, takeDown } from './interface/interface.ts';
import { prepareInterface } from './interface/interface-at-start.ts';
import { interfaceFolder, interfacePath } from './interface/interface-file.ts';
import type { InterfaceHost, Step } from './interface/interface-host.ts';
import { acquireInterfaceLock } from './interface/interface-lock.ts';
import { derivePublicKey, generateKeyPair } from './keys.ts';
import { commandEnvironment, createRunCommand } from './run-command.ts';
import { findStartProblems, findTlsProblems } from './start-problems.ts';
import { createFileStore } from './store/file-store.ts';
import { peekStore } from './store/peek.ts';

/** What the machine needs to know of the process. */
export interface MachineOptions {
  readonly clock: Clock;
  readonly debug: boolean;
  /** The PATH to find programs on. */
  readonly path: string;
  readonly isRoot: boolean;
  /** Absolute. */
  readonly workingDirectory: string;
  readonly configPath: string;
  /** The file that Node.js runs as this program. */
  readonly programFile: string;
}

/** This host. The server, and with it the native HTTP module, is loaded when it is asked for. */
export function createMachine(options: MachineOptions): Machine {
  const run = createRunCommand(commandEnvironment(options.path));
  const folder = interfaceFolder(options.isRoot, options.workingDirectory);
  // From `prepare` to `serve`.
  const keptDump = createKeptDump(options.clock);
  const host = (log: Log, answerMs = deviceAnswerMs): InterfaceHost => ({
    run,
    log,
    isRoot: options.isRoot,
    folder,
    procFolder: '/proc',
    deviceAnswerMs: answerMs,
    createPrivateKey: () => generateKeyPair().privateKey,
    derivePublicKey,
  });
  return {
    init: async ({ wireguard }, log) =>
      initInterface(wireguard, await newKeyWouldHurt(wireguard, folder), host(log)),
    async up({ wireguard }, log) {
      const safe = await keepForeignPeers(wireguard, host(log));
      if (!safe.ok) return safe;
      const up = await bringUp(wireguard, await newKeyWouldHurt(wireguard, folder), host(log));
      if (up.ok) log.info({ interface: wireguard.interface, outcome: up.value }, 'interface is up');
      return up.ok ? ok(undefined) : up;
    },
    async down({ wireguard }, log) {
      const down = await takeDown(wireguard, host(log));
      if (down.ok) log.info({ interface: wireguard.interface, outcome: down.value }, 'interface is down');
      return down.ok ? ok(undefined) : down;
    },
    async claim(config) {
      const { backend, interface: name } = config.wireguard;
      const lock = backend === 'memory' ? ok(undefined) : await acquireInterfaceLock(name);
      // First and alone: whoever has it may have the ports, too.
      if (!lock.ok) return fail([lock.failure.detail]);
      const problems = await findStartProblems(config, options.clock.nowMs());
      return problems.length > 0 ? fail(problems) : ok(undefined);
    },
    async prepare({ wireguard }, log) {
      const atStart = { ...host(log, deviceAnswerAtStartMs), keptDump };
      const safe = await keepForeignPeers(wireguard, atStart);
      if (!safe.ok) return safe;
      return prepareInterface(wireguard, await newKeyWouldHurt(wireguard, folder), atStart);
    },
    async adopt(order, { wireguard }, log) {
      const { peerStoreFile: path, interface: interfaceName } = wireguard;
      if (wireguard.backend === 'memory')
        return fail({ message: 'wireguard.backend is memory: there is no interface to take over' });
      if (path === null)
        return fail({
          message: 'wireguard.peer_store_file is not set: peers that are taken over would be lost',
        });
      const lock = order.apply ? await acquireInterfaceLock(interfaceName) : ok(undefined);
      if (!lock.ok) return fail({ message: lock.failure.detail });
      const surroundings = { shell: ['/bin/sh'] as const, path: options.path, clock: options.clock };
      return importInterface(order, wireguard, {
        host: host(log),
        nowMs: options.clock.nowMs(),
        store: createFileStore(path, { log, lock: createFlock(run) }),
        peekStored: () => peekPeers(path),
        openDevice: () => createWgDevice({ interfaceName, surroundings, log }),
      });
    },
    async serve(config, log) {
      const { startApp } = await import('./app.ts');
      const { clock, debug, path, configPath, programFile } = options;
      const program = { command: [process.execPath, programFile], path, configPath } as const;
      const diagnose = () => runDoctor(program);
      return startApp({ config, log, clock, debug, keptDump, environment: { path }, service, diagnose });
    },
    examineTls: ({ server }) => findTlsProblems(server.tls, options.clock.nowMs()),
    async diagnose(config) {
      const { diagnose } = await import('./doctor/doctor.ts');
      const { clock, path, configPath } = options;
      const { nowMs } = clock;
      return diagnose(
        {
          ...host(quiet),
          run: createBoundedRun(run),
          path,
          configPath,
          config,
          nowMs,
        },
        clock,
      );
    },
  };
}

async function peekPeers(path: string): Promise<Result<readonly Peer[], CommandRefusal>> {
  const peeked = await peekStore(path);
  if (peeked.ok) return ok(peeked.value.peers);
  const { kind, reason } = peeked.failure;
  return kind === 'missing' ? ok([]) : fail({ message: `${path}: ${reason}` });
}

const silent = () => {};
const quiet: Log = { trace: silent, debug: silent, info: silent, warn: silent, error: silent, fatal: silent };

/** Refuses what `refuseForeignPeers` does where a start would remove every peer: on a store that never held one, since the first makes its file. */
async function keepForeignPeers(wireguard: Config['wireguard'], host: InterfaceHost): Step {
  const { peerStoreFile, unknownPeers } = wireguard;
  // Without a file of a store peers are gone with every process, and whatever is on the interface leaves it.
  if (peerStoreFile === null || unknownPeers === 'report') return ok(undefined);
  return (await isMissing(peerStoreFile)) ? refuseForeignPeers(wireguard, host) : ok(undefined);
}

/**
 * Whether peers are stored though the interface's file, and with it the key they know, is missing. A store that can't be
 * read counts as one with peers.
 */
async function newKeyWouldHurt(wireguard: Config['wireguard'], folder: string): Promise<boolean> {
  const { peerStoreFile, interface: name } = wireguard;
  if (peerStoreFile === null || existsSync(interfacePath(folder, name))) return false;
  const peeked = await peekStore(peerStoreFile);
  return peeked.ok ? peeked.value.peers.length > 0 : peeked.failure.kind !== 'missing';
}
