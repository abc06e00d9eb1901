// Commands for the operator, as they are read in doctor's lines and in the log, that make chains of others let the node's packets pass. Pure; runs nothing.
import type { FirewallRule } from './firewall-rules.ts';

/** The commands that let pass in a chain of nftables, `inet filter forward`, what these rules are meant for. */
export function renderNftablesRemedies(chain: string, wanted: readonly FirewallRule[]): readonly string[] {
  if (/^\S+ firewalld /.test(chain)) return renderFirewalldRemedies(wanted);
  return distinct(wanted, (rule) => {
    const [own, wan] = [nftName(rule.interface), nftName(rule.wanInterface)];
    return rule.kind === 'out'
      ? `nft 'insert rule ${chain} iifname ${own} oifname ${wan} accept'`
      : `nft 'insert rule ${chain} iifname ${wan} oifname ${own} ct state established,related accept'`;
  });
}

// Without quotes where it can't be one of nft's own words: in the log, which is JSON, each would bear a backslash.
function nftName(name: string): string {
  return /^[a-z]+[0-9][a-z0-9]*$/.test(name) && name !== 'ip6' ? name : `"${name}"`;
}

// A rule by nft would be gone with firewalld's next reload. It lets answers pass by itself, so only `out` can be wanted. A
// policy, of firewalld 0.9 and newer, leaves the interface in the zone that it is in.
function renderFirewalldRemedies(wanted: readonly FirewallRule[]): readonly string[] {
  const policy = 'firewall-cmd --permanent --policy=wgkeeper';
  const rules = wanted
    .filter(({ kind }) => kind === 'out')
    .map(
      ({ family, subnet }) =>
        `${policy} --add-rich-rule='rule family=${family.toLowerCase()} source address=${subnet} accept'`,
    );
  const open = [
    'firewall-cmd --permanent --new-policy=wgkeeper',
    `${policy} --add-ingress-zone=ANY`,
    `${policy} --add-egress-zone=ANY`,
  ];
  return [...open, ...rules, 'firewall-cmd --reload'];
}

/** The same for the chain FORWARD of a program such as `iptables` or `ip6tables-legacy`. */
export function renderIptablesRemedies(program: string, wanted: readonly FirewallRule[]): readonly string[] {
  return distinct(wanted, ({ kind, interface: own, wanInterface: wan }) =>
    kind === 'out'
      ? `${program} -I FORWARD -i ${own} -o ${wan} -j ACCEPT`
      : `${program} -I FORWARD -i ${wan} -o ${own} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
  );
}

function distinct(rules: readonly FirewallRule[], render: (rule: FirewallRule) => string): readonly string[] {
  return [...new Set(rules.map(render))];
}
