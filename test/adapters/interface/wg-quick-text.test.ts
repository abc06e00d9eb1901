import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderIptablesDown, renderIptablesUp } from '../../../adapters/interface/iptables-text.ts';
import { renderNftables } from '../../../adapters/interface/nftables-text.ts';
import {
  hasRulesOf,
  type InterfaceConfig,
  parseWgQuickFile,
  renderWgQuickFile,
} from '../../../adapters/interface/wg-quick-text.ts';
import { type Cidr, parseAddress, parseCidr } from '../../../core/address.ts';
import type { Subnet } from '../../../core/config/config.ts';
import type { PrivateKey } from '../../../core/peers/peer.ts';

const key = 'aPu6plm9WICVP91DSbl4Y0ZG5v/eoGe84uGK1fUUQkQ=' as PrivateKey;

function subnet(network: string, own: string): Subnet {
  const cidr = parseCidr(network) as { value: Cidr };
  const serverIp = parseAddress(own);
  assert.ok(serverIp);
  return { cidr: cidr.value, serverIp };
}

const dualStack: InterfaceConfig = {
  interface: 'wg0',
  listenPort: 51820,
  subnets: [subnet('10.7.0.0/24', '10.7.0.1'), subnet('fd07::/112', 'fd07::1')],
  routing: { wanInterface: 'eth0', backend: 'nftables' },
};
const onIptables: InterfaceConfig = {
  ...dualStack,
  routing: { wanInterface: 'eth0', backend: 'iptables' },
};
const plain: InterfaceConfig = {
  ...dualStack,
  subnets: [subnet('10.7.0.0/24', '10.7.0.9')],
  routing: null,
};

test('a file holds key, addresses with their subnet prefix, port, and no rules without routing', () => {
  const [, , ...lines] = renderWgQuickFile(plain, key).split('\n');
  assert.deepEqual(lines, [
    '[Interface]',
    `PrivateKey = ${key}`,
    'Address = 10.7.0.9/24',
    'ListenPort = 51820',
    '',
  ]);
});

test('the rules of nftables stand in one PostUp and one PostDown', () => {
  const file = parseWgQuickFile(renderWgQuickFile(dualStack, key));
  assert.deepEqual(file.postUp, [`nft '${renderNftables(dualStack)}'`]);
  assert.deepEqual(file.postDown, ["nft 'add table inet wgkeeper-wg0; delete table inet wgkeeper-wg0'"]);
});

test('the rules of iptables stand there a command a line', () => {
  const file = parseWgQuickFile(renderWgQuickFile(onIptables, key));
  assert.deepEqual(file.postUp, renderIptablesUp(onIptables));
  assert.deepEqual(file.postDown, renderIptablesDown(onIptables));
});

test('what is rendered is read back, and known as written by the node', () => {
  const { text, postUp, postDown, ...file } = parseWgQuickFile(renderWgQuickFile(dualStack, key));
  assert.deepEqual(file, {
    privateKey: key,
    addresses: ['10.7.0.1/24', 'fd07::1/112'],
    listenPort: 51820,
    peerSections: 0,
    savesPeers: false,
    writtenByNode: true,
  });
});

test('any edit makes it a file of the operator', () => {
  const text = renderWgQuickFile(dualStack, key);
  const edits = [
    `${text}\n`,
    text.slice(0, -1),
    text.replace('51820', '51821'),
    text.replace('Change config.yaml', 'change config.yaml'),
    `# mine\n${text}`,
    text.replace(/sha256 ./, 'sha256 g'),
    text.slice(text.indexOf('\n') + 1),
  ];
  for (const edited of edits) assert.equal(parseWgQuickFile(edited).writtenByNode, false, edited);
});

test('a file made by hand is read as wg-quick reads it', () => {
  const text = [
    'ListenPort = 1',
    '[interface] # mine',
    `privatekey=${key} # secret`,
    ' ADDRESS = 10.7.0.1/24 , FD07:0::1/112',
    'Address = 10.9.0.1',
    'ListenPort = 51820',
    'PostUp = echo up; echo more',
    'PostDown = echo down',
    'saveconfig=true',
    '[Peer]',
    'PublicKey = x',
    'ListenPort = 2',
  ].join('\r\n');
  const { text: _, ...file } = parseWgQuickFile(text);
  assert.deepEqual(file, {
    privateKey: key,
    addresses: ['10.7.0.1/24', 'fd07::1/112', '10.9.0.1/32'],
    listenPort: 51820,
    postUp: ['echo up; echo more'],
    postDown: ['echo down'],
    peerSections: 1,
    savesPeers: true,
    writtenByNode: false,
  });
});

test('a missing, malformed, cut-off or all-zero key is none', () => {
  const zeros = `${'A'.repeat(43)}=`;
  for (const text of ['', key.slice(0, 43), `${key}=`, 'x', zeros]) {
    assert.equal(parseWgQuickFile(`[Interface]\nPrivateKey = ${text}\n`).privateKey, null, text);
  }
  assert.equal(parseWgQuickFile(`PrivateKey = ${key}\n`).privateKey, null);
});

test('rules are the same in any order, and other ones are noticed', () => {
  const text = renderWgQuickFile(onIptables, key);
  const [head, ...rest] = text.split('PostUp');
  assert.equal(hasRulesOf(parseWgQuickFile(text), onIptables), true);
  const lines = text.split('\n');
  const reversed = [...lines.slice(0, 3), ...lines.slice(3).reverse()].join('\n');
  assert.equal(hasRulesOf(parseWgQuickFile(reversed), onIptables), true);
  assert.equal(hasRulesOf(parseWgQuickFile([head, ...rest.slice(1)].join('PostUp')), onIptables), false);
  assert.equal(hasRulesOf(parseWgQuickFile(`${text}PostUp = echo\n`), onIptables), false);
  assert.equal(hasRulesOf(parseWgQuickFile(text), dualStack), false);
  assert.equal(hasRulesOf(parseWgQuickFile(text), plain), false);
});
