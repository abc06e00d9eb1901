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
  readonly kernel: KernelWireGuard;
  /** Whether wireguard-go is on the PATH. */
  readonly hasUserspace: boolean;
  /** Whether /dev/net/tun is there and lets itself be opened. */
  readonly hasTun: boolean;
  /** Whether the interface is there and answers: then it runs in userspace, unless the kernel has WireGuard. */
  readonly isUsed: boolean;
}

/** `loaded`: it is there. `loadable`: as a module. `absent`: neither. `unknown`: not loaded, and no modules can be seen. */
export type KernelWireGuard = 'loaded' | 'loadable' | 'absent' | 'unknown';

/** Fails where it is to be had from nowhere, as far as can be seen; warns where only from userspace. Null: the device is in memory. */
export function judgeWireGuard(facts: WireGuardFacts | null): Verdict {
  if (facts === null) {
    return doubtful(
      'not used: wireguard.backend is memory, and no traffic flows',
      'set it to wg where peers are to connect',
    );
  }
  const { kernel, hasUserspace, hasTun } = facts;
  if (kernel === 'loaded') return good('the kernel has it');
  if (kernel === 'loadable') return good('the kernel has a module, which is loaded when it is needed');
  const { seen, remedy } = withoutKernel[kernel];
  if (canMakeInterface(facts)) {
    return doubtful(`${seen}: userspace wireguard-go is used, slower`, `where speed matters: ${remedy}`);
  }
  const lacking = [...(hasUserspace ? [] : ['wireguard-go']), ...(hasTun ? [] : ['/dev/net/tun'])];
  return bad(
    `${seen}, and userspace lacks ${lacking.join(' and ')}`,
    `${remedy}; or install wireguard-go and give it /dev/net/tun`,
  );
}

/** Whether `up` finds a WireGuard to make an interface with, as far as can be seen. */
export function canMakeInterface({ kernel, hasUserspace, hasTun, isUsed }: WireGuardFacts): boolean {
  return kernel === 'loaded' || kernel === 'loadable' || isUsed || (hasUserspace && hasTun);
}

const withoutKernel = {
  absent: { seen: 'this kernel has no WireGuard', remedy: 'use a kernel with WireGuard, 5.6 or newer' },
  // In a container: the kernel may load it for `up` all the same, where its host has the module.
  unknown: {
    seen: 'this kernel has not loaded WireGuard, and its modules are not to be seen here',
    remedy: 'modprobe wireguard on the host',
  },
} as const;

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
  const wantsIpv6 = families.includes('IPv6');
  const hasIpv6 = ipv6Disabled === '0';
  const findings = judgeSettings([
    ...(families.includes('IPv4') ? [{ name: 'net.ipv4.ip_forward', value: ipv4 }] : []),
    ...(wantsIpv6 && hasIpv6 ? [{ name: 'net.ipv6.conf.all.forwarding', value: ipv6 }] : []),
  ]);
  if (wantsIpv6 && !hasIpv6) findings.push(bad('IPv6 is off on this host', ipv6Advice));
  if (wantsIpv6 && ipv6 === '1' && deaf.length > 0) findings.push(judgeDeaf(deaf));
  return gather(findings, `on for ${families.join(' and ')}`);
}

const ipv6Advice = 'turn IPv6 on, or take wireguard.subnet6 out of the configuration';

/** One verdict of all that are off, since one advice is for them all. */
function judgeSettings(settings: readonly { readonly name: string; readonly value: string | null }[]) {
  const findings = settings.filter(({ value }) => value === null).map(({ name }) => unseen(name, null));
  const off = settings.filter(({ value }) => value !== null && value !== '1');
  if (off.length === 0) return findings;
  const seen = off.map(({ name, value }) => `${name} is ${value}`).join('; ');
  const byHand = off.map(({ name }) => `${name}=1`).join(' ');
  return [...findings, bad(seen, `wgkeeper-node up turns it on; by hand: sysctl -w ${byHand}`)];
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
