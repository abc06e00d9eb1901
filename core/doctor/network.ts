// Judges what the node shares with the rest of the host's network: ports, the WAN interface, MTU, networks, rules. Pure; looks at nothing.
import { type Cidr, cidrContains, formatCidr } from '../address.ts';
import { ethernetMtuBytes, mtuBytesMin, tunnelMtuBytes, tunnelOverheadBytes } from '../tunnel-mtu.ts';
import { bad, doubtful, gather, good, unseen, upAgain, type Verdict } from './verdict.ts';

/**
 * Who has a port. `node`: a process of this program, or its interface. `unknown`: one of which that can't be told.
 * `pid` and `program` are null where there is no process to name.
 */
export interface PortHolder {
  readonly kind: 'node' | 'other' | 'unknown';
  readonly pid: number | null;
  readonly program: string | null;
}

/** A port of the configuration, and who has it. */
export interface PortFacts {
  /** As in `TCP 51821`. */
  readonly port: string;
  /** The key of the configuration. */
  readonly key: string;
  /** Null: nobody has it. */
  readonly holder: PortHolder | null;
  /** An address that is to be listened on and that this host does not have; null: there is none. */
  readonly missingAddress: string | null;
}

/** Fails for a port that the node can not have. */
export function judgePort({ port, key, holder, missingAddress }: PortFacts): Verdict {
  if (missingAddress !== null) {
    return bad(`this host does not have the address ${missingAddress}`, 'correct server.host');
  }
  if (holder === null) return good(`${port} is free`);
  const who = `${holder.program}${holder.pid === null ? '' : ` (pid ${holder.pid})`}`;
  if (holder.kind === 'node') return good(`${port} is ours: ${who} has it`);
  if (holder.kind === 'unknown') {
    if (holder.program === null) return unseen(`who has ${port}`);
    return doubtful(`${port} is taken by ${who}, for this interface or another`);
  }
  return bad(`${port} is taken by ${who}`, `stop that program, or give ${key} another port`);
}

/** WireGuard's port. */
export interface UdpPortFacts extends PortFacts {
  /** Chains of the host's firewall that drop what comes to it, and the commands that let it in. */
  readonly drops: readonly DroppingChain[];
}

/** As `judgePort`; warns of a firewall, whose rules may be more than was understood of them. */
export function judgeUdpPort({ drops, ...facts }: UdpPortFacts): Verdict {
  const verdict = judgePort(facts);
  if (verdict.status !== 'ok' || drops.length === 0) return verdict;
  const names = drops.map(({ name }) => name).join(', ');
  // One command may open several chains.
  const remedies = [...new Set(drops.flatMap((drop) => drop.remedies))].join('; ');
  return doubtful(
    `${verdict.seen}, but this host's firewall drops packets to it: ${names}`,
    `let them in, or no client gets a handshake: ${remedies}`,
  );
}

/** The one server that an interface may have. */
export interface ServerFacts {
  /** The interface. */
  readonly name: string;
  /** Who has the lock that its one server takes; null: nobody. */
  readonly holder: PortHolder | null;
}

/** Fails when another program has the interface's lock. That no node serves is right, too. */
export function judgeServer({ name, holder }: ServerFacts): Verdict {
  if (holder === null) return good(`no node serves ${name} now`);
  const who = `${holder.program} (pid ${holder.pid})`;
  if (holder.kind === 'node') return good(`${who} serves ${name}`);
  if (holder.kind === 'unknown') return unseen(`who serves ${name}`);
  return bad(`${who} has the lock of ${name}, and no node can start`, 'end that program');
}

/** The interface towards the world. */
export interface WanFacts {
  /** Null: none is configured. */
  readonly name: string | null;
  /** Null: there is none of this name; undefined: what there is could not be seen. */
  readonly link: { readonly isUp: boolean } | null | undefined;
  /** What there is instead. */
  readonly others: readonly string[];
}

/** Fails for one that is not there: its rules would match nothing. */
export function judgeWan({ name, link, others }: WanFacts): Verdict {
  if (name === null) return good('wireguard.routing.wan_interface is not set: peers reach this host alone');
  if (link === undefined) return unseen(name, null);
  if (link === null) {
    const choice = others.length === 0 ? 'an interface of this host' : `one of ${others.join(', ')}`;
    return bad(`${name} does not exist`, `set wireguard.routing.wan_interface to ${choice}`);
  }
  if (!link.isUp) return doubtful(`${name} is down`, `ip link set ${name} up`);
  return good(`${name} is up`);
}

/** The MTU of the interface, and of the one that its packets leave through. */
export interface MtuFacts {
  readonly name: string;
  /** Null: there is no interface; undefined: that could not be seen. */
  readonly mtuBytes: number | null | undefined;
  /** Null: no WAN interface, or it is not there. */
  readonly wan: { readonly name: string; readonly mtuBytes: number } | null;
}

