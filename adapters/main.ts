#!/usr/bin/env node
// The process: arguments, environment, signals and exit codes. Everything it does is done elsewhere.
import { writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeBug } from '../core/hide-keys.ts';
import { nativeEnvironment } from '../core/http/server.ts';
import { createSystemClock, kernelMonotonicUs } from './clock.ts';
import { parseCommandLine } from './command-line.ts';
import { runCommand } from './commands.ts';
import { loadConfig } from './config-file.ts';
import { type BufferedLog, createLog } from './log.ts';
import { createMachine } from './machine.ts';
import { createRunCommand, programPath } from './run-command.ts';
import { createSignals, type Signals, signalStatus } from './signals.ts';
import { createSupervisor } from './supervisor.ts';

const clock = createSystemClock();
let log: BufferedLog | null = null;

async function main(): Promise<void> {
  const command = parseCommandLine(process.argv.slice(2));
  if (!command.ok) {
    complain(command.failure.message);
    return process.exit(2);
  }
  const signals = createSignals({ clock, exit: process.exit, late: warnOfHaste });
  if (command.value.kind === 'serve') listenTo(signals);
  else listenTo({ stop: (signal) => process.exit(signalStatus(signal)), reload: () => {} });
  const debug = process.env['DEBUG'] === 'true' || process.env['DEBUG'] === '1';
  const configPath = process.env['NODE_CONFIG'] || 'config.yaml';
  const path = programPath(process.env['PATH'] || '/usr/bin:/bin');
  const end = await runCommand(command.value, {
    machine: createMachine({
      clock,
      debug,
      path,
      isRoot: process.getuid?.() === 0,
      workingDirectory: process.cwd(),
      configPath,
      programFile: fileURLToPath(import.meta.url),
    }),
    loadConfig: () => loadConfig(configPath),
    openLog(fd, level) {
      // As a stream Node makes a pipe or a socket non-blocking until it ends: who reads the log slowly must not stop the node.
      if (fd === 1) void process.stdout;
      log = createLog({ fd, level, clock });
      return log;
    },
    supervise: (log, condition) => {
      const environment = { ...process.env };
      const run = createRunCommand({ PATH: path, NOTIFY_SOCKET: environment['NOTIFY_SOCKET'] ?? '' });
      return createSupervisor({
        environment,
        pid: process.pid,
        run,
        clock,
        kernelMonotonicUs,
        log,
        condition,
      });
    },
    debug,
    print: (text) => write(1, text),
    complain,
  });
  if (typeof end === 'number') process.exit(end);
  signals.started(end);
}

function listenTo({ stop, reload }: Pick<Signals, 'stop' | 'reload'>): void {
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // Also when the terminal that started it closes: it goes on.
  process.on('SIGHUP', reload);
}

function complain(line: string): void {
  write(2, `${line}\n`);
}

/** Whoever read it may have gone (EPIPE, as behind `| head`), which is no fault. */
function write(fd: 1 | 2, text: string): void {
  try {
    writeSync(fd, text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}

function warnOfHaste(): void {
  log?.warn({}, 'stopped before everything had ended; what was under way is made true at the next start');
}

/** A bug: what state things are in is not known, so nothing goes on. */
function crash(error: unknown): never {
  const text = describeBug(error);
  if (log === null) complain(`wgkeeper-node: this is a bug: ${text}`);
  else log.fatal({ error: text }, 'this is a bug');
  process.exit(1);
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
process.on('exit', () => log?.end());
// In time: the native module is loaded with the first server.
Object.assign(process.env, nativeEnvironment);
void main();
