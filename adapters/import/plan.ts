// What an import would do, from what was read: the decision and its text. Reads, writes and starts nothing.
import type { Config } from '../../core/config/config.ts';
import { count } from '../../core/count.ts';
import { hideKeysAlone } from '../../core/hide-keys.ts';
import { keepaliveSeconds } from '../../core/limits.ts';
import type { Adoption, AdoptionProblem } from '../../core/peers/adoption.ts';
import { noPresharedKey, type Peer, type PublicKey } from '../../core/peers/peer.ts';
import type { DevicePeer } from '../../core/ports.ts';
import type { FilePeer } from '../interface/wg-quick-peers.ts';
import { isShowable } from '../interface/wg-quick-sections.ts';
import { backendOfPostDown, interfaceSettings, type WgQuickFile } from '../interface/wg-quick-text.ts';
import type { ImportOrder } from './order.ts';
import type { ImportSource, ImportTarget } from './source.ts';

/** All that was read and decided. */
export interface ImportPlan {
  readonly source: ImportSource;
  /** How many peers the store holds before. */
  readonly stored: number;
  readonly adoption: Adoption;
  /** Peers of the live interface; null: it is not up. */
  readonly live: ReadonlyMap<PublicKey, DevicePeer> | null;
  readonly target: ImportTarget;
}

/** Whether it may be carried out. */
export function isPossible(plan: ImportPlan, { skip }: ImportOrder): boolean {
  return skip || plan.adoption.refused.every(({ problem }) => wasLeftOut(problem, plan));
}

/** Whether a peer of the live interface is one that an import before left out, or that came since: a file no longer decides. */
function wasLeftOut(problem: AdoptionProblem, plan: ImportPlan): boolean {
  return problem === 'only_live' && plan.stored > 0 && isDone(plan);
}

/** Whether all of it has been done before. */
export function isDone({ adoption, target }: ImportPlan): boolean {
  return adoption.added.length === 0 && target.state === 'of_the_node';
}

