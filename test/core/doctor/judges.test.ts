// What is seen, and what is thought of it: the cases that a host for tests does not bring about by itself.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCidr } from '../../../core/address.ts';
import {
  judgeCertificate,
  judgeConfig,
  judgeFolder,
  judgeLock,
  judgeStore,
} from '../../../core/doctor/files.ts';
import { type InterfaceFacts, judgeInterface, judgeInterfaceFile } from '../../../core/doctor/interface.ts';
import {
  judgeFirewall,
  judgeMtu,
  judgePort,
  judgeServer,
  judgeSubnets,
  judgeUdpPort,
  judgeWan,
  type PortHolder,
} from '../../../core/doctor/network.ts';
import { judgeClock, judgeOpenFiles, judgePrivileges, judgeRuntime } from '../../../core/doctor/runtime.ts';
import { judgeForwarding, judgePrograms, judgeWireGuard } from '../../../core/doctor/tools.ts';
import type { Verdict } from '../../../core/doctor/verdict.ts';
import { fail, ok } from '../../../core/result.ts';
import { mustSucceed } from '../../fixtures/outcome.ts';

/** Status and words; a verdict that is not ok says what to do, unless what was seen says it. */
type Case = readonly [
  what: string,
  verdict: Verdict,
  status: Verdict['status'],
  seen: RegExp,
  advice?: RegExp,
];

function cases(name: string, list: readonly Case[]): void {
  describe(name, () => {
    for (const [what, verdict, status, seen, advice] of list) {
      it(what, () => {
        assert.equal(verdict.status, status, verdict.seen);
        assert.match(verdict.seen, seen);
        if (advice === undefined) assert.equal(verdict.advice, null);
        else assert.match(verdict.advice ?? '', advice);
      });
    }
  });
}

const runtime = {
  nodeVersion: '22.1.0',
  glibcVersion: '2.36',
  architecture: 'x64',
  nativeLoads: true,
  nativeNeeds: 'Node.js 20',
};
cases('Node.js', [
  [
    'loads the module',
    judgeRuntime(runtime),
    'ok',
    /^Node\.js 22\.1\.0 on x64 with glibc 2\.36: the HTTP module loads$/,
  ],
  [
    'does not',
    judgeRuntime({ ...runtime, glibcVersion: null, nativeLoads: false }),
    'fail',
    /without glibc/,
    /^Node\.js 20$/,
  ],
  [
    'too old',
    judgeRuntime({ ...runtime, nodeVersion: '18.20.8' }),
    'fail',
    /18\.20\.8 .* too old$/,
    /20, 22/,
  ],
]);

cases('rights', [
  ['root', judgePrivileges({ isRoot: true, mayAdministerNetwork: true }), 'ok', /^root, with CAP_NET_ADMIN$/],
  [
    'a user with the capability',
    judgePrivileges({ isRoot: false, mayAdministerNetwork: true }),
    'ok',
    /^not root, with/,
  ],
  [
    'a user without',
    judgePrivileges({ isRoot: false, mayAdministerNetwork: false }),
    'warn',
    /can not be seen/,
    /as root/,
  ],
  [
    'root without',
    judgePrivileges({ isRoot: true, mayAdministerNetwork: false }),
    'fail',
    /^root without/,
    /NET_ADMIN/,
  ],
  ['who knows', judgePrivileges({ isRoot: true, mayAdministerNetwork: null }), 'warn', /could not be seen/],
]);

cases('open files', [
  ['enough', judgeOpenFiles({ limit: 10_256 }), 'ok', /^10256 allowed$/],
  ['without end', judgeOpenFiles({ limit: null }), 'ok', /^any number/],
  ['few', judgeOpenFiles({ limit: 1_024 }), 'warn', /^1024 allowed: at most 768 connections/, /10256/],
]);

const now = Date.UTC(2026, 10, 25);
cases('the clock', [
  ['set', judgeClock({ nowMs: now, synchronized: true }), 'ok', /^it is 2026-11-25T00:00:00Z, set by NTP$/],
  [
    'kept by somebody else',
    judgeClock({ nowMs: now, synchronized: null }),
    'ok',
    /^it is 2026-11-25T00:00:00Z$/,
  ],
  ['not set yet', judgeClock({ nowMs: now, synchronized: false }), 'warn', /has not set the clock/, /NTP/],
  ['of 1970', judgeClock({ nowMs: 0, synchronized: null }), 'fail', /1970.*past/, /NTP/],
  ['of 2099', judgeClock({ nowMs: Date.UTC(2099, 0), synchronized: true }), 'fail', /far off/, /NTP/],
]);

