// Which rules of others are seen to let the node's packets pass: in the words of nft and of iptables-save.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FirewallRule } from '../../../adapters/interface/firewall-rules.ts';
import {
  type ForeignChains,
  letsPass,
  parseIptablesChains,
  parseNftablesChains,
} from '../../../adapters/interface/foreign-rules.ts';

const subnets = { IPv4: '10.7.0.0/24', IPv6: 'fd07::/112' } as const;

/** What passes of `out` and `back`, in both families: `out4 back4 out6 back6`. */
function passing(chains: ForeignChains, name: string): string {
  const rules = (['IPv4', 'IPv6'] as const).flatMap((family) =>
    (['out', 'back'] as const).map((kind): FirewallRule => {
      return { kind, family, interface: 'wg0', wanInterface: 'eth0', subnet: subnets[family] };
    }),
  );
  const seen = rules.filter((rule) => letsPass(chains, name, rule));
  return seen.map(({ kind, family }) => `${kind}${family.slice(-1)}`).join(' ');
}

const all = 'out4 back4 out6 back6';

describe('a chain of nftables', () => {
  const show = (...rules: readonly string[]) =>
    passing(
      parseNftablesChains(
        `table inet filter {\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n${rules
          .map((rule) => (rule.startsWith('\t') ? rule : `\t\t${rule}`))
          .join('\n')}\n\t}\n}\n`,
      ),
      'forward',
    );

  for (const [passes, ...rules] of [
    ['', ''],
    [all, 'accept'],
    ['out4 out6', 'iifname "wg0" oifname "eth0" accept'],
    ['back4 back6', 'iifname "eth0" oifname "wg0" ct state established,related accept'],
    [
      all,
      'iifname "wg0" accept',
      'ct state { established, related } counter packets 7 bytes 9 accept comment "a b"',
    ],
    ['out4', 'iifname { "wg0", "wg1" } ip saddr 10.0.0.0/8 accept'],
    ['out6', 'iif "wg*" ip6 saddr { fd07::/112, fd08::/112 } accept'],
    ['back4', 'ip daddr 10.7.0.0/24 accept'],
    ['out4 out6', 'iifname "wg0" jump mine', '\t}\n\n\tchain mine {', 'oifname "eth0" accept'],
    ['', 'iifname "wg0" jump mine', '\t}\n\n\tchain mine {', 'jump mine'],
    // Other interfaces, smaller networks, other states.
    ['', 'iifname "wg1" accept', 'iifname "wg0" oifname "eth1" accept'],
    ['', 'ip saddr 10.7.0.0/25 accept', 'ip6 saddr fd07::5 accept', 'ct state related accept'],
    // More than is understood.
    [
      '',
      'iifname != "eth0" accept',
      'iifname "wg0" tcp dport 443 accept',
      'iifname "wg0" ip daddr 192.0.2.1 accept',
    ],
    [
      '',
      'iifname "wg0" drop',
      'ct state vmap { established : accept, related : accept }',
      'meta mark 0x1 accept',
    ],
  ] as const) {
    it(`${rules.join(' / ')}: ${passes || 'nothing'}`, () => assert.equal(show(...rules), passes));
  }
});

describe('FORWARD of iptables', () => {
  const show = (...rules: readonly string[]) =>
    passing(
      parseIptablesChains(
        `*nat\n:POSTROUTING ACCEPT [0:0]\n-A FORWARD -j ACCEPT\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\n${rules.join('\n')}\nCOMMIT\n*raw\n-A FORWARD -j ACCEPT\nCOMMIT\n`,
      ),
      'FORWARD',
    );

  for (const [passes, ...rules] of [
    ['', ''],
    [all, '-A FORWARD -j ACCEPT'],
    ['out4 out6', '-A FORWARD -i wg0 -o eth0 -j ACCEPT'],
    ['back4 back6', '-A FORWARD -i eth0 -o wg0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'],
    ['back4 back6', '-A FORWARD -m state --state RELATED,ESTABLISHED -m comment --comment "a b" -j ACCEPT'],
    ['out4', '-A FORWARD -s 10.7.0.0/24 -i wg+ -j ACCEPT'],
    ['out4 out6', '-A FORWARD -j DOCKER-USER', '-A DOCKER-USER -i wg0 -j ACCEPT'],
    ['', '-A FORWARD ! -i eth0 -j ACCEPT', '-A FORWARD -i wg0 -p tcp -j ACCEPT', '-A INPUT -j ACCEPT'],
    ['', '-A FORWARD -i wg0 -j DROP', '-A FORWARD -i wg0 -j REJECT', '-A FORWARD -j LOG'],
  ] as const) {
    it(`${rules.join(' / ')}: ${passes || 'nothing'}`, () => assert.equal(show(...rules), passes));
  }
});