/** Warns of packets that would be broken up or lost; never fails, since small ones get through. */
export function judgeMtu({ name, mtuBytes, wan }: MtuFacts): Verdict {
  if (mtuBytes === undefined) return unseen(`the MTU of ${name}`, null);
  if (mtuBytes === null) return doubtful(`there is no ${name} to look at`, 'see the check interface');
  const outerBytes = wan?.mtuBytes ?? ethernetMtuBytes;
  const roomBytes = tunnelMtuBytes(outerBytes);
  const outer = `${outerBytes} of ${wan?.name ?? 'Ethernet'} less ${tunnelOverheadBytes} for WireGuard`;
  const set = `ip link set ${name} mtu ${roomBytes}`;
  if (mtuBytes < mtuBytesMin) return doubtful(`${mtuBytes} bytes, too few for IPv6`, set);
  if (mtuBytes > roomBytes)
    return doubtful(`${mtuBytes} bytes, more than ${outer}: packets are broken up or lost`, set);
  if (outerBytes < mtuBytesMin + tunnelOverheadBytes) {
    return doubtful(
      `${wan?.name} carries ${outerBytes} bytes, too few for ${mtuBytesMin} inside a tunnel`,
      `where the network takes it: ip link set ${wan?.name} mtu ${mtuBytesMin + tunnelOverheadBytes}`,
    );
  }
  return good(`${mtuBytes} bytes fit into ${outer}`);
}

/** The node's networks, and all others of this host. */
export interface SubnetFacts {
  readonly subnets: readonly Cidr[];
  /** Networks that this host reaches otherwise, the default routes left out; null: they could not be seen. */
  readonly networks: readonly { readonly cidr: Cidr; readonly interface: string }[] | null;
}

/** Warns of networks that overlap; never fails, since that may be meant. */
export function judgeSubnets({ subnets, networks }: SubnetFacts): Verdict {
  const names = subnets.map(formatCidr).join(', ');
  if (networks === null) return unseen('the routes of this host', null);
  const clashes = new Set<string>();
  for (const subnet of subnets) {
    for (const { cidr, interface: name } of networks) {
      if (overlap(subnet, cidr)) clashes.add(`${formatCidr(subnet)} overlaps ${formatCidr(cidr)} of ${name}`);
    }
  }
  return gather(
    [...clashes].map((clash) =>
      doubtful(clash, 'choose a subnet that nothing else uses: one of the two is unreachable'),
    ),
    `${names} overlap no other network of this host`,
  );
}

function overlap(a: Cidr, b: Cidr): boolean {
  const baseOf = ({ family, base }: Cidr) => ({ family, value: base });
  return cidrContains(a, baseOf(b)) || cidrContains(b, baseOf(a));
}

/** A chain of others that drops packets of the node, and the commands that let them pass there. */
export interface DroppingChain {
  /** As in `iptables FORWARD` or `inet filter forward`. */
  readonly name: string;
  /** Shell commands that let them pass there. */
  readonly remedies: readonly string[];
}

/** The live firewall, held against the rules that the node wants. */
export interface FirewallFacts {
  /** What makes the rules; null: no rules are asked for. */
  readonly backend: string | null;
  /** `extra`: all that are wanted, and others of the node too; null: that could not be seen. */
  readonly rules: 'present' | 'missing' | 'extra' | null;
  /** Chains of others that drop the node's forwarded packets, and the commands that let them pass there. */
  readonly drops: readonly DroppingChain[];
  /** Whether the interface's file is the node's own, or not there yet; another brings rules of its own. */
  readonly writtenByNode: boolean;
}

/** Fails where rules are missing that the node itself would make. */
export function judgeFirewall({ backend, rules, drops, writtenByNode }: FirewallFacts): Verdict {
  if (backend === null) return good('no rules are asked for');
  if (rules === null) return unseen('the firewall rules');
  if (rules === 'present') {
    if (drops.length === 0) return good(`every rule is there (${backend})`);
    const names = drops.map(({ name }) => name).join(', ');
    const remedies = drops.flatMap((drop) => drop.remedies).join('; ');
    return doubtful(
      `every rule is there (${backend}), but others drop forwarded packets: ${names}`,
      `let the interface's traffic pass there, too, or peers reach this host alone: ${remedies}`,
    );
  }
  if (!writtenByNode) {
    const own =
      "the interface's file was not written by the node, or was edited since: see to it that its PostUp forwards and masquerades";
    return doubtful(`the node's rules are not there (${backend})`, own);
  }
  if (rules === 'missing')
    return bad(`rules are missing (${backend}): peers reach nothing beyond this host`, upAgain);
  return doubtful(`there are rules of another configuration, too (${backend})`, upAgain);
}
