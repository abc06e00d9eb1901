// Who has a UDP port that WireGuard was refused: neither wg nor ip says more than that the address is in use.
import { findHolders, socketLink } from '../host/processes.ts';
import { readSockets } from '../host/sockets.ts';
import type { InterfaceFailure } from './interface-host.ts';

/**
 * What the failure of an interface to take its port means: `port_taken` where somebody has that port, else the failure
 * itself. The interface must not have the port, or it would be found.
 */
export async function explainPort(failure: InterfaceFailure, port: number): Promise<InterfaceFailure> {
  const holder = await findUdpHolder(port);
  if (holder === null) return failure;
  const message = `UDP port ${port} is taken by ${holder}: stop that program, or give wireguard.listen_port another port`;
  return { code: 'port_taken', message };
}

/** Null: nobody has it. */
async function findUdpHolder(port: number): Promise<string | null> {
  const socket = (await readSockets()).udp.find((each) => each.port === port);
  if (socket === undefined) return null;
  // The kernel's own sockets belong to no process.
  if (socket.inode === 0) return 'the kernel, as for another WireGuard interface';
  const link = socketLink(socket.inode);
  const holder = (await findHolders(new Set([link]))).of.get(link);
  return holder === undefined ? 'another program' : `${holder.program} (pid ${holder.pid})`;
}
