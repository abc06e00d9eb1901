// The payloads of a store file carried out one after the other, and checked as if somebody hostile had made them. Knows no frame.
import { setImmediate as nextTurn } from 'node:timers/promises';
// Not the whole package: its native part makes strings that are slices of longer ones, a third more memory, and no faster.
import { Unpackr } from 'msgpackr/unpack';
import { storePeersPerFrame } from '../../core/limits.ts';
import type { Peer, PeerId, PublicKey } from '../../core/peers/peer.ts';
import type { StoredPeers } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { isMap, parseRecord, parseStoredId, parseStoredKey } from './record.ts';

/** A file as far as it was read. Problems are told in words that hold no value of a record but ids and addresses. */
export interface Replay {
  /** Takes the payload of the next frame; answers what is wrong with it, or null. */
  take(payload: Uint8Array): string | null;
  /** Whether the end mark has come. */
  ended(): boolean;
  /** What the file holds, with keys and addresses checked to be unique. */
  finish(): Promise<Result<StoredPeers, string>>;
}

const decoder = new Unpackr({ useRecords: false, int64AsType: 'number' });
/** Nil, in msgpack. */
const nothing = Uint8Array.of(0xc0);

/** A replay before the first payload. */
export function createReplay(): Replay {
  const peers = new Map<PeerId, Peer>();
  const retired: PublicKey[] = [];
  let ended = false;

  function take(payload: Uint8Array): string | null {
    const value = unpack(payload);
    if (hasKeys(value, ['records']))
      return ended ? 'records after the end mark' : takeRecords(value['records']);
    if (hasKeys(value, ['end', 'retired'])) return takeEnd(value);
    if (!hasKeys(value, ['changes', 'retired'])) return 'neither records nor end mark nor changes';
    return ended
      ? (takeChanges(value['changes']) ?? takeRetired(value['retired']))
      : 'changes before the end mark';
  }

  function takeRecords(records: unknown): string | null {
    if (!Array.isArray(records)) return 'records: want a list';
    for (const value of records as unknown[]) {
      const record = parseRecord(value);
      if (!record.ok) return `record ${peers.size + 1}: ${record.failure}`;
      if (peers.has(record.value.id))
        return `record ${peers.size + 1}: peer_id: ${record.value.id} comes twice`;
      peers.set(record.value.id, record.value);
    }
    return null;
  }

  function takeEnd(value: Readonly<Record<string, unknown>>): string | null {
    if (ended) return 'a second end mark';
    ended = true;
    if (value['end'] !== peers.size) return `end: want ${peers.size}, the count of records`;
    return takeRetired(value['retired']);
  }

  function takeChanges(changes: unknown): string | null {
    if (!Array.isArray(changes)) return 'changes: want a list';
    for (const [index, value] of (changes as unknown[]).entries()) {
      const id = parseStoredId(value);
      if (id !== null) {
        peers.delete(id);
        continue;
      }
      const record = parseRecord(value);
      if (!record.ok) return `change ${index + 1}: ${record.failure}`;
      peers.set(record.value.id, record.value);
    }
    return null;
  }

  function takeRetired(keys: unknown): string | null {
    if (!Array.isArray(keys)) return 'retired: want a list';
    for (const [index, value] of (keys as unknown[]).entries()) {
      const key = parseStoredKey(value);
      if (key === null) return `retired, item ${index + 1}: want 32 bytes in base64`;
      retired.push(key);
    }
    return null;
  }

  async function finish(): Promise<Result<StoredPeers, string>> {
    // The decoder keeps hold of what it decoded last, and that is the whole file.
    unpack(nothing);
    const keys = new Set<PublicKey>();
    const addresses = new Set<string>();
    for (const peer of peers.values()) {
      if (keys.has(peer.publicKey)) return fail(`public_key: that of peer ${peer.id} comes twice`);
      keys.add(peer.publicKey);
      for (const allowedIP of peer.allowedIPs) {
        if (addresses.has(allowedIP)) return fail(`allowed_ips: ${allowedIP} of peer ${peer.id} comes twice`);
        addresses.add(allowedIP);
      }
      if (keys.size % storePeersPerFrame === 0) await nextTurn();
    }
    // A key that was retired may be in use again: a change that the device refused is taken back.
    const gone = new Set(retired.filter((key) => !keys.has(key)));
    return ok({ peers: [...peers.values()], retired: [...gone] });
  }

  return { take, ended: () => ended, finish };
}

function unpack(payload: Uint8Array): unknown {
  try {
    return decoder.unpack(payload);
  } catch {
    return undefined;
  }
}

function hasKeys(value: unknown, keys: readonly string[]): value is Readonly<Record<string, unknown>> {
  return isMap(value) && Object.keys(value).length === keys.length && keys.every((key) => key in value);
}
