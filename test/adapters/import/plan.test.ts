// What the plan of an import tells, and what it keeps to itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { derivePeerId } from '../../../adapters/import/peer-ids.ts';
import { type ImportPlan, renderPlan } from '../../../adapters/import/plan.ts';
import { parseFilePeers } from '../../../adapters/interface/wg-quick-peers.ts';
import { parseWgQuickFile, renderWgQuickFile } from '../../../adapters/interface/wg-quick-text.ts';
import { parseConfig } from '../../../core/config/config.ts';
import { planAdoption } from '../../../core/peers/adoption.ts';
import type { PrivateKey } from '../../../core/peers/peer.ts';
import { fail } from '../../../core/result.ts';
import { mustSucceed } from '../../fixtures/outcome.ts';
import { peerFixture } from '../../fixtures/peers.ts';

const key = 'aPu6plm9WICVP91DSbl4Y0ZG5v/eoGe84uGK1fUUQkQ=';
const config = mustSucceed(
  parseConfig(
    {
      server: { port: 1 },
      auth: { api_key: 'k'.repeat(32) },
      wireguard: { interface: 'wg0', listen_port: 51820, subnet: '10.0.0.0/24' },
    },
    () => fail('no file'),
  ),
);

/** Of an interface that is up and has no peer, unless told. */
function planOf(text: string, changes: Partial<ImportPlan> = {}): string {
  const peers = mustSucceed(parseFilePeers(text));
  const facts = { stored: [], live: null, subnets: config.wireguard.subnets, idOf: derivePeerId, nowMs: 0 };
  return renderPlan(
    {
      source: { file: parseWgQuickFile(text), privateKey: key as PrivateKey, peers, ids: new Map() },
      stored: 0,
      adoption: planAdoption(peers, facts),
      live: new Map(),
      target: { path: '/etc/wireguard/wg0.conf', state: 'made_by_hand' },
      ...changes,
    },
    { file: 'wg0.conf', idsFile: null, apply: false, skip: false },
    config.wireguard,
  );
}

const head = `[Interface]\nPrivateKey = ${key}\n`;

test('settings that are lost are named once each, and a key that lost its name is not', () => {
  const plan = planOf(`${head}MTU = 1400\nPostUp = a\nPostUp = b\n${key}\n`);
  assert.match(plan, /^not taken over: MTU, PostUp$/m);
  assert.ok(!plan.includes(key.slice(0, 43)));
});

test('the commands of PostDown are shown as wg-quick would run them, and nothing else of the file is', () => {
  const plan = planOf(`${head}PostUp = secret of PostUp
PostDown = iptables -D FORWARD -i %i -j ACCEPT; ip6tables -D FORWARD -i %i -j ACCEPT # for now
PreDown = secret of PreDown
PostDown = iptables -t nat -D POSTROUTING -o \`ip route | awk '{print $5}'\` -j MASQUERADE
PostDown = wg set %i peer ${key} remove
`);
  const shown = plan.slice(plan.indexOf('What its PostUp made stays')).trimEnd().split('\n');
  assert.deepEqual(shown.slice(1), [
    '  iptables -D FORWARD -i wg0 -j ACCEPT; ip6tables -D FORWARD -i wg0 -j ACCEPT',
    "  iptables -t nat -D POSTROUTING -o `ip route | awk '{print $5}'` -j MASQUERADE",
    '  wg set wg0 peer (hidden) remove',
  ]);
  assert.ok(!plan.includes('secret of'));
});

test('a PostUp that nothing undoes is told, too', () => {
  assert.match(planOf(`${head}PostUp = a\n`), /^What its PostUp made stays, and there is no PostDown/m);
  assert.ok(!planOf(head).includes('PostUp'));
});

test('of a file of the node that somebody edited, what removes the node’s own rules is not shown', () => {
  for (const backend of ['nftables', 'iptables'] as const) {
    const routing = { wanInterface: 'eth0', backend };
    const own = renderWgQuickFile({ ...config.wireguard, routing }, key as PrivateKey);
    assert.ok(own.includes('PostDown'));
    assert.doesNotMatch(planOf(own), /What its PostUp made/);
    assert.match(planOf(`${own}PostDown = mine\n`), /remove old rules:\n {2}mine\n$/);
  }
});

test('while nothing is up, nothing is left of a PostUp, unless the file was replaced while it was up', () => {
  const text = `${head}PostUp = a\nPostDown = b\n`;
  assert.doesNotMatch(planOf(text, { live: null }), /What its PostUp made/);
  const target = { path: '/etc/wireguard/wg0.conf', state: 'of_the_node' as const };
  assert.match(planOf(text, { live: null, target }), /What its PostUp made stays.*:\n {2}b\n$/);
});

test('a keepalive that becomes the node’s is named, and peers without one are counted', () => {
  const lines = ['', '', 'PersistentKeepalive = off', 'PersistentKeepalive = 60', 'PersistentKeepalive = 25'];
  const sections = lines.map(
    (line, index) =>
      `[Peer]\nPublicKey = ${peerFixture(index).publicKey}\nAllowedIPs = 10.0.0.${index + 2}\n${line}\n`,
  );
  const plan = planOf(head + sections.join(''));
  const added = plan.split('\n').filter((line) => line.startsWith('+'));
  assert.deepEqual(
    added.map((line) => /; its PersistentKeepalive = (.*?)(;|$)/.exec(line)?.[1]),
    [undefined, undefined, 'off becomes 25', '60 becomes 25', undefined],
  );
  assert.match(plan, /^2 peers without PersistentKeepalive: it becomes the node's, 25 s$/m);
});
