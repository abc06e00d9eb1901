// Which rules of others are seen to let the node's packets pass: in the words of nft and of iptables-save.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FirewallRule } from '../../../adapters/interface/firewall-rules.ts';
import {
  dropsOthers,
  type ForeignChains,
  findCatchAll,
  letsPass,
} from '../../../adapters/interface/foreign-rules.ts';
import { renderNftablesRemedies } from '../../../adapters/interface/foreign-rules-remedies.ts';
import { parseIptablesChains, parseNftablesChains } from '../../../adapters/interface/foreign-rules-text.ts';

const subnets = { IPv4: '10.7.0.0/24', IPv6: 'fd07::/112' } as const;

const wanted = (['IPv4', 'IPv6'] as const).flatMap((family) =>
  (['out', 'back'] as const).map((kind): FirewallRule => {
    return { kind, family, interface: 'wg0', wanInterface: 'eth0', subnet: subnets[family] };
  }),
);

/** What passes of `out` and `back`, in both families: `out4 back4 out6 back6`. */
function passing(chains: ForeignChains, name: string): string {
  const seen = wanted.filter((rule) => letsPass(chains, name, rule));
  return seen.map(({ kind, family }) => `${kind}${family.slice(-1)}`).join(' ');
}

const all = 'out4 back4 out6 back6';

