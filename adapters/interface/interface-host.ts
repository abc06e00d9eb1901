// What the interface needs of the host, and calls to its programs with failures that an operator understands.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { interfaceCallMs, interfaceOutputBytesMax } from '../../core/limits.ts';
import type { PrivateKey, PublicKey } from '../../core/peers/peer.ts';
import type { Log } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import type { KeptDump } from '../device/kept-dump.ts';
import { describeCommandFailure } from '../program-packages.ts';
import type { CommandBounds, CommandFailure, RunCommand } from '../run-command.ts';
import type { ForwardingFailure } from './forwarding.ts';
import type { FileFailure } from './interface-file.ts';
import { parseLinkNames } from './link-text.ts';

/** The host, as far as the interface needs it. */
export interface InterfaceHost {
  readonly run: RunCommand;
  readonly log: Log;
  readonly isRoot: boolean;
  /** Absolute; see `interfaceFolder`. */
  readonly folder: string;
  /** Absolute: `/proc`. */
  readonly procFolder: string;
  /** How long a device may take to answer. */
  readonly deviceAnswerMs: number;
  /** Keeps the dump that tells what the device is, for whoever wants to know of its peers. Absent: nobody does. */
  readonly keptDump?: KeptDump;
  readonly createPrivateKey: () => PrivateKey;
  readonly derivePublicKey: (key: PrivateKey) => PublicKey;
}

/**
 * Why the interface is not as it ought to be. What was done before stays, save for an interface that the same call
 * made, which is taken away again.
 * - `tool_missing`: a program is not installed.
 * - `wireguard_missing`: neither has the kernel WireGuard nor can a userspace one run.
 * - `not_wireguard`: an interface of this name exists and is something else.
 * - `port_taken`: another program has the UDP port.
 * - `device_silent`: the interface exists, and what it is could not be read within `deviceAnswerMs`.
 * - `not_permitted`: this needs root.
 * - `owner_unknown`: the interface is up and has no file, or there are peers that this node can't have made: it may be
 *   somebody else's.
 * - `command_failed`: a program said no, did not end in time, or can't be understood.
 * - `busy`: another `init`, `up` or `down` did not end in time.
 */
export type InterfaceFailure =
  | FileFailure
  | ForwardingFailure
  | {
      readonly code:
        | 'tool_missing'
        | 'wireguard_missing'
        | 'not_wireguard'
        | 'port_taken'
        | 'device_silent'
        | 'not_permitted'
        | 'owner_unknown'
        | 'command_failed'
        | 'busy';
      /** For the operator: what is wrong and what to do, in one line or a few. Holds no secret. */
      readonly message: string;
    };

/** What every step of the work comes to. */
export type Step<Value = void> = Promise<Result<Value, InterfaceFailure>>;

/** Calls a program; its answer is its stdout. */
export function call(
  command: string,
  args: readonly string[],
  host: InterfaceHost,
  more: Partial<CommandBounds> = {},
) {
  return host.run(command, args, { ...callBounds, ...more });
}

/** Calls a program of which only success counts. */
export async function succeeds(
  command: string,
  args: readonly string[],
  host: InterfaceHost,
  more: Partial<CommandBounds> = {},
): Step {
  const called = await call(command, args, host, more);
  return called.ok ? ok(undefined) : fail(refused(called.failure, host));
}

/** Whether a program said no or is not there at all: what it would have shown or done can't be there. */
export function saidNo(failure: CommandFailure): boolean {
  return failure.code === 'command_refused' || failure.code === 'command_missing';
}

/** Whether an interface exists. From /proc, which is there before any tool is and knows the network namespace. */
export async function isThere(name: string, host: InterfaceHost): Promise<boolean> {
  return parseLinkNames(await readFile(join(host.procFolder, 'net/dev'), 'utf8')).includes(name);
}

/** What the failure of a program means to the operator. */
export function refused(failure: CommandFailure, host: InterfaceHost): InterfaceFailure {
  const { detail } = failure;
  if (failure.code === 'command_missing') {
    return { code: 'tool_missing', message: describeCommandFailure(failure) };
  }
  if (!host.isRoot) {
    const message = `${detail}. This needs root; where WireGuard is the kernel's, CAP_NET_ADMIN will do`;
    return { code: 'not_permitted', message };
  }
  return { code: 'command_failed', message: detail };
}

const callBounds: CommandBounds = { timeoutMs: interfaceCallMs, outputMax: interfaceOutputBytesMax };