const packageOf = (program: string) => (program === 'wg' ? 'wireguard-tools' : program);
cases('programs', [
  ['none', judgePrograms({ wanted: [], missing: [], packageOf }), 'ok', /^none are needed$/],
  ['all', judgePrograms({ wanted: ['wg', 'ip'], missing: [], packageOf }), 'ok', /^wg, ip$/],
  [
    'two missing',
    judgePrograms({ wanted: ['wg', 'ip'], missing: ['wg', 'ip'], packageOf }),
    'fail',
    /^missing: wg, ip$/,
    /^install wireguard-tools, ip$/,
  ],
]);

const nothing = { hasUserspace: false, hasTun: false, isUsed: false };
const userspace = { hasUserspace: true, hasTun: true, isUsed: false };
cases('WireGuard', [
  ['in the kernel', judgeWireGuard({ kernel: 'loaded', ...nothing }), 'ok', /^the kernel has it$/],
  ['in memory', judgeWireGuard(null), 'warn', /no traffic flows$/, /set it to wg/],
  ['as a module', judgeWireGuard({ kernel: 'loadable', ...nothing }), 'ok', /module/],
  [
    'in userspace',
    judgeWireGuard({ kernel: 'absent', ...userspace }),
    'warn',
    /^this kernel has no WireGuard: .*slower$/,
    /5\.6/,
  ],
  [
    'in userspace, where no modules can be seen',
    judgeWireGuard({ kernel: 'unknown', ...userspace }),
    'warn',
    /^this kernel has not loaded WireGuard, .*slower$/,
    /modprobe/,
  ],
  [
    'in userspace, out of sight of this process',
    judgeWireGuard({ kernel: 'unknown', ...nothing, isUsed: true }),
    'warn',
    /is used, slower$/,
    /modprobe/,
  ],
  [
    'nowhere',
    judgeWireGuard({ kernel: 'absent', ...nothing }),
    'fail',
    /wireguard-go and \/dev\/net\/tun$/,
    /install/,
  ],
  [
    'without a tun device',
    judgeWireGuard({ kernel: 'absent', ...userspace, hasTun: false }),
    'fail',
    /lacks \/dev\/net\/tun$/,
    /\/dev\/net\/tun/,
  ],
  [
    'nowhere that can be seen',
    judgeWireGuard({ kernel: 'unknown', ...nothing }),
    'fail',
    /^this kernel has not loaded WireGuard, .*lacks wireguard-go and \/dev\/net\/tun$/,
    /modprobe.*; or install wireguard-go/,
  ],
]);

const forwards = { families: ['IPv4', 'IPv6'] as const, ipv4: '1', ipv6: '1', ipv6Disabled: '0', deaf: [] };
cases('forwarding', [
  ['of both', judgeForwarding(forwards), 'ok', /^on for IPv4 and IPv6$/],
  [
    'of none',
    judgeForwarding({ ...forwards, ipv4: '0', ipv6: '0' }),
    'fail',
    /ip_forward is 0; net\.ipv6.* is 0$/,
    /^wgkeeper-node up turns it on; by hand: sysctl -w net\.ipv4\.ip_forward=1 net\.ipv6\.conf\.all\.forwarding=1$/,
  ],
  [
    'of the family that is not used',
    judgeForwarding({ ...forwards, families: ['IPv4'], ipv6: '0' }),
    'ok',
    /^on for IPv4$/,
  ],
  [
    'without IPv6',
    judgeForwarding({ ...forwards, ipv6: null, ipv6Disabled: null }),
    'fail',
    /IPv6 is off/,
    /subnet6/,
  ],
  [
    'that loses the IPv6 route',
    judgeForwarding({ ...forwards, deaf: ['eth0', 'eth0.5', 'a', 'b', 'c'] }),
    'warn',
    /^net\.ipv6\.conf\.eth0\.accept_ra, net\/ipv6\/conf\/eth0\.5\/accept_ra, .* \(and 1 more\) are 1 while/,
    /sysctl -w net\.ipv6\.conf\.eth0\.accept_ra=2 net\/ipv6/,
  ],
  [
    'that is off, and so loses none',
    judgeForwarding({ ...forwards, families: ['IPv4'], deaf: ['eth0'] }),
    'ok',
    /IPv4/,
  ],
  ['not to be seen', judgeForwarding({ ...forwards, ipv4: null }), 'warn', /ip_forward could not be seen/],
]);