/** The plan for people, a line a peer. Holds no secret. */
export function renderPlan(plan: ImportPlan, order: ImportOrder, config: Config['wireguard']): string {
  const { adoption, live } = plan;
  const { peers } = plan.source;
  const found = new Map(peers.map((peer) => [peer.publicKey, peer]));
  const lines = [
    `${order.file}: ${count(peers.length, 'peer')}; ${config.interface} is ${live === null ? 'not up' : `up with ${live.size}`}`,
    ...adoption.added.map((peer) => renderAdded(peer, found.get(peer.publicKey))),
    ...adoption.known.map(({ publicKey }) => `= ${publicKey} is known`),
    ...adoption.refused.map(({ publicKey, problem }) => {
      const known = wasLeftOut(problem, plan);
      const text = known ? 'is on the interface and was not taken over' : problemTexts[problem];
      const rest = known || order.skip ? fate(publicKey, plan, config) : '';
      return `! ${publicKey} ${text}${renderMoved(found.get(publicKey))}${rest}`;
    }),
    ...renderKeepalive(adoption.added, found),
    ...renderTarget(plan, config),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function renderAdded({ publicKey, allowedIPs, id, presharedKey }: Peer, found: FilePeer | undefined): string {
  const seconds = found?.keepaliveSeconds ?? null;
  const notes = [
    ...(found !== undefined && found.sections > 1
      ? [`; comes ${found.sections} times, and as wg takes it the AllowedIPs of the last count`]
      : []),
    ...(presharedKey === noPresharedKey ? ['; has no preshared key until its keys are rotated'] : []),
    ...(seconds !== null && seconds !== keepaliveSeconds
      ? [`; its PersistentKeepalive = ${seconds === 0 ? 'off' : seconds} becomes ${keepaliveSeconds}`]
      : []),
    ...(found?.hasEndpoint
      ? ['; its Endpoint is not kept: once the interface is made anew, it has to call first']
      : []),
  ];
  return `+ ${publicKey} ${allowedIPs.join(', ')} peer id ${id}${renderMoved(found)}${notes.join('')}`;
}

/** Most peers of a server have no keepalive: they are counted, and those that have another than the node's are named above. */
function renderKeepalive(added: readonly Peer[], found: ReadonlyMap<PublicKey, FilePeer>): readonly string[] {
  const without = added.filter(({ publicKey }) => found.get(publicKey)?.keepaliveSeconds === null).length;
  if (without === 0) return [];
  return [
    `${count(without, 'peer')} without PersistentKeepalive: it becomes the node's, ${keepaliveSeconds} s`,
  ];
}

function renderMoved(found: FilePeer | undefined): string {
  const moved = found?.moved ?? [];
  return moved
    .map(({ allowedIP, to }) => `; ${allowedIP} goes to ${to}, the last to name it, as wg does it`)
    .join('');
}

const problemTexts: Readonly<Record<AdoptionProblem, string>> = {
  no_address: 'has no AllowedIPs',
  not_one_address: 'has other AllowedIPs than one address a family; the node routes no networks to peers',
  not_assignable:
    "has an address outside the configured subnets, or the node's own, the network's or the broadcast's",
  address_taken: 'has an address that another peer has',
  id_taken: 'is to get an id that another peer has',
  live_differs: 'is otherwise on the interface: make the file say what is, with wg-quick save',
  only_live: 'is on the interface and not in the file: put it there, with wg-quick save',
};

/** What becomes of a peer that is left out. */
function fate(publicKey: PublicKey, { live }: ImportPlan, config: Config['wireguard']): string {
  if (live?.has(publicKey) !== true) return '; left out';
  return config.unknownPeers === 'remove'
    ? '; left out, and REMOVED FROM THE INTERFACE when the node starts (wireguard.unknown_peers)'
    : '; left out, and on the interface until that is made anew';
}

function renderTarget({ source, live, target }: ImportPlan, config: Config['wireguard']): readonly string[] {
  const { path, state } = target;
  // An interface of this file that is down has taken along what it made, unless the file was replaced while it was up.
  const leftovers = live === null && state !== 'of_the_node' ? [] : renderLeftovers(source.file, config);
  // The file that is read may be the copy of before.
  if (state === 'of_the_node') return [`${path} is the node's own and stays`, ...leftovers];
  const lost = settingsLost(source.file);
  return [
    state === 'missing'
      ? `${path} is made, with the key of the file`
      : `${path} becomes the node's own, with the same key; a copy of it as it is stays beside it`,
    ...(lost.length === 0 ? [] : [`not taken over: ${lost.join(', ')}`]),
    ...leftovers,
  ];
}

/** What the operator has to do about rules of the file: they are foreign shell text, which nothing here ever runs. */
function renderLeftovers({ postUp, postDown }: WgQuickFile, config: Config['wireguard']): readonly string[] {
  if (postUp.length > 0 && postDown.length === 0) {
    return ['What its PostUp made stays, and there is no PostDown that undoes it: look for it yourself'];
  }
  const foreign = postDown.filter((line) => backendOfPostDown(line, config) === null);
  if (foreign.length === 0) return [];
  return [
    'What its PostUp made stays, and nothing runs its PostDown any more. Once the node has started, run those of these commands that remove old rules:',
    // wg-quick(8) puts the name in, too, before it runs a line.
    ...foreign.map((line) => `  ${hideKeysAlone(line.replaceAll('%i', config.interface))}`),
  ];
}

const settingsTaken = ['privatekey', 'address', 'listenport'];

/** Names of the settings that the node's own file will not have: its rules, for one, are of its own. */
function settingsLost(source: WgQuickFile): readonly string[] {
  const names = interfaceSettings(source.text)
    .filter(isShowable)
    .map(({ key }) => key);
  return [...new Set(names.filter((name) => !settingsTaken.includes(name.toLowerCase())))];
}
