// The lines that tell who changed which peer. No secret is in them: public keys and addresses are none.
import { auditLinesMax } from './limits.ts';
import type { PeerChange } from './peers/lifecycle.ts';
import type { Drift, Removal } from './peers/reconcile.ts';
import type { Log } from './ports.ts';

/** One line for one change. `origin` null: the node itself. `unknown`: the device did not confirm it yet. */
export function auditChange(
  log: Log,
  change: PeerChange,
  origin: { readonly requestId: string; readonly clientAddress: string } | null,
  outcome: 'done' | 'unknown',
): void {
  const peer = 'after' in change ? change.after : change.before;
  log.info(
    {
      audit: true,
      event: change.kind,
      outcome,
      peerId: peer.id,
      publicKey: peer.publicKey,
      allowedIPs: peer.allowedIPs,
      ...(origin === null ? {} : { requestId: origin.requestId, clientAddress: origin.clientAddress }),
    },
    `peer ${change.kind}`,
  );
}

/** A line for each peer that was put right, or one for all where the device had none; and a line for each unknown key that is news. */
export function auditDrift(log: Log, drift: Drift): void {
  if (drift.seen === 0 && drift.repaired.length > 0) {
    log.info(
      { audit: true, event: 'restored', peers: drift.repaired.length },
      'peers put on an empty device',
    );
  } else {
    for (const peer of drift.repaired.slice(0, auditLinesMax)) {
      log.warn(
        {
          audit: true,
          event: 'repaired',
          peerId: peer.id,
          publicKey: peer.publicKey,
          allowedIPs: peer.allowedIPs,
        },
        'peer repaired on the device',
      );
    }
  }
  for (const { peer, reason } of drift.removed.slice(0, auditLinesMax)) {
    const { publicKey, allowedIPs } = peer;
    log.warn({ audit: true, event: 'removed', publicKey, allowedIPs, reason }, removals[reason]);
  }
  for (const publicKey of drift.reported.slice(0, auditLinesMax)) {
    log.warn({ audit: true, event: 'reported', publicKey }, 'unknown peer on the device');
  }
  if (
    Math.max(drift.repaired.length, drift.removed.length, drift.reported.length) > auditLinesMax &&
    drift.seen > 0
  ) {
    log.warn(
      {
        audit: true,
        repaired: drift.repaired.length,
        removed: drift.removed.length,
        reported: drift.reported.length,
      },
      'more peers differed than there are lines for',
    );
  }
}

const removals: Readonly<Record<Removal['reason'], string>> = {
  retired: 'a key that a peer had before removed from the device',
  unknown: 'unknown peer removed from the device',
  address_taken: 'unknown peer with the address of a known one removed from the device',
};
