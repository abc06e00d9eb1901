// What a configuration means that its owner may not expect, a sentence each, for the log at start. Decides nothing.
import type { Config } from '../core/config/config.ts';

/** Warnings about choices that are allowed and not for everybody. */
export function warningsOf({ wireguard }: Config, debug: boolean): readonly string[] {
  const warnings: string[] = [];
  if (debug) {
    warnings.push('DEBUG is on: every request is logged and errors carry detail; not for production');
  }
  if (wireguard.backend === 'memory') {
    warnings.push(
      'wireguard.backend is memory: there is no interface and NO TRAFFIC FLOWS; for a look around only',
    );
  }
  if (wireguard.peerStoreFile === null) {
    warnings.push(`wireguard.peer_store_file is not set: ${withoutStore(wireguard)}`);
  }
  return warnings;
}

function withoutStore({ backend, unknownPeers }: Config['wireguard']): string {
  const gone = 'peers are gone when the process ends';
  if (backend === 'memory') return gone;
  // They stay on the interface: whether the next process takes them for unknown ones is all that can be chosen.
  return unknownPeers === 'remove'
    ? 'peers are forgotten when the process ends, and those on the interface are removed now'
    : 'peers are forgotten when the process ends, and those on the interface stay there, reported as unknown';
}
