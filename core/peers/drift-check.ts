// Notices, while a look that readers caused goes by, that the device is otherwise than it shall be. It finds that something
// differs and not what: whoever is told looks again, apart from all changes (reconcile.ts).
import type { DeviceChange, DevicePeer } from '../ports.ts';
import type { Peer, PublicKey } from './peer.ts';
import { isAsSpecified, isSameSet, type Strangers } from './reconcile.ts';

/** Is told what the writer does and what looks show. What the writer is changing counts as no difference: the next look shows those that are. */
export interface DriftCheck {
  /** The writer is about to ask this of the device: what a look shows of these keys says nothing for now. */
  changing(changes: readonly DeviceChange[]): void;
  /** The writer is done, and the table knows all that it did. */
  changed(): void;
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
  // Keys that changed since the look began, or are being changed: the look may show them as they were, or as they will be.
  const moving = new Set<PublicKey>();
  let isChanging = false;
  let isLooking = false;
  let differs = false;
  let strangersAtBegin: Strangers = new Map();
  let strangersSeen = 0;

  function forgetMoving(): void {
    if (!isChanging && !isLooking) moving.clear();
  }

  function isKnownStranger(seen: DevicePeer): boolean {
    const stranger = strangers().get(seen.publicKey);
    if (stranger === undefined || !isSameSet(seen.allowedIPs, stranger.allowedIPs)) return false;
    strangersSeen++;
    return true;
  }

  return {
    changing(changes) {
      isChanging = true;
      for (const change of changes) {
        moving.add(change.kind === 'put' ? change.peer.publicKey : change.publicKey);
        if (change.kind === 'put' && change.replaces !== null) moving.add(change.replaces);
      }
    },
    changed() {
      isChanging = false;
      forgetMoving();
    },
    begin() {
      isLooking = true;
      differs = false;
      strangersAtBegin = strangers();
      strangersSeen = 0;
    },
    visit(seen, peer) {
      if (peer === null ? isKnownStranger(seen) : isAsSpecified(seen, peer)) return;
      differs ||= !moving.has(seen.publicKey);
    },
    miss(peer) {
      differs ||= !moving.has(peer.publicKey);
    },
    end() {
      isLooking = false;
      forgetMoving();
      // A stranger that left has given its addresses back.
      const someLeft = strangersAtBegin === strangers() && strangersSeen < strangersAtBegin.size;
      return differs || someLeft;
    },
  };
}