const port = (holder: PortHolder | null, missingAddress: string | null = null) =>
  judgePort({ port: 'TCP 51821', key: 'server.port', holder, missingAddress });
cases('ports', [
  ['free', port(null), 'ok', /^TCP 51821 is free$/],
  [
    'ours',
    port({ kind: 'node', pid: 7, program: 'wgkeeper-node' }),
    'ok',
    /is ours: wgkeeper-node \(pid 7\)/,
  ],
  [
    "somebody's",
    port({ kind: 'other', pid: 7, program: 'nginx' }),
    'fail',
    /taken by nginx \(pid 7\)/,
    /server\.port/,
  ],
  [
    'nobody knows whose',
    port({ kind: 'unknown', pid: null, program: null }),
    'warn',
    /who has TCP 51821 could not/,
    /root/,
  ],
  [
    'of some WireGuard',
    port({ kind: 'unknown', pid: null, program: 'the kernel' }),
    'warn',
    /the kernel, for this interface or another/,
  ],
  ['of an address that is not there', port(null, '192.0.2.9'), 'fail', /192\.0\.2\.9/, /server\.host/],
]);

const udpPort = (holder: PortHolder | null, drops: readonly string[]) =>
  judgeUdpPort({
    port: 'UDP 51820',
    key: 'wireguard.listen_port',
    holder,
    missingAddress: null,
    drops: drops.map((name) => ({ name, remedies: ['open it'] })),
  });
cases("WireGuard's port", [
  ['free and open', udpPort(null, []), 'ok', /^UDP 51820 is free$/],
  [
    'ours behind two firewalls that one command opens',
    udpPort({ kind: 'node', pid: null, program: 'wg0' }, ['iptables INPUT', 'ip6tables INPUT']),
    'warn',
    /^UDP 51820 is ours: wg0 has it, but this host's firewall drops packets to it: iptables INPUT, ip6tables INPUT$/,
    /handshake: open it$/,
  ],
  [
    'taken',
    udpPort({ kind: 'other', pid: 7, program: 'dnsmasq' }, ['x']),
    'fail',
    /taken by dnsmasq \(pid 7\)$/,
    /listen_port/,
  ],
]);

const server = (holder: PortHolder | null) => judgeServer({ name: 'wg0', holder });
cases('the server', [
  ['none', server(null), 'ok', /^no node serves wg0 now$/],
  [
    'ours',
    server({ kind: 'node', pid: 7, program: 'wgkeeper-node' }),
    'ok',
    /^wgkeeper-node \(pid 7\) serves wg0$/,
  ],
  [
    'somebody else',
    server({ kind: 'other', pid: 7, program: 'cat' }),
    'fail',
    /^cat \(pid 7\) has the lock/,
    /end/,
  ],
  ['not to be seen', server({ kind: 'unknown', pid: null, program: null }), 'warn', /who serves wg0/, /root/],
]);

cases('the WAN interface', [
  ['none', judgeWan({ name: null, link: undefined, others: [] }), 'ok', /not set/],
  ['up', judgeWan({ name: 'eth0', link: { isUp: true }, others: [] }), 'ok', /^eth0 is up$/],
  [
    'down',
    judgeWan({ name: 'eth0', link: { isUp: false }, others: [] }),
    'warn',
    /is down/,
    /ip link set eth0 up/,
  ],
  [
    'missing',
    judgeWan({ name: 'eth9', link: null, others: ['eth0', 'eth1'] }),
    'fail',
    /does not exist/,
    /eth0, eth1/,
  ],
  ['not to be seen', judgeWan({ name: 'eth0', link: undefined, others: [] }), 'warn', /could not be seen/],
]);

const mtu = (mtuBytes: number | null | undefined, wanBytes?: number) =>
  judgeMtu({
    name: 'wg0',
    mtuBytes,
    wan: wanBytes === undefined ? null : { name: 'eth0', mtuBytes: wanBytes },
  });
