// Commands for the operator, as they are read in doctor's lines and in the log, that make chains of others let the node's packets pass. Pure; runs nothing.
import type { FirewallRule } from './firewall-rules.ts';
import type { ForeignChains, WantedPackets } from './foreign-rules.ts';

/** The commands that let pass in a chain of nftables, `inet filter forward`, what is wanted. */
export function renderNftablesRemedies(chain: string, wanted: readonly WantedPackets[]): readonly string[] {
  if (/^\S+ firewalld /.test(chain)) return renderFirewalldRemedies(wanted);
  return distinct(wanted, (packets) => {
    if (packets.kind === 'in') return `nft 'insert rule ${chain} udp dport ${packets.port} accept'`;
    const [own, wan] = [nftName(packets.interface), nftName(packets.wanInterface)];
    return packets.kind === 'out'
      ? `nft 'insert rule ${chain} iifname ${own} oifname ${wan} accept'`
      : `nft 'insert rule ${chain} iifname ${wan} oifname ${own} ct state established,related accept'`;
  });
}

// Without quotes where it can't be one of nft's own words: in the log, which is JSON, each would bear a backslash.
function nftName(name: string): string {
  return /^[a-z]+[0-9][a-z0-9]*$/.test(name) && name !== 'ip6' ? name : `"${name}"`;
}

// A rule by nft would be gone with firewalld's next reload. It lets answers pass by itself, so only `out` and `in` can be wanted.
// A policy, of firewalld 0.9 and newer, leaves the interface in the zone that it is in.
function renderFirewalldRemedies(wanted: readonly WantedPackets[]): readonly string[] {
  const [first] = wanted;
  if (first?.kind === 'in') return [openByFirewalld(first.port)];
  const policy = 'firewall-cmd --permanent --policy=wgkeeper';
  const rules = wanted
    .filter((packets): packets is FirewallRule => packets.kind === 'out')
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

/** The same for the chain FORWARD or INPUT, one of these chains, of a program such as `iptables` or `ip6tables-legacy`. */
export function renderIptablesRemedies(
  program: string,
  chains: ForeignChains,
  wanted: readonly WantedPackets[],
): readonly string[] {
  return distinct(wanted, (packets) => {
    const { kind, interface: own, wanInterface: wan } = packets;
    if (kind === 'in') return renderInputRemedy(program, chains, packets.port);
    return kind === 'out'
      ? `${program} -I FORWARD -i ${own} -o ${wan} -j ACCEPT`
      : `${program} -I FORWARD -i ${wan} -o ${own} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`;
  });
}

// Rules beside those of ufw or firewalld would be gone with its next reload.
function renderInputRemedy(program: string, chains: ForeignChains, port: number): string {
  const names = [...chains.keys()];
  if (names.some((name) => /^ufw6?-/.test(name))) return `ufw allow ${port}/udp`;
  if (names.includes('INPUT_ZONES')) return openByFirewalld(port);
  return `${program} -I INPUT -p udp --dport ${port} -j ACCEPT`;
}

function openByFirewalld(port: number): string {
  return `firewall-cmd --permanent --add-port=${port}/udp && firewall-cmd --reload`;
}

function distinct<Packets>(
  wanted: readonly Packets[],
  render: (packets: Packets) => string,
): readonly string[] {
  return [...new Set(wanted.map(render))];
}
