import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firewallRules, parseTaggedRules } from '../../../adapters/interface/firewall-rules.ts';
import type { InterfaceConfig } from '../../../adapters/interface/wg-quick-text.ts';
import { type Cidr, parseAddress, parseCidr } from '../../../core/address.ts';

function config(name: string, wanInterface: string): InterfaceConfig {
  const cidr = parseCidr('10.7.0.0/24') as { value: Cidr };
  const serverIp = parseAddress('10.7.0.1');
  assert.ok(serverIp);
  const routing = { wanInterface, backend: 'auto' } as const;
  return { interface: name, listenPort: 1, subnets: [{ cidr: cidr.value, serverIp }], routing };
}

// As iptables 1.8.9 over nf_tables lists them.
const listing = `-P FORWARD ACCEPT
-A FORWARD -i docker0 -m comment --comment "it's \\"mine\\"" -j DROP
-A FORWARD -s 10.7.0.0/24 -i wg0 -o eth0 -m comment --comment "wgkeeper-node:wg0:faa4e9fc" -j ACCEPT
-A FORWARD -s 10.8.0.0/24 -i wg01 -o eth0 -m comment --comment "wgkeeper-node:wg01:faa4e9fd" -j ACCEPT
-A FORWARD -s 10.7.0.0/24 -i wg0 -o eth0 -m comment --comment wgkeeper-node:wg0:11111111 -j ACCEPT
`;

test('the rules of an interface are found in a listing by their comment, quoted or not', () => {
  const rules = parseTaggedRules(listing, 'wg0');
  assert.deepEqual(
    rules.map(({ tag }) => tag),
    ['wgkeeper-node:wg0:faa4e9fc', 'wgkeeper-node:wg0:11111111'],
  );
  assert.equal(
    rules[0]?.specification.join(' '),
    'FORWARD -s 10.7.0.0/24 -i wg0 -o eth0 -m comment --comment wgkeeper-node:wg0:faa4e9fc -j ACCEPT',
  );
});

test("an interface whose name begins like another's has rules of its own", () => {
  assert.deepEqual(
    parseTaggedRules(listing, 'wg01').map(({ tag }) => tag),
    ['wgkeeper-node:wg01:faa4e9fd'],
  );
  assert.deepEqual(parseTaggedRules(listing, 'wg'), []);
});

test('a listing without rules holds none', () => {
  assert.deepEqual(parseTaggedRules('', 'wg0'), []);
  assert.deepEqual(parseTaggedRules('-P FORWARD DROP\n', 'wg0'), []);
});

test('tags are the same for the same rule and differ with any part of it', () => {
  const tags = (name: string, wan: string) => firewallRules(config(name, wan)).map(({ tag }) => tag);
  assert.deepEqual(tags('wg0', 'eth0'), tags('wg0', 'eth0'));
  const all = [...tags('wg0', 'eth0'), ...tags('wg0', 'eth1'), ...tags('wg1', 'eth0')];
  assert.equal(new Set(all).size, 9);
});

test('a comment fits what the kernel keeps, with the longest names', () => {
  // XT_MAX_COMMENT_LEN (linux/netfilter/xt_comment.h) is 256.
  for (const { tag } of firewallRules(config('a'.repeat(15), 'b'.repeat(15)))) assert.ok(tag.length < 256);
});