cases('the MTU', [
  ['that fits', mtu(1_420, 1_500), 'ok', /^1420 bytes fit into 1500 of eth0 less 80/],
  ['that fits Ethernet, for want of a WAN interface', mtu(1_420), 'ok', /1500 of Ethernet/],
  ['one byte too many', mtu(1_321, 1_400), 'warn', /broken up/, /mtu 1320$/],
  ['too small for IPv6', mtu(1_279, 1_500), 'warn', /too few for IPv6/, /mtu 1420$/],
  [
    'on a path too small for any tunnel with IPv6',
    mtu(1_280, 1_300),
    'warn',
    /carries 1300/,
    /eth0 mtu 1360$/,
  ],
  ['of no interface', mtu(null, 1_500), 'warn', /no wg0/, /check interface/],
  ['not to be seen', mtu(undefined), 'warn', /^the MTU of wg0 could not be seen$/],
]);

const networks = (...texts: readonly string[]) =>
  texts.map((text) => ({ cidr: mustSucceed(parseCidr(text)), interface: 'eth1' }));
const subnets = networks('10.7.0.0/24', 'fd07::/112').map(({ cidr }) => cidr);
cases('subnets', [
  [
    'alone',
    judgeSubnets({ subnets, networks: networks('10.6.0.0/16', '192.168.0.0/16', 'fd08::/64') }),
    'ok',
    /overlap no other/,
  ],
  [
    'inside another',
    judgeSubnets({ subnets, networks: networks('10.0.0.0/8') }),
    'warn',
    /10\.7\.0\.0\/24 overlaps 10\.0\.0\.0\/8 of eth1/,
    /choose/,
  ],
  [
    'around another',
    judgeSubnets({ subnets, networks: networks('fd07::5/128') }),
    'warn',
    /fd07::\/112 overlaps fd07::5\/128/,
    /choose/,
  ],
  ['who knows', judgeSubnets({ subnets, networks: null }), 'warn', /could not be seen/],
]);

const firewall = { backend: 'nftables', rules: 'present', drops: [], writtenByNode: true } as const;
cases('the firewall', [
  ['all there', judgeFirewall(firewall), 'ok', /every rule is there \(nftables\)/],
  ['not wanted', judgeFirewall({ ...firewall, backend: null, rules: null }), 'ok', /no rules are asked for/],
  [
    'there in vain',
    judgeFirewall({ ...firewall, drops: [{ name: 'inet filter forward', remedies: ['one', 'two'] }] }),
    'warn',
    /others drop forwarded packets: inet filter forward$/,
    /pass there.*: one; two$/,
  ],
  ['missing', judgeFirewall({ ...firewall, rules: 'missing' }), 'fail', /missing/, /up/],
  ['left over', judgeFirewall({ ...firewall, rules: 'extra' }), 'warn', /another configuration/, /up/],
  [
    "the operator's",
    judgeFirewall({ ...firewall, rules: 'missing', writtenByNode: false }),
    'warn',
    /not there/,
    /PostUp/,
  ],
  ['not to be seen', judgeFirewall({ ...firewall, rules: null }), 'warn', /could not be seen/, /root/],
]);

const interfaceFacts: InterfaceFacts = {
  name: 'wg0',
  wanted: { listenPort: 51_820, addresses: ['10.7.0.1/24'] },
  link: { isUp: true, addresses: ['10.7.0.1/24'] },
  device: { publicKey: 'A', listenPort: 51_820 },
  fileKey: 'A',
  canBeMade: true,
};
cases('the interface', [
  [
    'as it ought to be',
    judgeInterface(interfaceFacts),
    'ok',
    /^wg0 is up with 10\.7\.0\.1\/24, port 51820 and the key of its file$/,
  ],
  ['without a file to compare', judgeInterface({ ...interfaceFacts, fileKey: null }), 'ok', /port 51820$/],
  [
    'of another kind',
    judgeInterface({ ...interfaceFacts, device: 'refused' }),
    'fail',
    /wg can't read it/,
    /another name/,
  ],
  [
    'that no one may look into',
    judgeInterface({ ...interfaceFacts, device: null }),
    'warn',
    /key and port could not/,
    /root/,
  ],
  ['that is missing', judgeInterface({ ...interfaceFacts, link: null }), 'fail', /not exist/, /up makes it$/],
  [
    'that is missing and that nothing can make',
    judgeInterface({ ...interfaceFacts, link: null, canBeMade: false }),
    'fail',
    /not exist/,
    /up makes it, once there is a WireGuard/,
  ],
  [
    'that can not be seen at all',
    judgeInterface({ ...interfaceFacts, link: undefined }),
    'warn',
    /wg0 could not be seen/,
  ],
  [
    'without a key',
    judgeInterface({
      ...interfaceFacts,
      fileKey: null,
      device: { publicKey: '(none)', listenPort: 51_820 },
    }),
    'fail',
    /^it has no private key$/,
    /up/,
  ],
  [
    'with another key',
    judgeInterface({ ...interfaceFacts, fileKey: 'B' }),
    'fail',
    /not that of its file/,
    /up/,
  ],
]);

