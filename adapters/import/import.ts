// Takes over a set-up made by hand: its key, its port and its peers. All of it is read and decided first. What is written is
// the store, then the interface's file, then what the live peers lack; each may be repeated, and no tunnel drops.
import type { Config } from '../../core/config/config.ts';
import { count } from '../../core/count.ts';
import { planAdoption } from '../../core/peers/adoption.ts';
import type { Peer, PublicKey } from '../../core/peers/peer.ts';
import { isAsSpecified } from '../../core/peers/reconcile.ts';
import type { Device, DeviceChange, PeerStore } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { takeOver } from '../interface/interface.ts';
import { type InterfaceHost, isThere } from '../interface/interface-host.ts';
import type { ImportFailure, ImportOrder } from './order.ts';
import { derivePeerId } from './peer-ids.ts';
import { type ImportPlan, isDone, isPossible, renderPlan } from './plan.ts';
import { checkIds, type ImportSource, readLive, readSource, readTarget } from './source.ts';

/** What an import works on. */
export interface ImportPlace {
  readonly host: InterfaceHost;
  readonly nowMs: number;
  /** Not loaded; it is closed in the end. */
  readonly store: PeerStore;
  /** Reads the stored peers without claiming the store, which may belong to a server. */
  readonly peekStored: () => Promise<Result<readonly Peer[], ImportFailure>>;
  /** Opens the device of the interface; it is closed in the end. */
  readonly openDevice: () => Device;
}

/** What came of an import that was not refused as a whole. */
export interface ImportReport {
  /** What was or would be done, for stdout. */
  readonly text: string;
  /** False: it can't be done as it was asked for, and nothing was. */
  readonly isPossible: boolean;
}

type Outcome<Value> = Promise<Result<Value, ImportFailure>>;

/** Shows what an import does, and does it if it was told to. */
export async function importInterface(
  order: ImportOrder,
  config: Config['wireguard'],
  place: ImportPlace,
): Outcome<ImportReport> {
  const source = await readSource(order, config);
  if (!source.ok) return source;
  const device = (await isThere(config.interface, place.host)) ? place.openDevice() : null;
  try {
    const stored = order.apply ? await loadStored(place.store) : await place.peekStored();
    if (!stored.ok) return stored;
    const ids = checkIds(source.value, stored.value, order);
    if (!ids.ok) return ids;
    const plan = await makePlan(source.value, stored.value, config, device, place);
    if (!plan.ok) return plan;
    const text = renderPlan(plan.value, order, config);
    if (!isPossible(plan.value, order)) {
      return ok({ text: `${text}${isDone(plan.value) ? onlyImpossible : impossible}`, isPossible: false });
    }
    if (isDone(plan.value)) return ok({ text: `${text}Nothing to do.\n`, isPossible: true });
    if (!order.apply) return ok({ text: `${text}${onlyShown}`, isPossible: true });
    const done = await carryOut(plan.value, stored.value, config, device, place);
    return done.ok ? ok({ text: `${text}${done.value}`, isPossible: true }) : done;
  } finally {
    await place.store.close();
    await device?.close();
  }
}

const impossible =
  'Nothing was changed: peers marked "!" can not be taken over. Change the file, or leave them out with --skip.\n';
const onlyImpossible =
  'Nothing to do: all but the peers marked "!" are taken over, and those can not be as the file has them.\n';
const onlyShown = 'Nothing was changed. The same with --apply does it.\n';

async function loadStored(store: PeerStore): Outcome<readonly Peer[]> {
  const loaded = await store.load();
  if (loaded.ok) return ok(loaded.value.peers);
  const { code, detail } = loaded.failure;
  return fail({ message: code === 'store_locked' ? `${detail}: is a node serving? Stop it first` : detail });
}

async function makePlan(
  source: ImportSource,
  stored: readonly Peer[],
  { interface: name, subnets }: Config['wireguard'],
  device: Device | null,
  { host, nowMs }: ImportPlace,
): Outcome<ImportPlan> {
  const target = await readTarget(source, host.folder, name);
  if (!target.ok) return target;
  const live = device === null ? ok(null) : await readLive(device, host.derivePublicKey(source.privateKey));
  if (!live.ok) return host.isRoot ? live : fail({ message: `${live.failure.message}. Run it as root` });
  const idOf = (publicKey: PublicKey) => source.ids.get(publicKey) ?? derivePeerId(publicKey);
  const adoption = planAdoption(source.peers, { stored, live: live.value, subnets, idOf, nowMs });
  return ok({ source, stored: stored.length, adoption, live: live.value, target: target.value });
}

/** The answer is what was done, in a line. */
async function carryOut(
  { source, adoption, live }: ImportPlan,
  stored: readonly Peer[],
  config: Config['wireguard'],
  device: Device | null,
  { store, host, nowMs }: ImportPlace,
): Outcome<string> {
  const { added } = adoption;
  const committed = await store.commit(
    added.map((peer) => ({ kind: 'put', peer, retires: null })),
    () => stored,
  );
  if (!committed.ok) return fail({ message: committed.failure.detail });
  const copy = await takeOver(config, source.privateKey, nowMs, host);
  if (!copy.ok) return copy;
  const changes = added
    .filter((peer) => !isRight(peer, live))
    .map((peer): DeviceChange => ({ kind: 'put', peer, replaces: null }));
  const applied = device === null ? ok(undefined) : await device.apply(changes);
  if (!applied.ok)
    return fail({
      message: `${applied.failure.detail}; all else is done, and the node will do this when it starts`,
    });
  return ok(
    `Done: ${count(added.length, 'peer')} stored${copy.value === null ? '' : `, ${copy.value} kept`}. Now start the node.\n`,
  );
}

function isRight(peer: Peer, live: ImportPlan['live']): boolean {
  const seen = live?.get(peer.publicKey);
  return seen !== undefined && isAsSpecified(seen, peer);
}
