// Turns wishes into as few calls of `wg` as they take. Pure; runs nothing.
import { batchMax, deviceChangesMax } from '../../core/limits.ts';
import type { PublicKey } from '../../core/peers/peer.ts';
import type { DeviceChange, DevicePeerSpec } from '../../core/ports.ts';
import { orderChanges, type Replacement } from './change-order.ts';
import { wgInputPath, wgPresharedKeyPath } from './wg-session.ts';
import { renderAddconf, renderSet } from './wg-text.ts';

/** A call of `wg`, and what the device holds when it was made. */
export interface PlannedCall {
  readonly args: readonly string[];
  readonly input: string;
  readonly presharedKeys: readonly string[];
  /** Null: no such peer. */
  readonly outcome: ReadonlyMap<PublicKey, DevicePeerSpec | null>;
}

/**
 * Removals and replacements first, in one `wg set`, then all other peers in one `wg addconf`; more calls only beyond
 * `batchMax` replacements or `deviceChangesMax` others. Of several wishes for one key the last counts.
 * Never `setconf` or `syncconf`: they wipe what their text does not name.
 */
export function* planCalls(interfaceName: string, changes: readonly DeviceChange[]): Generator<PlannedCall> {
  const { removals, replacements, puts } = orderChanges(changes);
  while (removals.length > 0 || replacements.length > 0) {
    yield planSet(interfaceName, removals.splice(0, deviceChangesMax), replacements.splice(0, batchMax));
  }
  for (let index = 0; index < puts.length; index += deviceChangesMax) {
    yield planAddconf(interfaceName, puts.slice(index, index + deviceChangesMax));
  }
}

function planSet(
  interfaceName: string,
  removals: readonly PublicKey[],
  replacements: readonly Replacement[],
): PlannedCall {
  const outcome = new Map<PublicKey, DevicePeerSpec | null>();
  for (const publicKey of removals) outcome.set(publicKey, null);
  for (const { peer, replaces } of replacements) {
    outcome.set(peer.publicKey, peer);
    outcome.set(replaces, null);
  }
  return {
    args: ['set', interfaceName, ...renderSet(removals, replacements, wgPresharedKeyPath)],
    input: '',
    presharedKeys: replacements.map(({ peer }) => peer.presharedKey),
    outcome,
  };
}

function planAddconf(interfaceName: string, peers: readonly DevicePeerSpec[]): PlannedCall {
  return {
    args: ['addconf', interfaceName, wgInputPath],
    input: renderAddconf(peers),
    presharedKeys: [],
    outcome: new Map(peers.map((peer) => [peer.publicKey, peer])),
  };
}
