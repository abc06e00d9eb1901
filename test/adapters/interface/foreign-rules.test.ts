// Which rules of others are seen to let the node's packets pass: in the words of nft and of iptables-save.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FirewallRule } from '../../../adapters/interface/firewall-rules.ts';
import {
  dropsOthers,
  type ForeignChains,
  findCatchAll,
  type InboundPackets,
  letsPass,
} from '../../../adapters/interface/foreign-rules.ts';
import {
  renderIptablesRemedies,
  renderNftablesRemedies,
} from '../../../adapters/interface/foreign-rules-remedies.ts';
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

/** A table as nft lists it; a rule that begins with a tab ends the chain, and begins another. */
function nftablesChains(hook: string, policy: 'accept' | 'drop', rules: readonly string[]): ForeignChains {
  const lines = rules.map((rule) => (rule.startsWith('\t') ? rule : `\t\t${rule}`)).join('\n');
  return parseNftablesChains(
    `table inet filter {\n\tchain ${hook} {\n\t\ttype filter hook ${hook} priority filter; policy ${policy};\n${lines}\n\t}\n}\n`,
  );
}

describe('a chain of nftables', () => {
  const show = (policy: 'accept' | 'drop', ...rules: readonly string[]) =>
    passing(nftablesChains('forward', policy, rules), 'forward');

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

/** The families of which first packets to UDP port 51820 get in: `46`. */
function gettingIn(chains: ForeignChains, name: string, wanInterface: string | null = null): string {
  const seen = (['IPv4', 'IPv6'] as const).filter((family) =>
    letsPass(chains, name, { kind: 'in', family, interface: 'wg0', wanInterface, port: 51_820 }),
  );
  return seen.map((family) => family.slice(-1)).join('');
}

describe('an input chain of nftables', () => {
  const show = (policy: 'accept' | 'drop', rules: readonly string[], wan: string | null = null) =>
    gettingIn(nftablesChains('input', policy, rules), 'input', wan);

  for (const [enters, ...rules] of [
    ['', ''],
    ['46', 'udp dport 51820 accept'],
    ['46', 'ct state new udp dport { 53, 51820 } counter packets 1 bytes 2 accept comment "a b"'],
    ['46', 'udp dport 51000-52000 accept'],
    ['46', 'udp dport { 53, 51000-52000 } jump mine', '\t}\n\n\tchain mine {', 'accept'],
    ['46', 'meta l4proto { tcp, udp } th dport 51820 accept'],
    ['46', 'meta l4proto udp accept'],
    ['4', 'ip protocol udp accept'],
    ['6', 'ip6 nexthdr udp udp dport 51820 accept'],
    ['6', 'meta nfproto ipv6 udp dport 51820 accept'],
    ['46', 'fib daddr type local udp dport 51820 accept'],
    ['46', 'iifname "eth0" udp dport 51820 accept', 'drop'],
    ['46', 'iifname "eth1" accept', 'drop'],
    // Answers, the host itself, peers, other ports and protocols, some networks, more than is understood.
    [
      '',
      'ct state established,related accept',
      'iif "lo" accept',
      'iifname "wg0" accept',
      'iifname "wg*" accept',
    ],
    [
      '',
      'udp dport 51821 accept',
      'udp dport 51821-52000 accept',
      'udp sport 51820 accept',
      'tcp dport 51820 accept',
    ],
    ['', 'meta l4proto { icmp, ipv6-icmp } accept', 'ip protocol icmp accept', 'udp dport @open accept'],
    ['', 'ip saddr 10.0.0.0/8 udp dport 51820 accept', 'ip daddr 224.0.0.251 udp dport 51820 accept'],
    [
      '',
      'ct state vmap { new : accept }',
      'udp dport != 53 accept',
      'udp dport 51820 limit rate 1/second accept',
    ],
  ] as const) {
    it(`${rules.join(' / ')}: ${enters || 'nothing'}`, () => assert.equal(show('drop', rules), enters));
  }

  for (const [enters, ...rules] of [
    ['46', ''],
    ['', 'udp dport 51820 drop'],
    ['', 'meta l4proto udp reject'],
    ['', 'reject'],
    ['46', 'udp dport 51820 accept', 'reject'],
    ['46', 'ct state invalid drop', 'iifname "eth1" drop', 'ip saddr 192.0.2.0/24 drop', 'udp dport 53 drop'],
    ['46', 'tcp dport { 22 } ip saddr @addr-set-sshd reject with icmp port-unreachable'],
  ] as const) {
    it(`of policy accept, ${rules.join(' / ')}: ${enters || 'nothing'}`, () =>
      assert.equal(show('accept', rules), enters));
  }

  it('is not opened by what lets in all of another interface than the WAN interface', () => {
    assert.equal(show('drop', ['iifname "docker0" accept'], 'eth0'), '');
    assert.equal(show('drop', ['iifname "eth0" accept'], 'eth0'), '46');
    assert.equal(show('drop', ['iifname "eth*" accept'], 'eth0'), '46');
    assert.equal(show('drop', ['iifname "eth1" udp dport 51820 accept'], 'eth0'), '46');
  });

  it('is no chain for forwarded packets', () => {
    const chains = parseNftablesChains(
      '\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n\t\tmeta l4proto udp accept\n\t\tudp dport 1-65535 accept\n\t\tfib daddr type local accept\n\t}\n',
    );
    assert.equal(passing(chains, 'forward'), '');
    assert.equal(findCatchAll(parseIptablesChains(['-A FORWARD -p udp -j DROP']), 'FORWARD'), undefined);
  });
});

// What ufw 0.36 makes, shortened.
const ufw = (...own: readonly string[]) => [
  ':INPUT DROP [0:0]',
  '-A INPUT -j ufw-before-input',
  '-A INPUT -j ufw-after-input',
  '-A ufw-before-input -i lo -j ACCEPT',
  '-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  '-A ufw-before-input -m conntrack --ctstate INVALID -j DROP',
  '-A ufw-before-input -p udp -m udp --sport 67 --dport 68 -j ACCEPT',
  '-A ufw-before-input -j ufw-not-local',
  '-A ufw-before-input -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT',
  '-A ufw-before-input -j ufw-user-input',
  '-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN',
  '-A ufw-not-local -m addrtype --dst-type BROADCAST -j RETURN',
  '-A ufw-not-local -j DROP',
  '-A ufw-after-input -p udp -m udp --dport 137 -j ufw-skip-to-policy-input',
  '-A ufw-skip-to-policy-input -j DROP',
  '-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT',
  ...own,
];

describe('INPUT of iptables', () => {
  for (const [enters, ...rules] of [
    [
      '46',
      ':INPUT ACCEPT [0:0]',
      '-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd',
      '-A f2b-sshd -j RETURN',
    ],
    ['46', ':INPUT ACCEPT [0:0]', '-A FORWARD -j REJECT'],
    ['', ':INPUT DROP [0:0]'],
    ['', ...ufw()],
    ['46', ...ufw('-A ufw-user-input -p udp -m udp --dport 51820 -j ACCEPT')],
    ['', ...ufw('-A ufw-user-input -s 10.0.0.0/8 -p udp -m udp --dport 51820 -j ACCEPT')],
    ...[
      ['', '-p udp -m udp --dport 51821 -j ACCEPT'],
      ['', '-p tcp -m tcp --dport 51820 -j ACCEPT'],
      ['', '-p udp -m multiport ! --dports 51820 -j ACCEPT'],
      ['46', '-p udp -j ACCEPT'],
      ['46', '-p udp -m state --state NEW -m udp --dport 51820 -j ACCEPT'],
      ['46', '-p udp -m udp --dport 51000:52000 -j ACCEPT'],
      ['46', '-p udp -m multiport --dports 53,51000:52000 -j ACCEPT'],
      ['46', '-i eth0 -p udp -m udp --dport 51820 -m comment --comment "a b" -j ACCEPT'],
    ].map(([enters = '', rule = '']) => [
      enters,
      // As on Oracle's images.
      ':INPUT ACCEPT [0:0]',
      '-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT',
      '-A INPUT -p icmp -j ACCEPT',
      '-A INPUT -i lo -j ACCEPT',
      `-A INPUT ${rule}`,
      '-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT',
      '-A INPUT -j REJECT --reject-with icmp-host-prohibited',
    ]),
  ] as const) {
    it(`${rules.join(' / ')}: ${enters || 'nothing'}`, () =>
      assert.equal(gettingIn(parseIptablesChains(rules), 'INPUT'), enters));
  }
});

// As nft 1.0.6 lists what firewalld 1.3 makes beside Docker's zone, shortened.
const firewalldInput = (allowed: string) => `table inet firewalld {
	chain filter_INPUT {
		type filter hook input priority filter + 10; policy accept;
		ct state { established, related } accept
		ct status dnat accept
		iifname "lo" accept
		ct state invalid drop
		jump filter_INPUT_ZONES
		reject with icmpx admin-prohibited
	}

	chain filter_INPUT_ZONES {
		iifname "docker0" goto filter_IN_docker
		goto filter_IN_public
	}

	chain filter_IN_docker {
		accept
	}

	chain filter_IN_public {
		jump filter_IN_public_allow
		meta l4proto { icmp, ipv6-icmp } accept
		reject with icmpx admin-prohibited
	}

	chain filter_IN_public_allow {
		tcp dport 22 accept
		ip6 daddr fe80::/64 udp dport 546 accept
${allowed}	}
}
`;

it("firewalld's input chain lets in what a zone opens", () => {
  const show = (allowed: string) =>
    gettingIn(parseNftablesChains(firewalldInput(allowed)), 'filter_INPUT', 'eth0');
  assert.equal(show(''), '');
  assert.equal(show('\t\tudp dport 51820 accept\n'), '46');
});

it('the port is opened in the words of whatever made the chain', () => {
  const wanted = { kind: 'in', family: 'IPv4', interface: 'wg0', wanInterface: null, port: 51_820 } as const;
  const both: readonly InboundPackets[] = [wanted, { ...wanted, family: 'IPv6' }];
  assert.deepEqual(renderNftablesRemedies('inet filter input', both), [
    "nft 'insert rule inet filter input udp dport 51820 accept'",
  ]);
  assert.deepEqual(renderNftablesRemedies('inet firewalld filter_INPUT', both), [
    'firewall-cmd --permanent --add-port=51820/udp && firewall-cmd --reload',
  ]);
  const render = (rules: readonly string[]) =>
    renderIptablesRemedies('ip6tables', parseIptablesChains(rules), both);
  assert.deepEqual(render(ufw()), ['ufw allow 51820/udp']);
  assert.deepEqual(render(['-A INPUT -j INPUT_ZONES', '-A INPUT -j REJECT', '-A INPUT_ZONES -g IN_public']), [
    'firewall-cmd --permanent --add-port=51820/udp && firewall-cmd --reload',
  ]);
  assert.deepEqual(render([':INPUT DROP [0:0]']), ['ip6tables -I INPUT -p udp --dport 51820 -j ACCEPT']);
});
