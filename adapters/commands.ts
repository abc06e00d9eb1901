// What each command does, apart from the machine it does it to and from the process it runs in.
import type { Config } from '../core/config/config.ts';
import { type Diagnosis, formatDiagnosis, hasFailed, renderDiagnosis } from '../core/doctor/diagnosis.ts';
import type { Log, LogLevel } from '../core/ports.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { service } from '../core/version.ts';
import { type Command, helpText } from './command-line.ts';
import type { ConfigFailure, LoadedConfig } from './config-file.ts';
import type { ImportReport } from './import/import.ts';
import type { ImportOrder } from './import/order.ts';
import type { BufferedLog } from './log.ts';
import { createReload, type ReloadableServer } from './reload.ts';
import type { SignalledServer } from './signals.ts';
import type { Condition, Supervisor } from './supervisor.ts';

/** Why a command could not do its work: for the operator, without a secret. */
export interface CommandRefusal {
  readonly message: string;
}

type LoadedOrNot = Result<LoadedConfig, ConfigFailure>;

type Outcome<Value> = Promise<Result<Value, CommandRefusal>>;

/** A server that runs. */
export interface RunningServer extends ReloadableServer {
  /** Stops taking requests, answers those it has, and gives everything up. The interface stays. */
  stop(): Promise<void>;
  /** How it is now. */
  condition(): Condition;
}

/** What commands do to this host. */
export interface Machine {
  /** Makes sure of the WireGuard config file; the answer is its path. */
  init(config: Config, log: BufferedLog): Outcome<string>;
  /** `init`, then the interface, which is never bounced. */
  up(config: Config, log: BufferedLog): Outcome<void>;
  down(config: Config, log: BufferedLog): Outcome<void>;
  /**
   * What a server makes sure of before it changes anything: that no other process serves its interface, and that its
   * certificate is fit and its ports are free. A failure is all that is in the way, a line each.
   */
  claim(config: Config): Promise<Result<void, readonly string[]>>;
  /** What a server does about its interface between `claim` and `serve`: `up`, as far as that goes. */
  prepare(config: Config, log: BufferedLog): Outcome<void>;
  /** Shows what taking a configuration made by hand over would do, or does it. */
  adopt(order: ImportOrder, config: Config, log: BufferedLog): Outcome<ImportReport>;
  serve(config: Config, log: BufferedLog): Outcome<RunningServer>;
  /** What is wrong with the certificate and its key, a line each. */
  examineTls(config: Config): readonly string[];
  /** Looks at everything that a node needs; changes nothing. */
  diagnose(loaded: LoadedOrNot): Promise<Diagnosis>;
}

/** What commands see of the process. */
export interface CommandSurroundings {
  readonly machine: Machine;
  readonly loadConfig: () => LoadedOrNot;
  /** `fd` as in `createLog`. */
  readonly openLog: (fd: 1 | 2, level: LogLevel) => BufferedLog;
  readonly supervise: (log: Log, condition: () => Condition) => Supervisor;
  readonly debug: boolean;
  /** Writes to stdout. */
  readonly print: (text: string) => void;
  /** Writes a line to stderr. */
  readonly complain: (line: string) => void;
}

/** How a command ended, or what it left running. 1: it could not do its work, and has said why. */
export type CommandEnd = 0 | 1 | SignalledServer;

/** Does what the command says. */
export async function runCommand(command: Command, surroundings: CommandSurroundings): Promise<CommandEnd> {
  const { print, complain } = surroundings;
  if (command.kind === 'help') return done(print, helpText);
  if (command.kind === 'version') return done(print, `${service.version}\n`);
  const loaded = surroundings.loadConfig();
  if (command.kind === 'doctor') return doctor(command.json, loaded, surroundings);
  if (!loaded.ok) {
    for (const line of loaded.failure.lines) complain(line);
    return 1;
  }
  if (command.kind === 'check-config') return checkConfig(loaded.value, surroundings);
  const { config, warnings } = loaded.value;
  // The server's log is its output; a command's output is what it prints.
  const log = surroundings.openLog(command.kind === 'serve' ? 1 : 2, logLevel(config, surroundings.debug));
  for (const warning of warnings) log.warn({}, warning);
  if (command.kind === 'serve') return serve(config, log, surroundings);
  const outcome = await runOnce(command, config, log, surroundings);
  if (!outcome.ok) complain(`wgkeeper-node: ${outcome.failure.message}`);
  return outcome.ok ? 0 : 1;
}

