// Which package brings a program, for the operator who lacks it.
import type { CommandFailure } from './run-command.ts';

const packages: Readonly<Record<string, string>> = {
  wg: 'wireguard-tools',
  'wg-quick': 'wireguard-tools',
  ip: 'iproute2',
  flock: 'util-linux',
  nft: 'nftables',
  iptables: 'iptables',
  ip6tables: 'iptables',
  'iptables-save': 'iptables',
  'ip6tables-save': 'iptables',
  'iptables-restore': 'iptables',
  'ip6tables-restore': 'iptables',
};

/** The package that brings a program, as Debian names it. */
export function packageOf(program: string): string {
  return packages[program] ?? program;
}

/** What a failure says, and for a program that can't be started which package brings it. */
export function describeCommandFailure({ code, command, detail }: CommandFailure): string {
  return code === 'command_missing' ? `${detail}: install the package ${packageOf(command)}` : detail;
}
