// The life of the WireGuard interface: its file, bringing it up, taking it down. Knows no peer beyond removing them all.
import { join } from 'node:path';
import type { Config } from '../core/config.ts';
import type { PrivateKey, PublicKey } from '../core/peers/peer.ts';
import type { Log } from '../core/ports.ts';
import { fail, type Result } from '../core/result.ts';
import type { RunCommand } from './run-command.ts';

/** What of the configuration makes the interface. */
export type InterfaceConfig = Pick<Config['wireguard'], 'interface' | 'listenPort' | 'subnets' | 'routing'>;

/** The host, as far as the interface needs it. */
export interface InterfaceHost {
  readonly run: RunCommand;
  readonly log: Log;
  readonly isRoot: boolean;
  /** Absolute; see `interfaceFolder`. */
  readonly folder: string;
  /** Absolute: `/proc/sys`. */
  readonly sysctlFolder: string;
  readonly createPrivateKey: () => PrivateKey;
  readonly derivePublicKey: (key: PrivateKey) => PublicKey;
}

/**
 * Why the interface is not as it ought to be. What was done before the failure stays, save for an interface that the
 * same call made, which is taken away again.
 * - `file_unreadable`: the file or its folder can't be read or is no text. It was left as it is.
 * - `file_without_key`: the file has no valid private key. It was left as it is, and no new key was made.
 * - `file_differs`: a file that the node did not write says something else than the configuration. It was left as it is.
 * - `file_write_failed`: the file can't be written.
 * - `tool_missing`: a program is not installed.
 * - `wireguard_missing`: neither the kernel has WireGuard nor is there a userspace one that can run.
 * - `not_wireguard`: an interface of this name exists and is something else.
 * - `not_permitted`: this needs root.
 * - `forwarding_off`: forwarding can't be turned on.
 * - `ipv6_off`: an IPv6 subnet is configured and the host has no IPv6.
 * - `command_failed`: a program said no or did not end in time.
 * - `busy`: another `init`, `up` or `down` did not end in time.
 */
export interface InterfaceFailure {
  readonly code:
    | 'file_unreadable'
    | 'file_without_key'
    | 'file_differs'
    | 'file_write_failed'
    | 'tool_missing'
    | 'wireguard_missing'
    | 'not_wireguard'
    | 'not_permitted'
    | 'forwarding_off'
    | 'ipv6_off'
    | 'command_failed'
    | 'busy';
  /** For the operator: what is wrong and what to do, in one line or a few. Holds no secret. */
  readonly message: string;
}

/** Where the files are: `/etc/wireguard` for root, `wireguard` in the working directory otherwise. */
export function interfaceFolder(isRoot: boolean, workingDirectory: string): string {
  return isRoot ? '/etc/wireguard' : join(workingDirectory, 'wireguard');
}

/** The path of an interface's file. */
export function interfacePath(folder: string, name: string): string {
  return join(folder, `${name}.conf`);
}

/**
 * Makes sure that the file exists and says what the configuration says; adjusts a live interface when the file had to
 * change. The answer is the file's path. `peersStored` tells whether a store holds peers: then a missing file is an
 * error in the log, since their clients know the old key; it is made all the same.
 */
export async function initInterface(
  config: InterfaceConfig,
  peersStored: boolean,
  host: InterfaceHost,
): Promise<Result<string, InterfaceFailure>> {
  return fail({ code: 'command_failed', message: 'not built yet' });
}

/** `initInterface`, then forwarding, then the interface: made when it is missing, adjusted when it differs, never bounced. */
export async function bringUp(
  config: InterfaceConfig,
  peersStored: boolean,
  host: InterfaceHost,
): Promise<Result<'made' | 'was_up', InterfaceFailure>> {
  return fail({ code: 'command_failed', message: 'not built yet' });
}

/** Takes the interface and its rules away; the file stays. */
export async function takeDown(
  config: InterfaceConfig,
  host: InterfaceHost,
): Promise<Result<'taken_down' | 'was_down', InterfaceFailure>> {
  return fail({ code: 'command_failed', message: 'not built yet' });
}
