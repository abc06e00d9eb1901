// Looks at the ports of the configuration: who has them. Listens on none of them, not for a moment.
import { type Address, parseAddress } from '../../core/address.ts';
import type { PortFacts, PortHolder, ServerFacts, UdpPortFacts } from '../../core/doctor/network.ts';
import { findListenFailure } from '../../core/http/listen-failure.ts';
import { type Holders, socketLink } from '../host/processes.ts';
import type { BoundSocket } from '../host/socket-text.ts';
import { lookForInboundDrops } from './firewall.ts';
import type { Sight } from './sight.ts';

/** Finds who has `server.port`, and whether `server.host` is an address of this host. */
export async function lookAtApiPort(sight: Sight): Promise<PortFacts> {
  const { host, port } = sight.config.server;
  // On any free port: whether the address can be had is another question than whether the port can.
  const failure = host === null ? null : await findListenFailure(host, 0);
  const missingAddress = failure?.code === 'address_not_available' ? host : null;
  return { ...(await lookAtTcpPort(sight, port, 'server.port', host)), missingAddress };
}

/** Finds who has `metrics.port`. */
export async function lookAtMetricsPort(sight: Sight, port: number): Promise<PortFacts> {
  return lookAtTcpPort(sight, port, 'metrics.port', sight.config.server.host);
}

async function lookAtTcpPort(
  sight: Sight,
  port: number,
  key: string,
  host: string | null,
): Promise<PortFacts> {
  const { tcp } = await sight.sockets();
  const socket = tcp.find((each) => each.port === port && collides(each.address, host));
  const facts = { port: `TCP ${port}`, key, missingAddress: null };
  if (socket === undefined) return { ...facts, holder: null };
  const holder = holderOf(socket, await sight.holders());
  const isOfAnother = holder.kind === 'node' && !(await servesInterface(holder.pid, sight));
  return { ...facts, holder: isOfAnother ? { ...holder, kind: 'other' } : holder };
}

/** Whether a node is that of this interface, and not another on the same host. One without an interface has no lock to tell it by. */
async function servesInterface(pid: number | null, sight: Sight): Promise<boolean> {
  if (sight.config.wireguard.backend === 'memory') return true;
  const { holder } = await lookAtServer(sight);
  return holder !== null && (holder.pid === null || holder.pid === pid);
}

/** Finds who has the interface's lock. */
export async function lookAtServer(sight: Sight): Promise<ServerFacts> {
  const name = sight.config.wireguard.interface;
  const inode = await sight.serverSocket();
  if (inode === null) return { name, holder: null };
  const found = (await sight.holders()).of.get(socketLink(inode));
  if (found === undefined) return { name, holder: { kind: 'unknown', pid: null, program: null } };
  return { name, holder: { kind: found.isNode ? 'node' : 'other', pid: found.pid, program: found.program } };
}

/** Whether a socket on `taken` keeps another from listening on `host`. An IPv6 wildcard most often takes IPv4, too. */
function collides(taken: Address, host: string | null): boolean {
  const wanted = host === null ? null : parseAddress(host);
  if (wanted === null || wanted.value === 0n || taken.value === 0n) return true;
  return wanted.family === taken.family && wanted.value === taken.value;
}

/** Finds who has `wireguard.listen_port`, and who drops what comes to it. */
export async function lookAtUdpPort(sight: Sight): Promise<UdpPortFacts> {
  return { ...(await lookAtListenPort(sight)), drops: await lookForInboundDrops(sight) };
}

/** The interface's own socket counts as a node's. */
async function lookAtListenPort(sight: Sight): Promise<PortFacts> {
  const { listenPort: port, interface: name } = sight.config.wireguard;
  const facts = { port: `UDP ${port}`, key: 'wireguard.listen_port', missingAddress: null };
  const { udp } = await sight.sockets();
  const socket = udp.find((each) => each.port === port);
  if (socket === undefined) return { ...facts, holder: null };
  const device = await sight.device();
  if (device !== null && typeof device === 'object' && device.listenPort === port) {
    return { ...facts, holder: { kind: 'node', pid: null, program: name } };
  }
  // The kernel's own sockets belong to no process.
  const holder =
    socket.inode === 0
      ? ({ kind: 'other', pid: null, program: 'the kernel' } as const)
      : holderOf(socket, await sight.holders());
  const isWireGuard = socket.inode === 0 || holder.program === 'wireguard-go';
  const isSeen = device !== null && typeof device === 'object';
  return { ...facts, holder: isWireGuard && !isSeen ? { ...holder, kind: 'unknown' } : holder };
}

function holderOf({ inode }: BoundSocket, holders: Holders): PortHolder {
  const found = holders.of.get(socketLink(inode));
  if (found === undefined) return { kind: 'unknown', pid: null, program: null };
  return { kind: found.isNode ? 'node' : 'other', pid: found.pid, program: found.program };
}