const content = {
  hasKey: true,
  writtenByNode: true,
  asConfigured: true,
  differences: [],
  hasRules: true,
  peers: 0,
  mode: 0o100600,
  folderMode: 0o40700,
};
const file = (changes: object, removesAll = false) =>
  judgeInterfaceFile({
    path: '/f',
    file: { ...content, ...changes },
    peersStored: true,
    removesAll,
    isRoot: true,
  });
const noFile = (peersStored: boolean, isRoot: boolean) =>
  judgeInterfaceFile({ path: '/f', file: null, peersStored, removesAll: true, isRoot });
cases("the interface's file", [
  ['as it ought to be', file({}), 'ok', /^\/f is as the configuration says$/],
  ['in a folder for everybody', file({ folderMode: 0o40777 }), 'warn', /others may write/, /chmod 700/],
  ['without a key', file({ hasKey: false, asConfigured: false }), 'fail', /no valid PrivateKey/, /backup/],
  [
    'made by hand, with rules of its own',
    file({ asConfigured: false, writtenByNode: false, hasRules: false }),
    'warn',
    /other PostUp/,
    /import \/f --apply$/,
  ],
  [
    'made by hand, and fitting',
    file({ asConfigured: false, writtenByNode: false }),
    'ok',
    /as the configuration says/,
  ],
  [
    'made by hand, with peers, before the first start',
    file({ asConfigured: false, writtenByNode: false, peers: 2 }, true),
    'fail',
    /^\/f names 2 peers that the node did not make/,
    /^wgkeeper-node import \/f$/,
  ],
  [
    'made by hand, with peers, later',
    file({ asConfigured: false, writtenByNode: false, peers: 2 }),
    'ok',
    /as the configuration says/,
  ],
  [
    'unreadable',
    judgeInterfaceFile({
      path: '/f',
      file: { unreadable: "/f can't be read" },
      peersStored: true,
      removesAll: false,
      isRoot: true,
    }),
    'fail',
    /can't be read/,
  ],
  ['missing before the first peer', noFile(false, true), 'warn', /yet/, /up/],
  ['missing after it', noFile(true, true), 'fail', /peers are stored/, /backup/],
  ['missing for a user, whose own it may not be', noFile(true, false), 'warn', /no \/f/, /root/],
]);

cases('the configuration', [
  ['right', judgeConfig({ path: 'c', config: ok({ warnings: [] }) }), 'ok', /^c is right$/],
  [
    'with warnings',
    judgeConfig({ path: 'c', config: ok({ warnings: ['mode 0644'] }) }),
    'warn',
    /^mode 0644$/,
  ],
  [
    'wrong',
    judgeConfig({ path: 'c', config: fail({ code: 'wrong', lines: ['one', 'two'] }) }),
    'fail',
    /^one; two$/,
    /correct c/,
  ],
  [
    'of another user',
    judgeConfig({ path: 'c', config: fail({ code: 'forbidden', lines: ['one'] }) }),
    'warn',
    /^one$/,
    /as root or as the node's user/,
  ],
]);

const valid = { kind: 'valid', peers: 1, tornBytes: 0, mode: 0o100600 } as const;
const store = (stored: Parameters<typeof judgeStore>[0]['content']) =>
  judgeStore({ path: '/s', content: stored });