describe('a chain of nftables', () => {
  const show = (policy: 'accept' | 'drop', ...rules: readonly string[]) =>
    passing(
      parseNftablesChains(
        `table inet filter {\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy ${policy};\n${rules
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
    it(`${rules.join(' / ')}: ${passes || 'nothing'}`, () => assert.equal(show('drop', ...rules), passes));
  }

  for (const [passes, ...rules] of [
    [all, ''],
    ['', 'reject with icmpx admin-prohibited'],
    ['', 'reject'],
    ['', 'counter packets 7 bytes 9 log prefix "no: " level info drop comment "a b"'],
    ['back4 back6', 'ct state established,related accept', 'drop', 'accept'],
    ['out6 back6', 'reject with icmp port-unreachable'],
    ['out4 back4', 'meta nfproto ipv6 drop'],
    ['', 'goto end', 'accept', '\t}\n\n\tchain end {', 'reject with icmpx type no-route'],
    [all, 'jump end', 'accept', '\t}\n\n\tchain end {', 'return', 'drop'],
    ['back4 back6', 'iifname "wg0" drop'],
    // More than is understood.
    [
      all,
      'ct state invalid drop',
      'iifname != "lo" drop',
      'tcp dport 25 reject',
      'meta l4proto tcp reject with tcp reset',
    ],
  ] as const) {
    it(`of policy accept, ${rules.join(' / ')}: ${passes || 'nothing'}`, () =>
      assert.equal(show('accept', ...rules), passes));
  }

  it('that rules lead away from for good has its policy', () => {
    const away = ['goto end', 'accept', '\t}\n\n\tchain end {', 'ct state invalid drop'] as const;
    assert.equal(show('drop', ...away), '');
    assert.equal(show('accept', ...away), all);
  });
});

// As nft 1.0.6 lists what firewalld 1.3 makes for eth0 in zone `public`, shortened.
const firewalld = (policies: string, zones: string) => `table inet firewalld {
	chain filter_FORWARD {
		type filter hook forward priority filter + 10; policy accept;
		ct state { established, related } accept
		ct status dnat accept
		iifname "lo" accept
		ct state invalid drop
		ip6 daddr { ::/96, ::ffff:0.0.0.0/96, 2002::/24 } reject with icmpv6 addr-unreachable
		jump filter_FORWARD_ZONES
		reject with icmpx admin-prohibited
	}

	chain filter_FORWARD_POLICIES_pre {
		jump filter_FWD_policy_wgkeeper
	}

	chain filter_FORWARD_ZONES {
${zones}		goto filter_FWD_public
	}

	chain filter_FWD_public {
		jump filter_FORWARD_POLICIES_pre
		jump filter_FWD_public_allow
		reject with icmpx admin-prohibited
	}

	chain filter_FWD_public_allow {
	}

	chain filter_FWD_trusted {
		jump filter_FORWARD_POLICIES_pre
		accept
	}

	chain filter_FWD_policy_wgkeeper {
		jump filter_FWD_policy_wgkeeper_allow
	}

	chain filter_FWD_policy_wgkeeper_allow {
${policies}	}
}
`;

describe("firewalld's chain", () => {
  const show = (policies: string, zones: string) =>
    passing(parseNftablesChains(firewalld(policies, zones)), 'filter_FORWARD');
  for (const [passes, policies, zones] of [
    ['back4 back6', '', '\t\tiifname "eth0" goto filter_FWD_public\n'],
    [all, '', '\t\tiifname "wg0" goto filter_FWD_trusted\n'],
    ['out4 back4 back6', '\t\tip saddr 10.7.0.0/24 accept\n', ''],
  ] as const) {
    it(`with ${policies.trim() || 'no policy'}, ${zones.trim() || 'no zone'}: ${passes}`, () =>
      assert.equal(show(policies, zones), passes));
  }

  it('is opened by firewalld itself, which a reload of it does not undo', () => {
    const lost = wanted.filter(({ kind }) => kind === 'out');
    assert.deepEqual(renderNftablesRemedies('inet firewalld filter_FORWARD', lost), [
      'firewall-cmd --permanent --new-policy=wgkeeper',
      'firewall-cmd --permanent --policy=wgkeeper --add-ingress-zone=ANY',
      'firewall-cmd --permanent --policy=wgkeeper --add-egress-zone=ANY',
      `firewall-cmd --permanent --policy=wgkeeper --add-rich-rule='rule family=ipv4 source address=10.7.0.0/24 accept'`,
      `firewall-cmd --permanent --policy=wgkeeper --add-rich-rule='rule family=ipv6 source address=fd07::/112 accept'`,
      'firewall-cmd --reload',
    ]);
  });
});

describe('FORWARD of iptables', () => {
  const parse = (policy: 'ACCEPT' | 'DROP', rules: readonly string[]) =>
    parseIptablesChains([`:FORWARD ${policy} [0:0]`, ...rules]);

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
    it(`${rules.join(' / ')}: ${passes || 'nothing'}`, () =>
      assert.equal(passing(parse('DROP', rules), 'FORWARD'), passes));
  }

  for (const [passes, place, ...rules] of [
    [all, undefined],
    ['', 0, '-A FORWARD -j REJECT --reject-with icmp-host-prohibited'],
    ['', 0, '-A FORWARD -m comment --comment "say \\"no\\"" -j DROP', '-A FORWARD -j ACCEPT'],
    ['back4 back6', 1, '-A FORWARD -m state --state RELATED,ESTABLISHED -j ACCEPT', '-A FORWARD -j REJECT'],
    // A rule that is not understood has its place, too.
    ['', 1, '-A FORWARD -p tcp -m tcp --dport 443 -j ACCEPT', '-A FORWARD -j DROP'],
    ['', 0, '-A FORWARD -j end', '-A end -i lo -j ACCEPT', '-A end -j REJECT'],
    ['', 0, '-A FORWARD -g end', '-A FORWARD -j ACCEPT', '-A end -j DROP'],
    [all, undefined, '-A FORWARD -j end', '-A end -j RETURN', '-A end -j DROP'],
    [all, undefined, '-A FORWARD -j ACCEPT', '-A FORWARD -j DROP'],
    [all, undefined, '-A FORWARD -j LOG', '-A FORWARD -j end', '-A end -j end'],
    ['back4 back6', undefined, '-A FORWARD -i wg0 -j DROP'],
    [all, undefined, '-A INPUT -j REJECT'],
  ] as const) {
    it(`of policy ACCEPT, ${rules.join(' / ')}: ${passes || 'nothing'}, closed from ${place}`, () => {
      const chains = parse('ACCEPT', rules);
      assert.equal(passing(chains, 'FORWARD'), passes);
      assert.equal(findCatchAll(chains, 'FORWARD'), place);
      assert.equal(dropsOthers(chains, 'FORWARD'), place !== undefined);
    });
  }

  it('with a policy of DROP drops what its rules do not know, at no place', () => {
    const chains = parse('DROP', ['-A FORWARD -i wg0 -j ACCEPT']);
    assert.equal(dropsOthers(chains, 'FORWARD'), true);
    assert.equal(findCatchAll(chains, 'FORWARD'), undefined);
  });
});
