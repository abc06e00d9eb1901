// Notices, while a look that readers caused goes by, that the device is otherwise than it shall be. It finds that something
// differs and not what: whoever is told looks again, apart from all changes (reconcile.ts).
import type { DeviceChange, DevicePeer } from '../ports.ts';
import type { Peer, PublicKey } from './peer.ts';
import { isAsSpecified, isSameSet, type Strangers } from './reconcile.ts';

/** Is told what the writer does and what looks show. What the writer is changing counts as no difference: the next look shows those that are. */
export interface DriftCheck {
  /** The writer is about to ask this of the device: what a look shows of these keys says nothing for now. */
  changing(changes: readonly DeviceChange[]): void;
  /** The writer is done with these, and the table knows all that came of them. */
  changed(changes: readonly DeviceChange[]): void;
  /** A look begins; one at a time. */
  begin(): void;
  /** Takes a peer of the look, and who it is; null: nobody known. Allocates nothing. */
  visit(seen: DevicePeer, peer: Peer | null): void;
  /** Takes a known peer that the look did not show. */
  miss(peer: Peer): void;
  /** The look has ended: whether it showed a difference that the writer's own changes can't account for. */
  end(): boolean;
}

/** `strangers` tells which unknown peers are known to stay on the device. */
export function createDriftCheck(strangers: () => Strangers): DriftCheck {
  // A look may show these as they were, or as they will be.
  const changingNow = new Set<PublicKey>();
  const changedSinceBegin = new Set<PublicKey>();
  let isLooking = false;
  let differs = false;
  let strangersAtBegin: Strangers = new Map();
  let strangersSeen = 0;

  function isMoving(key: PublicKey): boolean {
    return changingNow.has(key) || changedSinceBegin.has(key);
  }

  function isKnownStranger(seen: DevicePeer): boolean {
    const stranger = strangers().get(seen.publicKey);
    if (stranger === undefined || !isSameSet(seen.allowedIPs, stranger.allowedIPs)) return false;
    strangersSeen++;
    return true;
  }

  return {
    changing(changes) {
      for (const key of changes.flatMap(keysOf)) changingNow.add(key);
    },
    changed(changes) {
      for (const key of changes.flatMap(keysOf)) {
        changingNow.delete(key);
        if (isLooking) changedSinceBegin.add(key);
      }
    },
    begin() {
      isLooking = true;
      differs = false;
      strangersAtBegin = strangers();
      strangersSeen = 0;
    },
    visit(seen, peer) {
      if (peer === null ? isKnownStranger(seen) : isAsSpecified(seen, peer)) return;
      differs ||= !isMoving(seen.publicKey);
    },
    miss(peer) {
      differs ||= !isMoving(peer.publicKey);
    },
    end() {
      isLooking = false;
      changedSinceBegin.clear();
      // A stranger that left has given its addresses back.
      const someLeft = strangersAtBegin === strangers() && strangersSeen < strangersAtBegin.size;
      return differs || someLeft;
    },
  };
}

function keysOf(change: DeviceChange): readonly PublicKey[] {
  if (change.kind === 'remove') return [change.publicKey];
  return change.replaces === null ? [change.peer.publicKey] : [change.peer.publicKey, change.replaces];
}
