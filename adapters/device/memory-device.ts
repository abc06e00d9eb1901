// A device without an interface: it holds peers as WireGuard would, and no traffic flows. For a look around, and for tests.
import { devicePeersMax, keepaliveSeconds } from '../../core/limits.ts';
import type { PublicKey } from '../../core/peers/peer.ts';
import type { Clock, Device, DeviceFailure, DevicePeer, DevicePeerSpec } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { orderChanges } from './change-order.ts';

/** What traffic would have done to a peer. */
export type PeerTraffic = Pick<DevicePeer, 'latestHandshakeMs' | 'receiveBytes' | 'transmitBytes'>;

export interface MemoryDevice extends Device {
  /** Sets what no traffic sets here. Does nothing for an unknown peer. */
  setTraffic(publicKey: PublicKey, traffic: PeerTraffic): void;
}

const noTraffic: PeerTraffic = { latestHandshakeMs: null, receiveBytes: 0, transmitBytes: 0 };

/** An empty device. Each call takes a turn of the event loop, as the outside would. */
export function createMemoryDevice(options: {
  readonly clock: Clock;
  readonly publicKey: PublicKey;
  /** UDP; 51820 unless told. */
  readonly listenPort?: number;
}): MemoryDevice {
  const { clock, publicKey, listenPort = 51_820 } = options;
  const peers = createCryptokeyTable(publicKey);
  let closed = false;

  async function turn(): Promise<Result<void, DeviceFailure>> {
    await new Promise<void>((resolve) => clock.soon(resolve));
    return closed ? fail({ code: 'device_unreachable', detail: 'memory device: closed' }) : ok(undefined);
  }

  return {
    async look(visit) {
      const begun = await turn();
      if (!begun.ok) return begun;
      for (const peer of peers.all()) visit(peer);
      return ok({ publicKey, listenPort });
    },
    async apply(changes) {
      const begun = await turn();
      if (!begun.ok) return begun;
      const { removals, replacements, puts } = orderChanges(changes);
      for (const gone of removals) peers.remove(gone);
      for (const { replaces } of replacements) peers.remove(replaces);
      for (const spec of [...replacements.map(({ peer }) => peer), ...puts]) {
        if (!peers.put(spec)) return fail({ code: 'device_refused', detail: 'memory device: full' });
      }
      return begun;
    },
    // It never comes or goes, nor is it set down.
    watch() {},
    isDown: () => false,
    async close() {
      closed = true;
    },
    setTraffic: peers.setTraffic,
  };
}

/** Which peer has which addresses (WireGuard paper, section 2): an address that a second peer claims leaves the first. */
function createCryptokeyTable(self: PublicKey) {
  const peers = new Map<PublicKey, DevicePeer>();
  const owners = new Map<string, PublicKey>();

  function remove(publicKey: PublicKey): void {
    for (const allowedIP of peers.get(publicKey)?.allowedIPs ?? []) owners.delete(allowedIP);
    peers.delete(publicKey);
  }

  function claim(allowedIP: string, publicKey: PublicKey): void {
    const owner = peers.get(owners.get(allowedIP) ?? publicKey);
    if (owner !== undefined) {
      const others = owner.allowedIPs.filter((other) => other !== allowedIP);
      peers.set(owner.publicKey, { ...owner, allowedIPs: others });
    }
    owners.set(allowedIP, publicKey);
  }

  return {
    remove,
    all: () => [...peers.values()],
    /** False: there is no room for one more. */
    put({ publicKey, presharedKey, allowedIPs }: DevicePeerSpec): boolean {
      // The device does not take itself for a peer, and says nothing.
      if (publicKey === self) return true;
      const before = peers.get(publicKey);
      if (before === undefined && peers.size >= devicePeersMax) return false;
      for (const allowedIP of before?.allowedIPs ?? []) owners.delete(allowedIP);
      for (const allowedIP of allowedIPs) claim(allowedIP, publicKey);
      // Field by field: spread, each would get a shape of its own, 400 bytes.
      const { latestHandshakeMs, receiveBytes, transmitBytes } = before ?? noTraffic;
      peers.set(publicKey, {
        publicKey,
        presharedKey,
        allowedIPs,
        latestHandshakeMs,
        receiveBytes,
        transmitBytes,
        keepaliveSeconds,
      });
      return true;
    },
    setTraffic(publicKey: PublicKey, traffic: PeerTraffic): void {
      const peer = peers.get(publicKey);
      if (peer !== undefined) peers.set(publicKey, { ...peer, ...traffic });
    },
  };
}