cases('the store', [
  ['valid', store(valid), 'ok', /^\/s holds 1 peer$/],
  ['for everybody', store({ ...valid, mode: 0o100644 }), 'warn', /others can get at it/, /chmod 600/],
  ['cut off', store({ ...valid, tornBytes: 9 }), 'warn', /9 bytes of an unfinished write/],
  ['not to be read', store({ kind: 'forbidden' }), 'warn', /could not be seen/, /root/],
  ['on a bad disk', store({ kind: 'unreadable', reason: 'EIO' }), 'fail', /EIO/],
  [
    'in memory',
    judgeStore({ path: null, content: { kind: 'missing' } }),
    'warn',
    /memory only/,
    /peer_store_file/,
  ],
]);

const folder = {
  folder: '/d',
  access: 'writable',
  isRoot: false,
  freeBytes: 2 ** 34,
  freeInodes: null,
  storeBytes: 0,
} as const;
cases("the store's folder", [
  ['with room', judgeFolder(folder), 'ok', /^\/d is writable, 16 GiB free$/],
  ['not there yet', judgeFolder({ ...folder, access: 'missing' }), 'ok', /made at the start/],
  ['nearly full', judgeFolder({ ...folder, freeBytes: 2 ** 25 }), 'warn', /nearly full: 32 MiB/, /room/],
  [
    'too full to write the store anew',
    judgeFolder({ ...folder, freeBytes: 2 ** 25, storeBytes: 2 ** 25 }),
    'fail',
    /too little room: 32 MiB free$/,
    /changes of peers fail, now or soon$/,
  ],
  ['of another user', judgeFolder({ ...folder, access: 'forbidden' }), 'warn', /by this user/, /belong/],
  [
    'read-only',
    judgeFolder({ ...folder, access: 'forbidden', isRoot: true }),
    'fail',
    /can't be written/,
    /read-only/,
  ],
  ['short of inodes', judgeFolder({ ...folder, freeInodes: 100 }), 'warn', /only 100 inodes/, /room/],
]);

cases("the store's lock", [
  [
    'not there',
    judgeLock({ path: '/l', exists: false, holder: null, complete: false }),
    'ok',
    /^there is no \/l yet$/,
  ],
  ['free', judgeLock({ path: '/l', exists: true, holder: null, complete: true }), 'ok', /^nobody has \/l$/],
  [
    'free as far as one sees',
    judgeLock({ path: '/l', exists: true, holder: null, complete: false }),
    'warn',
    /that could be seen/,
    /root/,
  ],
]);

const soon = now + 29 * 86_400_000;
const certificate = (
  checked: Extract<Parameters<typeof judgeCertificate>[0]['pair'], { checked: unknown }>['checked'],
  validToMs = soon * 2,
  keyMode = 0o100600,
  keyGroup = 0,
) =>
  judgeCertificate({
    pair: { path: '/c', keyPath: '/k', keyMode, keyGroup, checked, validToMs },
    nowMs: now,
  });
cases('the certificate', [
  ['none', judgeCertificate({ pair: null, nowMs: now }), 'ok', /no TLS/],
  ['good', certificate(ok(null)), 'ok', /match, valid until/],
  ['for 29 days', certificate(ok(null), soon), 'warn', /expires on/, /renew/],
  ['not valid yet', certificate(ok('certificate_not_yet_valid')), 'fail', /not valid yet/, /clock/],
  [
    'no certificate',
    certificate(fail('certificate_unreadable')),
    'fail',
    /is not a PEM certificate/,
    /tls_cert/,
  ],
  [
    'whose key everybody can read',
    certificate(ok(null), soon * 2, 0o100604),
    'warn',
    /^\/k .* 0604 lets/,
    /chmod 600 \/k/,
  ],
  ['whose key its group can read', certificate(ok(null), soon * 2, 0o100640, 7), 'warn', /0640/, /chmod/],
  ["whose key root's group can read", certificate(ok(null), soon * 2, 0o100640, 0), 'ok', /match/],
  [
    'soon gone, with a key for everybody',
    certificate(ok(null), soon, 0o100644),
    'warn',
    /expires.*0644/,
    /renew it; chmod/,
  ],
  [
    'unreadable',
    judgeCertificate({ pair: { unreadable: ['one', 'two'], isForbidden: false }, nowMs: now }),
    'fail',
    /^one; two$/,
  ],
  [
    'of another user',
    judgeCertificate({ pair: { unreadable: ['one'], isForbidden: true }, nowMs: now }),
    'warn',
    /^one$/,
    /node's user/,
  ],
]);
