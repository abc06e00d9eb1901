// Judges what the node works through: programs, the kernel's WireGuard or a userspace one, forwarding. Pure; looks at nothing.
import type { AddressFamily } from '../address.ts';
import { formatSysctl } from '../sysctl-name.ts';
import { bad, doubtful, gather, good, unseen, type Verdict } from './verdict.ts';

/** The programs that the configuration needs. */
export interface ProgramFacts {
  readonly wanted: readonly string[];
  /** Those of them that are not on the PATH. */
  readonly missing: readonly string[];
  /** The package of a program. */
  readonly packageOf: (program: string) => string;
}

/** Fails when one is missing, and names the packages. */
export function judgePrograms({ wanted, missing, packageOf }: ProgramFacts): Verdict {
  if (wanted.length === 0) return good('none are needed');
  if (missing.length === 0) return good(wanted.join(', '));
  const packages = [...new Set(missing.map(packageOf))];
  return bad(`missing: ${missing.join(', ')}`, `install ${packages.join(', ')}`);
}

/** Where WireGuard would come from. */
export interface WireGuardFacts {
  /** `loaded`: the kernel has it now. `loadable`: as a module. `absent`: neither. `unknown`: not loaded, and no modules can be seen. */
  readonly kernel: 'loaded' | 'loadable' | 'absent' | 'unknown';
  /** Whether wireguard-go is on the PATH. */
  readonly hasUserspace: boolean;
  /** Whether /dev/net/tun is there. */
  readonly hasTun: boolean;
}

/** Fails where it can come from nowhere; warns where only from userspace, or that can not be told. */
export function judgeWireGuard({ kernel, hasUserspace, hasTun }: WireGuardFacts): Verdict {
  if (kernel === 'loaded') return good('the kernel has it');
  if (kernel === 'loadable') return good('the kernel has a module, which is loaded when it is needed');
  if (hasUserspace && hasTun) {
    return doubtful(
      'not in this kernel; userspace wireguard-go is there, slower',
      'a kernel with WireGuard, 5.6 or newer, where speed matters',
    );
  }
  const lacking = [...(hasUserspace ? [] : ['wireguard-go']), ...(hasTun ? [] : ['/dev/net/tun'])].join(
    ' and ',
  );
  if (kernel === 'unknown') {
    return doubtful(
      `not loaded, and whether it can be is not to be seen here; userspace lacks ${lacking}`,
      'modprobe wireguard on the host; where that fails, install wireguard-go and give it /dev/net/tun',
    );
  }
  return bad(
    `not in this kernel, and userspace lacks ${lacking}`,
    'use a kernel with WireGuard, or install wireguard-go and give it /dev/net/tun',
  );
}

/** Kernel settings as text, and the families that need them. */
export interface ForwardingFacts {
  readonly families: readonly AddressFamily[];
  /** `net.ipv4.ip_forward`; null: unreadable. */
  readonly ipv4: string | null;
  /** `net.ipv6.conf.all.forwarding`; null: unreadable, as on a host without IPv6. */
  readonly ipv6: string | null;
  /** `net.ipv6.conf.all.disable_ipv6`; null: as above. */
  readonly ipv6Disabled: string | null;
  /** The interfaces with `accept_ra` 1. */
  readonly deaf: readonly string[];
}

/** Fails where one that is needed is off; warns where the host may lose its IPv6 route. */
export function judgeForwarding(facts: ForwardingFacts): Verdict {
  const { families, ipv4, ipv6, ipv6Disabled, deaf } = facts;
  const findings: Verdict[] = [];
  if (families.includes('IPv4')) findings.push(judgeSetting('net.ipv4.ip_forward', ipv4));
  if (families.includes('IPv6')) {
    findings.push(
      ipv6Disabled === '0'
        ? judgeSetting('net.ipv6.conf.all.forwarding', ipv6)
        : bad('IPv6 is off on this host', 'turn IPv6 on, or take wireguard.subnet6 out of the configuration'),
    );
    if (ipv6 === '1' && deaf.length > 0) findings.push(judgeDeaf(deaf));
  }
  return gather(findings, `on for ${families.join(' and ')}`);
}

function judgeSetting(name: string, value: string | null): Verdict {
  if (value === '1') return good(name);
  if (value === null) return unseen(name, null);
  return bad(`${name} is ${value}`, `wgkeeper-node up turns it on; by hand: sysctl -w ${name}=1`);
}

function judgeDeaf(names: readonly string[]): Verdict {
  const settings = names
    .slice(0, deafShownMax)
    .map((name) => formatSysctl(`net/ipv6/conf/${name}/accept_ra`));
  const more = names.length > settings.length ? ` (and ${names.length - settings.length} more)` : '';
  return doubtful(
    `${settings.join(', ')}${more} ${names.length === 1 ? 'is' : 'are'} 1 while the host forwards: an IPv6 route from router advertisements is lost there`,
    `wgkeeper-node up sets 2; by hand: sysctl -w ${settings.map((each) => `${each}=2`).join(' ')}`,
  );
}

// A line is to stay one that can be read.
const deafShownMax = 4;
