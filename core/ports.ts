// What the core asks of the outside: a device, a store, keys, a clock, a log. Adapters provide these; no behaviour here.
import type { AllowedIP, Peer, PeerKeys, PresharedKey, PublicKey } from './peers/peer.ts';
import type { Result } from './result.ts';

// Device

/** One peer as the device holds it. */
export interface DevicePeer {
  readonly publicKey: PublicKey;
  /** Null: none is set. */
  readonly presharedKey: PresharedKey | null;
  /** In the canonical text of `formatCidr`, in the device's order, which means nothing. */
  readonly allowedIPs: readonly string[];
  /** Milliseconds since the Unix epoch, whole seconds; null: never. */
  readonly latestHandshakeMs: number | null;
  /** Bytes since the peer came to the device. */
  readonly receiveBytes: number;
  /** Bytes since the peer came to the device. */
  readonly transmitBytes: number;
  /** 0: off. */
  readonly keepaliveSeconds: number;
}

/** The device itself, as one look shows it. */
export interface DeviceState {
  /** Null: the interface has no private key. */
  readonly publicKey: PublicKey | null;
  /** UDP; 0: not bound. */
  readonly listenPort: number;
}

/** What a peer on the device shall be. */
export interface DevicePeerSpec {
  readonly publicKey: PublicKey;
  readonly presharedKey: PresharedKey;
  readonly allowedIPs: readonly AllowedIP[];
}

/**
 * One wish of the device. `put` adds the peer or makes it so, with keepalive of `keepaliveSeconds`; `replaces` is the
 * key that the same peer had before, which leaves in the same step, so that the addresses have one owner throughout;
 * null: no key leaves. `remove` of an unknown peer is no failure.
 */
export type DeviceChange =
  | { readonly kind: 'put'; readonly peer: DevicePeerSpec; readonly replaces: PublicKey | null }
  | { readonly kind: 'remove'; readonly publicKey: PublicKey };

/**
 * Why a call to the device failed.
 * - `device_refused`: it ended and said no. A call of one change left nothing behind; of several, some may be applied.
 * - `device_timeout`: it did not end in time and was ended. The outcome is unknown, and it may be applied yet.
 * - `device_unreadable`: it answered something that is not a dump. Nothing was changed.
 * - `device_unreachable`: the call could not be made. Nothing was changed.
 */
export interface DeviceFailure {
  readonly code: 'device_refused' | 'device_timeout' | 'device_unreadable' | 'device_unreachable';
  /** For the log; holds no key. */
  readonly detail: string;
}

/** A WireGuard interface that exists or not; calls fail while it doesn't. Looks and changes may overlap; changes must not overlap each other. */
export interface Device {
  /** Reads the whole device once. `visit` gets every peer, some of them even when the look fails in the end; it must not throw. */
  look(visit: (peer: DevicePeer) => void): Promise<Result<DeviceState, DeviceFailure>>;
  /** Applies changes, removals and replacements before additions. Repeating it is harmless. */
  apply(changes: readonly DeviceChange[]): Promise<Result<void, DeviceFailure>>;
  /** Calls back, as often as needed and perhaps too often, when the interface may have come, gone, been made anew, or set up or down. At most one watcher. */
  watch(changed: () => void): void;
  /**
   * Whether the interface is there and set down, so that no traffic flows, as last heard by the watch; asks nobody. False
   * before `watch`, and where nothing can be heard. Looks and changes go on as ever meanwhile.
   */
  isDown(): boolean;
  /** Ends what the adapter started; the interface stays. Calls after it fail with `device_unreachable`. */
  close(): Promise<void>;
}

// Store

/** One durable change. `retires` is the key that stops to be valid by it; null: none. */
export type StoreChange =
  | { readonly kind: 'put'; readonly peer: Peer; readonly retires: PublicKey | null }
  | { readonly kind: 'remove'; readonly id: Peer['id']; readonly retires: PublicKey };

/** What a store held when it was opened. */
export interface StoredPeers {
  /** In no particular order; ids and public keys are unique. */
  readonly peers: readonly Peer[];
  /** Keys that recent changes retired: a crash may have left them on the device. */
  readonly retired: readonly PublicKey[];
}

/**
 * Why the store failed.
 * - `store_invalid`: the file is not a store or is damaged. It was left as it is.
 * - `store_locked`: another process has it open.
 * - `store_failed`: the disk failed. After a write: whether it will be found after a crash is unknown, until a `rewrite` succeeds.
 */
export interface StoreFailure {
  readonly code: 'store_invalid' | 'store_locked' | 'store_failed';
  /** Names the file and what is wrong, for the log and the terminal; holds no key. */
  readonly detail: string;
}

/** Where peers outlive the process. Calls must not overlap. */
export interface PeerStore {
  /** Reads everything and claims the store; once, before any write. */
  load(): Promise<Result<StoredPeers, StoreFailure>>;
  /**
   * Makes changes durable, all of them or none: when it resolves well they outlive a power cut.
   * `peersBefore` gives all peers as they were before these changes, with every earlier commit carried out, for when the
   * store prefers to write itself anew: whoever is missing there is lost. Its array must not change until this resolves.
   * After a failure only `rewrite` may be called.
   */
  commit(
    changes: readonly StoreChange[],
    peersBefore: () => readonly Peer[],
  ): Promise<Result<void, StoreFailure>>;
  /** Makes the store hold exactly these peers and retired keys. Heals a store whose last write failed. */
  rewrite(peers: readonly Peer[], retired: readonly PublicKey[]): Promise<Result<void, StoreFailure>>;
  /** Keeps a copy of what `load` read beside the store, named for the time given; does nothing when there was no file. */
  keepCopy(nowMs: number): Promise<Result<string | null, StoreFailure>>;
  /** Gives the store up; nothing is written. */
  close(): Promise<void>;
}

// Keys, clock, log

/** Makes keys. The only source of randomness that decides anything. */
export interface KeySource {
  /** A fresh key pair and preshared key. */
  peerKeys(): PeerKeys;
}

/** Time, and waiting. Timers never keep the process alive. */
export interface Clock {
  /** Wall clock: milliseconds since the Unix epoch; may jump. */
  nowMs(): number;
  /** Milliseconds since some fixed moment; never jumps back. */
  monotonicMs(): number;
  /** Calls back once, no sooner than after `delayMs`; the answer cancels it. */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls back once, after what the event loop has at hand now. */
  soon(callback: () => void): void;
}

/** From the most to the least talkative. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** What a log line carries beside its message; never a secret. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** Structured lines, one an event. */
export type Log = { readonly [Level in LogLevel]: (fields: LogFields, message: string) => void };
