// The WireGuard device by way of the `wg` command: what a look and a change mean, and what to make of one that did not end in time.
// Starts nothing itself, and never makes, configures or removes the interface.
import {
  batchMax,
  deviceDumpPieceBytes,
  devicePeersMax,
  deviceTimeoutMs,
  deviceTimeoutPerChangeMs,
  deviceTimeoutPerPeerMs,
} from '../../core/limits.ts';
import type { PublicKey } from '../../core/peers/peer.ts';
import { isAsSpecified } from '../../core/peers/reconcile.ts';
import type {
  Device,
  DeviceFailure,
  DevicePeer,
  DevicePeerSpec,
  DeviceState,
  Log,
} from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import type { KeptDump } from './kept-dump.ts';
import { createLinkWatch, type LinkWatch } from './link-watch.ts';
import type { MemoryFile } from './memory-file.ts';
import type { ShellSurroundings } from './shell-process.ts';
import { type PlannedCall, planCalls } from './wg-plan.ts';
import { createWgShell, type WgRun } from './wg-shell.ts';
import { createDumpReader } from './wg-text.ts';

/** The device, and what it costs. */
export interface WgDevice extends Device {
  /** How many times `wg` was started. */
  runs(): number;
}

/**
 * A device for an interface that may come and go. Two shells start `wg`s for it, so that a long look does not hold up a
 * change; `close` must be called, or they keep the process alive. The name is to be checked before: letters, digits, `-`, `_`, `.`.
 */
export function createWgDevice(options: {
  readonly interfaceName: string;
  readonly surroundings: ShellSurroundings;
  readonly log: Log;
  /** Where the first look finds a dump that was read already. */
  readonly keptDump?: KeptDump;
  /** Told of every run of `wg`. */
  readonly onRun?: (run: WgRun) => void;
}): WgDevice {
  const { interfaceName, surroundings, log, keptDump, onRun } = options;
  const looks = createWgShell(surroundings, 0, onRun);
  const changes = createWgShell(surroundings, batchMax, onRun);
  let links: LinkWatch | null = null;
  // How many peers the device has at most, as far as is known.
  let heldMax = devicePeersMax;

  async function look(visit: (peer: DevicePeer) => void): Promise<Result<DeviceState, DeviceFailure>> {
    const args = ['show', interfaceName, 'dump'];
    const call = { args, input: '', presharedKeys: [], timeoutMs: timeoutMs(heldMax, 0) };
    let count = 0;
    const countAndVisit = (peer: DevicePeer) => {
      count += 1;
      visit(peer);
    };
    const read = (output: MemoryFile) => readDump(output, countAndVisit, surroundings);
    const kept = keptDump?.take() ?? null;
    const looked = kept === null ? await looks.run(call, read) : await read(kept);
    kept?.close();
    if (looked.ok) heldMax = count;
    return looked;
  }

  async function change(planned: PlannedCall): Promise<Result<void, DeviceFailure>> {
    const changed = planned.outcome.size;
    heldMax = Math.min(heldMax + changed, devicePeersMax);
    const call = { ...planned, timeoutMs: timeoutMs(heldMax, changed) };
    const first = await changes.run(call, nothing);
    if (first.ok || first.failure.code !== 'device_timeout') return first;
    log.warn(
      { detail: first.failure.detail },
      'a change of the device was not done in time; looking what came of it',
    );
    const came = await cameTrue(planned.outcome, look);
    if (came === 'unknown') return first;
    if (came === 'yes') return ok(undefined);
    const second = await changes.run(call, nothing);
    // Whatever the second says, the first may be applied yet.
    return second.ok ? second : first;
  }

  return {
    look,
    async apply(wishes) {
      for (const planned of planCalls(interfaceName, wishes)) {
        const changed = await change(planned);
        if (!changed.ok) return changed;
      }
      return ok(undefined);
    },
    watch(changed) {
      links ??= createLinkWatch({ interfaceName, surroundings, log, changed });
    },
    isDown: () => links?.isDown() ?? false,
    runs: () => looks.runs() + changes.runs(),
    async close() {
      keptDump?.drop();
      await Promise.all([looks.close(), changes.close(), links?.close()]);
    },
  };
}

function timeoutMs(peers: number, changes: number): number {
  return deviceTimeoutMs + deviceTimeoutPerPeerMs * peers + deviceTimeoutPerChangeMs * changes;
}

async function nothing(): Promise<Result<void, DeviceFailure>> {
  return ok(undefined);
}

/** Reads a dump in pieces and lets others have their turn between them: at 65,000 peers it would block for 0.2 s. */
async function readDump(
  output: MemoryFile,
  visit: (peer: DevicePeer) => void,
  { clock }: ShellSurroundings,
): Promise<Result<DeviceState, DeviceFailure>> {
  const dump = createDumpReader(visit);
  for (let position = 0; ; position += deviceDumpPieceBytes) {
    const piece = output.read(position, deviceDumpPieceBytes);
    if (piece === '' || !dump.take(piece)) break;
    await new Promise<void>((resolve) => clock.soon(resolve));
  }
  const read = dump.end();
  return read.ok ? read : fail({ code: 'device_unreadable', detail: `wg show dump: ${read.failure}` });
}

/** Whether the device is now as a call was to make it. */
async function cameTrue(
  outcome: ReadonlyMap<PublicKey, DevicePeerSpec | null>,
  look: Device['look'],
): Promise<'yes' | 'no' | 'unknown'> {
  const missing = new Set<PublicKey>();
  for (const [publicKey, spec] of outcome) if (spec !== null) missing.add(publicKey);
  let surplus = 0;
  const looked = await look((seen) => {
    const spec = outcome.get(seen.publicKey);
    if (spec === undefined) return;
    if (spec === null) surplus += 1;
    else if (isAsSpecified(seen, spec)) missing.delete(seen.publicKey);
  });
  if (!looked.ok) return 'unknown';
  return missing.size === 0 && surplus === 0 ? 'yes' : 'no';
}
