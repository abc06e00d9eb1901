// What an import would do, from what was read: the decision and its text. Reads, writes and starts nothing.
import type { Config } from '../../core/config/config.ts';
import { hideKeysAlone } from '../../core/hide-keys.ts';
import type { Adoption, AdoptionProblem } from '../../core/peers/adoption.ts';
import { noPresharedKey, type Peer, type PublicKey } from '../../core/peers/peer.ts';
import type { DevicePeer } from '../../core/ports.ts';
import { countPeers } from '../interface/foreign-peers.ts';
import type { FilePeer } from '../interface/wg-quick-peers.ts';
import { interfaceSettings, isNodesPostDown, type WgQuickFile } from '../interface/wg-quick-text.ts';
import type { ImportOrder } from './order.ts';
import type { ImportSource, ImportTarget } from './source.ts';

/** All that was read and decided. */
export interface ImportPlan {
  readonly source: ImportSource;
  readonly adoption: Adoption;
  /** Peers of the live interface; null: it is not up. */
  readonly live: ReadonlyMap<PublicKey, DevicePeer> | null;
  readonly target: ImportTarget;
}

/** Whether it may be carried out. */
export function isPossible({ adoption }: ImportPlan, { skip }: ImportOrder): boolean {
  return adoption.refused.length === 0 || skip;
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
    `${order.file}: ${countPeers(peers.length)}; ${config.interface} is ${live === null ? 'not up' : `up with ${live.size}`}`,
    ...adoption.added.map((peer) => renderAdded(peer, found.get(peer.publicKey))),
    ...adoption.known.map(({ publicKey }) => `= ${publicKey} is known`),
    ...adoption.refused.map(
      ({ publicKey, problem }) =>
        `! ${publicKey} ${problemTexts[problem]}${renderMoved(found.get(publicKey))}${fate(publicKey, plan, order, config)}`,
    ),
    ...renderTarget(plan, config),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function renderAdded({ publicKey, allowedIPs, id, presharedKey }: Peer, found: FilePeer | undefined): string {
  const notes = [
    ...(found !== undefined && found.sections > 1
      ? [`; comes ${found.sections} times, and as wg takes it the AllowedIPs of the last count`]
      : []),
    ...(presharedKey === noPresharedKey ? ['; has no preshared key until its keys are rotated'] : []),
    ...(found?.hasEndpoint
      ? ['; its Endpoint is not kept: once the interface is made anew, it has to call first']
      : []),
  ];
  return `+ ${publicKey} ${allowedIPs.join(', ')} peer id ${id}${renderMoved(found)}${notes.join('')}`;
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
function fate(
  publicKey: PublicKey,
  { live }: ImportPlan,
  { skip }: ImportOrder,
  config: Config['wireguard'],
): string {
  if (!skip) return '';
  if (live?.has(publicKey) !== true) return '; left out';
  return config.unknownPeers === 'remove'
    ? '; left out, and REMOVED FROM THE INTERFACE when the node starts (wireguard.unknown_peers)'
    : '; left out, and on the interface until that is made anew';
}

function renderTarget({ source, target }: ImportPlan, config: Config['wireguard']): readonly string[] {
  const { path, state } = target;
  const leftovers = renderLeftovers(source.file, config);
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
  const foreign = postDown.filter((line) => !isNodesPostDown(line, config));
  if (foreign.length === 0) return [];
  return [
    'What its PostUp made stays, and nothing runs its PostDown any more. Once the node has started, run of it what is still wanted:',
    // wg-quick(8) puts the name in, too, before it runs a line.
    ...foreign.map((line) => `  ${hideKeysAlone(line.replaceAll('%i', config.interface))}`),
  ];
}

// Far above the longest of wg-quick(8).
const nameLengthMax = 32;

const settingsTaken = ['privatekey', 'address', 'listenport'];

/** Names of the settings that the node's own file will not have: its rules, for one, are of its own. */
function settingsLost(source: WgQuickFile): readonly string[] {
  // Nothing longer is a setting: a key that stands on a line of its own looks like the name of one, by the "=" at its end.
  const names = interfaceSettings(source.text).flatMap(({ key }) => (key.length <= nameLengthMax ? key : []));
  return [...new Set(names.filter((name) => !settingsTaken.includes(name.toLowerCase())))];
}