function done(print: (text: string) => void, text: string): 0 {
  print(text);
  return 0;
}

async function doctor(
  json: boolean,
  loaded: LoadedOrNot,
  { machine, print }: CommandSurroundings,
): Promise<0 | 1> {
  const diagnosis = await machine.diagnose(loaded);
  print(json ? `${formatDiagnosis(diagnosis)}\n` : renderDiagnosis(diagnosis));
  return hasFailed(diagnosis) ? 1 : 0;
}

/** All that a reload asks for before it takes anything. */
function checkConfig(
  { config, warnings }: LoadedConfig,
  { machine, print, complain }: CommandSurroundings,
): 0 | 1 {
  const problems = machine.examineTls(config);
  for (const line of [...problems, ...warnings]) complain(line);
  if (problems.length > 0) return 1;
  return done(print, 'the configuration is right\n');
}

function logLevel(config: Config, debug: boolean): LogLevel {
  return debug && config.logLevel !== 'trace' ? 'debug' : config.logLevel;
}

async function serve(
  config: Config,
  log: BufferedLog,
  surroundings: CommandSurroundings,
): Promise<CommandEnd> {
  const { machine } = surroundings;
  const claimed = await machine.claim(config);
  if (!claimed.ok) {
    for (const problem of claimed.failure) log.fatal({}, problem);
    return 1;
  }
  const inMemory = config.wireguard.backend === 'memory';
  const prepared = inMemory ? ok(tellNoInterface(log)) : await machine.prepare(config, log);
  const server = prepared.ok ? await machine.serve(config, log) : prepared;
  if (!server.ok) {
    log.fatal({}, server.failure.message);
    return 1;
  }
  const { host, port, tls } = config.server;
  log.info({ host: host ?? '*', port, tls: tls !== null, version: service.version }, 'the API is served');
  return superviseServer(server.value, config, log, surroundings);
}

function superviseServer(
  server: RunningServer,
  config: Config,
  log: BufferedLog,
  { loadConfig, supervise, debug }: CommandSurroundings,
): SignalledServer {
  const supervisor = supervise(log, server.condition);
  const levelOf = (changed: Config) => logLevel(changed, debug);
  const reload = createReload({ config, server, log, loadConfig, levelOf });
  supervisor.ready();
  return {
    stop() {
      supervisor.stopping();
      return stopServer(server, config, log);
    },
    reload() {
      supervisor.reloading();
      reload();
      supervisor.ready();
    },
  };
}

async function stopServer(server: RunningServer, { wireguard }: Config, log: BufferedLog): Promise<void> {
  log.info({}, 'stopping');
  await server.stop();
  const interfaceStays = wireguard.backend !== 'memory';
  log.info({}, interfaceStays ? 'stopped; the interface and its peers stay as they are' : 'stopped');
}

async function runOnce(
  command: Command,
  config: Config,
  log: BufferedLog,
  surroundings: CommandSurroundings,
): Promise<Result<unknown, CommandRefusal>> {
  const { machine, print } = surroundings;
  if (command.kind === 'import') return takeOver(command, config, log, surroundings);
  if (config.wireguard.backend === 'memory') return ok(tellNoInterface(log));
  if (command.kind === 'up') return machine.up(config, log);
  if (command.kind === 'down') return machine.down(config, log);
  const path = await machine.init(config, log);
  if (path.ok && command.kind === 'init' && command.printPath) print(`${path.value}\n`);
  return path;
}

async function takeOver(
  order: ImportOrder,
  config: Config,
  log: BufferedLog,
  { machine, print }: CommandSurroundings,
): Outcome<void> {
  const report = await machine.adopt(order, config, log);
  if (!report.ok) return report;
  print(report.value.text);
  return report.value.isPossible ? ok(undefined) : fail({ message: 'not every peer can be taken over' });
}

// One of this name may be there all the same, and is none of the node's business.
function tellNoInterface(log: BufferedLog): void {
  log.info({}, 'wireguard.backend is memory: there is no interface, and no file of one');
}
