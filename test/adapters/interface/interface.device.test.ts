import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { derivePublicKey, generateKeyPair } from '../../../adapters/keys.ts';
import type { PrivateKey } from '../../../core/peers/peer.ts';
import type { DriverReport } from '../../fixtures/interface-driver.ts';
import { drive, rulesFor, see } from '../../fixtures/interface-run.ts';
import { connect, createNamespace, type Namespace } from '../../fixtures/namespace.ts';

const bothRules = rulesFor('nftables', 'wan0', '10.7.0.0/24', 'fd07::/112');

async function createHost(context: TestContext): Promise<Namespace> {
  const host = await createNamespace(context);
  const outside = await createNamespace(context);
  await connect(
    { namespace: host, name: 'wan0', addresses: ['192.0.2.1/24', '2001:db8::1/64'] },
    { namespace: outside, name: 'wan0', addresses: ['192.0.2.2/24', '2001:db8::2/64'] },
  );
  return host;
}

const read = (host: Namespace) => host.run('cat', '/etc/wireguard/wg0.conf');
const write = (host: Namespace, text: string) =>
  host.run('sh', '-c', 'umask 077; printf %s "$1" >/etc/wireguard/wg0.conf', 'sh', text);
const sysctl = async (host: Namespace, name: string) =>
  (await host.run('cat', `/proc/sys/net/${name}`)).trim();
const keyIn = (text: string) => (/^PrivateKey = (.*)$/m.exec(text)?.[1] ?? '') as PrivateKey;

function answer(report: DriverReport | null): string {
  assert.ok(report !== null);
  return report.result.ok ? report.result.value : report.result.failure.code;
}

function failure(report: DriverReport | null): { code: string; message: string } {
  assert.ok(report !== null && !report.result.ok);
  return report.result.failure;
}

function linesAt(report: DriverReport | null, level: string): readonly string[] {
  return (report?.lines ?? []).filter((line) => line.level === level).map(({ message }) => message);
}

for (const backend of ['nftables', 'iptables'] as const) {
  test(`three times up leaves one interface and each rule of ${backend} once; down takes exactly them`, async (context) => {
    const host = await createHost(context);
    await host.run('iptables', '-A', 'FORWARD', '-i', 'wan0', '-s', '198.51.100.0/24', '-j', 'DROP');
    const mine = 'iptables -A FORWARD -s 198.51.100.0/24 -i wan0 -j DROP';
    assert.equal(answer(await drive(host, { backend })), 'made');
    const first = await see(host);
    assert.deepEqual(
      { ...first, index: 0, publicKey: '' },
      {
        index: 0,
        isUp: true,
        mtuBytes: 1420,
        publicKey: '',
        port: '51820',
        addresses: ['10.7.0.1/24', 'fd07::1/112'],
        rules: [...rulesFor(backend, 'wan0', '10.7.0.0/24', 'fd07::/112'), mine].sort(),
      },
    );
    assert.equal(first.publicKey, derivePublicKey(keyIn(await read(host))));
    for (let time = 0; time < 2; time++) {
      const again = await drive(host, { backend });
      assert.equal(answer(again), 'was_up');
      assert.deepEqual(again?.lines, []);
      assert.deepEqual(await see(host), first);
    }
    assert.equal(answer(await drive(host, { command: 'down', backend })), 'taken_down');
    const after = await see(host);
    assert.equal(after.index, null);
    assert.deepEqual(after.rules, [mine]);
    assert.equal(answer(await drive(host, { command: 'down', backend })), 'was_down');
    assert.equal(answer(await drive(host, { backend })), 'made');
    assert.equal((await see(host)).publicKey, first.publicKey);
  });
}

test('file and folder are for root alone', async (context) => {
  const host = await createHost(context);
  await host.run('chmod', '755', '/etc/wireguard');
  const made = await drive(host, { command: 'init' });
  assert.equal(answer(made), '/etc/wireguard/wg0.conf');
  const modes = await host.run('stat', '-c', '%a %n', '/etc/wireguard', '/etc/wireguard/wg0.conf');
  assert.equal(modes, '700 /etc/wireguard\n600 /etc/wireguard/wg0.conf\n');
  assert.equal(await host.run('ls', '-A', '/etc/wireguard'), 'wg0.conf\n');
});

for (const backend of ['nftables', 'iptables'] as const) {
  test(`wg-quick brings up the file with the rules of ${backend}, and the node then changes nothing`, async (context) => {
    const host = await createHost(context);
    await drive(host, { command: 'init', backend });
    await host.run('wg-quick', 'up', 'wg0');
    const before = await see(host);
    assert.deepEqual(before.rules, rulesFor(backend, 'wan0', '10.7.0.0/24', 'fd07::/112'));
    const up = await drive(host, { backend });
    assert.equal(answer(up), 'was_up');
    const isAboutRules = ({ message }: { message: string }) => message.includes('firewall');
    assert.deepEqual(up?.lines.filter(isAboutRules), []);
    assert.deepEqual(await see(host), before);
    await host.run('wg-quick', 'down', 'wg0');
    assert.deepEqual((await see(host)).rules, []);
  });
}

test('a changed port, subnet and WAN interface reach the live interface without a bounce', async (context) => {
  const host = await createHost(context);
  await drive(host, {});
  const before = await see(host);
  const { publicKey } = generateKeyPair();
  await host.run('wg', 'set', 'wg0', 'peer', publicKey, 'allowed-ips', '10.7.0.9/32');
  const changes = {
    port: 51999,
    subnets: [['10.7.0.0/16', '10.7.0.2/16']] as const,
    wan: 'lo',
  };
  assert.equal(answer(await drive(host, changes)), 'was_up');
  const after = await see(host);
  assert.deepEqual(after, {
    ...before,
    port: '51999',
    addresses: ['10.7.0.2/16'],
    rules: rulesFor('nftables', 'lo', '10.7.0.0/16'),
  });
  assert.equal((await host.run('wg', 'show', 'wg0', 'peers')).trim(), publicKey);
  assert.equal(derivePublicKey(keyIn(await read(host))), before.publicKey);
});

test('another server address in the same subnet replaces the old one', async (context) => {
  const host = await createHost(context);
  await drive(host, {});
  const subnets = [['10.7.0.0/24', '10.7.0.200/24']] as const;
  // As secondary address of the same subnet it would go with the primary one.
  await host.run('ip', 'address', 'add', '10.7.0.200/24', 'dev', 'wg0');
  await drive(host, { subnets });
  assert.deepEqual((await see(host)).addresses, ['10.7.0.200/24']);
});

test('init rewrites the file alone, and up then brings all of it to the live interface', async (context) => {
  const host = await createHost(context);
  await drive(host, {});
  const before = await see(host);
  const changes = { port: 51999, subnets: [['10.8.0.0/24', '10.8.0.1/24']] as const, wan: null };
  assert.equal(answer(await drive(host, { ...changes, command: 'init' })), '/etc/wireguard/wg0.conf');
  assert.match(await read(host), /^ListenPort = 51999$/m);
  assert.deepEqual(await see(host), before);
  assert.equal(answer(await drive(host, changes)), 'was_up');
  assert.deepEqual(await see(host), { ...before, port: '51999', addresses: ['10.8.0.1/24'], rules: [] });
});

test('without routing there are no rules, and it says so', async (context) => {
  const host = await createHost(context);
  const up = await drive(host, { wan: null });
  assert.deepEqual((await see(host)).rules, []);
  assert.ok(linesAt(up, 'info').some((message) => message.includes('no firewall rules')));
});

test('the key of a live interface is adopted when its file is gone', async (context) => {
  const host = await createHost(context);
  await drive(host, {});
  const before = await see(host);
  const text = await read(host);
  await host.run('rm', '/etc/wireguard/wg0.conf');
  const up = await drive(host, { peersStored: true });
  assert.equal(answer(up), 'was_up');
  assert.deepEqual(linesAt(up, 'error'), []);
  assert.equal(await read(host), text);
  assert.deepEqual(await see(host), before);
  assert.ok(!JSON.stringify(up).includes(keyIn(text)));
});

test('a bare interface made by hand is adopted and adjusted, with its index kept', async (context) => {
  const host = await createHost(context);
  const { privateKey, publicKey } = generateKeyPair();
  await host.addWireGuard('wg0');
  await host.run('sh', '-c', 'umask 077; printf %s "$1" >/etc/wireguard/k', 'sh', privateKey);
  await host.run('wg', 'set', 'wg0', 'private-key', '/etc/wireguard/k');
  const { index } = await see(host);
  assert.equal(answer(await drive(host, {})), 'was_up');
  assert.deepEqual(await see(host), {
    index,
    isUp: true,
    mtuBytes: 1420,
    publicKey,
    port: '51820',
    addresses: ['10.7.0.1/24', 'fd07::1/112'],
    rules: bothRules,
  });
});

test('a live interface without a key gets a new one', async (context) => {
  const host = await createHost(context);
  await host.addWireGuard('wg0');
  assert.equal(answer(await drive(host, {})), 'was_up');
  assert.equal((await see(host)).publicKey, derivePublicKey(keyIn(await read(host))));
});

test('a lost file is an error in the log when peers are stored, and only then', async (context) => {
  const host = await createHost(context);
  assert.deepEqual(linesAt(await drive(host, { command: 'init' }), 'error'), []);
  await host.run('rm', '/etc/wireguard/wg0.conf');
  const up = await drive(host, { peersStored: true });
  assert.equal(answer(up), 'made');
  assert.match(linesAt(up, 'error').join(), /NEW KEY/);
});

test('a file without a valid key fails start and is left as it is', async (context) => {
  const host = await createHost(context);
  await drive(host, { command: 'init' });
  const text = (await read(host)).replace(/^PrivateKey = ./m, 'PrivateKey = ');
  await write(host, text);
  const up = await drive(host, {});
  assert.equal(answer(up), 'file_without_key');
  assert.equal(await read(host), text);
  assert.equal((await see(host)).index, null);
});

test('a file that cannot be read fails start and is left as it is', async (context) => {
  const host = await createHost(context);
  await host.run('mkdir', '/etc/wireguard/wg0.conf');
  assert.equal(answer(await drive(host, {})), 'file_unreadable');
  assert.equal(await host.run('ls', '-A', '/etc/wireguard'), 'wg0.conf\n');
});

test('a file made by hand that differs fails start with every difference, and is left alone', async (context) => {
  const host = await createHost(context);
  const { privateKey } = generateKeyPair();
  const text = `[Interface]\nPrivateKey = ${privateKey}\nAddress = 10.7.0.1/16\nListenPort = 5\n`;
  await write(host, text);
  const { code, message } = failure(await drive(host, {}));
  assert.equal(code, 'file_differs');
  for (const part of ['ListenPort is 5', '51820', '10.7.0.1/24', '10.7.0.1/16', 'fd07::1/112']) {
    assert.ok(message.includes(part), `${part} in ${message}`);
  }
  assert.ok(!message.includes(privateKey));
  assert.equal(await read(host), text);
  assert.equal((await see(host)).index, null);
});

test('a file made by hand that agrees is brought up by wg-quick with its own rules, and a warning', async (context) => {
  const host = await createHost(context);
  const { privateKey, publicKey } = generateKeyPair();
  const rule = 'iptables -t nat -A POSTROUTING -o wan0 -j MASQUERADE';
  const text = `[Interface]\nPrivateKey = ${privateKey}\nAddress = 10.7.0.1/24, fd07::1/112\nListenPort = 51820\nPostUp = ${rule}\nPostUp = true ${privateKey}\nPostDown = ${rule.replace('-A', '-D')}\n`;
  await write(host, text);
  const up = await drive(host, {});
  assert.equal(answer(up), 'made');
  assert.match(linesAt(up, 'warn').join(), /PostUp and PostDown/);
  assert.ok(!JSON.stringify(up).includes(privateKey), 'no key of a rule is told');
  const made = await see(host);
  assert.equal(made.publicKey, publicKey);
  assert.deepEqual(made.rules, ['iptables -A POSTROUTING -o wan0 -j MASQUERADE']);
  assert.equal(answer(await drive(host, {})), 'was_up');
  assert.deepEqual(await see(host), made);
  assert.equal(await read(host), text);
  assert.equal(answer(await drive(host, { command: 'down' })), 'taken_down');
  assert.deepEqual((await see(host)).rules, []);
});

test('forwarding is turned on for the families in use, and no other', async (context) => {
  const host = await createHost(context);
  await drive(host, { subnets: [['10.7.0.0/24', '10.7.0.1/24']] });
  assert.equal(await sysctl(host, 'ipv4/ip_forward'), '1');
  assert.equal(await sysctl(host, 'ipv6/conf/all/forwarding'), '0');
});

test('accept_ra is 2 where it was 1, so that the host keeps its IPv6 route', async (context) => {
  const host = await createHost(context);
  await host.run('ip', 'link', 'add', 'quiet0', 'type', 'veth', 'peer', 'name', 'quiet1');
  await host.run('sh', '-c', 'echo 0 >/proc/sys/net/ipv6/conf/quiet0/accept_ra');
  assert.equal(await sysctl(host, 'ipv6/conf/wan0/accept_ra'), '1');
  await drive(host, {});
  assert.equal(await sysctl(host, 'ipv6/conf/all/forwarding'), '1');
  assert.equal(await sysctl(host, 'ipv6/conf/wan0/accept_ra'), '2');
  assert.equal(await sysctl(host, 'ipv6/conf/quiet0/accept_ra'), '0');

  // Also where the host forwarded before. The node's own interface is to hear no router.
  await host.run('sh', '-c', 'echo 1 | tee /proc/sys/net/ipv6/conf/w*0/accept_ra');
  assert.equal(answer(await drive(host, {})), 'was_up');
  assert.equal(await sysctl(host, 'ipv6/conf/wan0/accept_ra'), '2');
  assert.equal(await sysctl(host, 'ipv6/conf/wg0/accept_ra'), '1');
});

test('read-only settings are fine when they are right and a named failure when they are not', async (context) => {
  const host = await createHost(context);
  await host.run('mount', '--bind', '-o', 'ro', '/proc/sys', '/proc/sys');
  await host.run('mount', '-o', 'remount,ro,bind', '/proc/sys');
  const { code, message } = failure(await drive(host, {}));
  assert.equal(code, 'forwarding_off');
  assert.match(message, /net\.ipv4\.ip_forward is 0/);
  assert.equal((await see(host)).index, null);
  const turnOn = async (path: string) => {
    await host.run('mount', '-o', 'remount,rw,bind', '/proc/sys');
    await host.run('sh', '-c', 'echo 1 >"$1"', 'sh', path);
    await host.run('mount', '-o', 'remount,ro,bind', '/proc/sys');
  };
  await turnOn('/proc/sys/net/ipv4/ip_forward');
  const second = failure(await drive(host, {}));
  assert.equal(second.code, 'forwarding_off');
  assert.match(
    second.message,
    /^net\.ipv6\.conf\.all\.forwarding is 0 and .*\(EROFS\).*"sysctl -w net\.ipv6\.conf\.all\.forwarding=1".*Kubernetes.*"sysctls:"/,
  );
  await turnOn('/proc/sys/net/ipv6/conf/all/forwarding');
  const up = await drive(host, {});
  assert.equal(answer(up), 'made');
  assert.match(linesAt(up, 'warn').join(), /wan0\.accept_ra is 1 and can't be set \(EROFS\)/);
});

test('an IPv6 subnet on a host without IPv6 is a named failure', async (context) => {
  const host = await createHost(context);
  await host.run('sh', '-c', 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6');
  assert.equal(answer(await drive(host, {})), 'ipv6_off');
});

test('an interface of another kind is neither adopted, adjusted nor deleted', async (context) => {
  const host = await createHost(context);
  await host.run('ip', 'link', 'add', 'wg0', 'type', 'veth', 'peer', 'name', 'wg1');
  assert.equal(answer(await drive(host, {})), 'not_wireguard');
  assert.equal(await host.run('ls', '-A', '/etc/wireguard'), '');
  await write(host, `[Interface]\nPrivateKey = ${generateKeyPair().privateKey}\n`);
  assert.equal(answer(await drive(host, { command: 'down' })), 'not_wireguard');
  await host.run('ip', 'link', 'show', 'dev', 'wg0');
});

test('an interface without a file is not taken down', async (context) => {
  const host = await createHost(context);
  await host.addWireGuard('wg0');
  assert.equal(answer(await drive(host, { command: 'down' })), 'owner_unknown');
  assert.notEqual((await see(host)).index, null);
});

test('two at once leave one interface, one key and each rule once', async (context) => {
  const host = await createHost(context);
  const reports = await Promise.all([drive(host, {}), drive(host, {}), drive(host, { command: 'init' })]);
  const answers = reports.map(answer).sort();
  assert.deepEqual(answers, ['/etc/wireguard/wg0.conf', 'made', 'was_up']);
  const seen = await see(host);
  assert.deepEqual(seen.rules, bothRules);
  assert.equal(seen.publicKey, derivePublicKey(keyIn(await read(host))));
});

test('a failure half-way takes the new interface away again', async (context) => {
  const host = await createHost(context);
  // Somebody else has the port.
  await host.addWireGuard('wg9');
  await host.run('ip', 'link', 'set', 'wg9', 'up');
  await host.run('wg', 'set', 'wg9', 'listen-port', '51820');
  const up = failure(await drive(host, {}));
  assert.equal(up.code, 'port_taken');
  assert.match(
    up.message,
    /^UDP port 51820 is taken by wireguard-go \(pid \d+\): stop .*wireguard\.listen_port/,
  );
  const seen = await see(host);
  assert.equal(seen.index, null);
  assert.deepEqual(seen.rules, []);
});

test('a port that somebody else has is named for a live interface, too, which stays', async (context) => {
  const host = await createHost(context);
  assert.equal(answer(await drive(host, { port: 51_999 })), 'made');
  await host.addWireGuard('wg9');
  await host.run('ip', 'link', 'set', 'wg9', 'up');
  await host.run('wg', 'set', 'wg9', 'listen-port', '51820');
  assert.equal(failure(await drive(host, {})).code, 'port_taken');
  assert.notEqual((await see(host)).index, null);
});

test('without a tun device that works the reason of wireguard-go is told, in one line', async (context) => {
  const host = await createHost(context);
  // A kernel that has WireGuard, too, is to be one without.
  const ip = 'printf \'#!/bin/sh\\n[ "$2" != add ] && exec %s "$@"\' "$(command -v ip)" >/etc/wireguard/ip';
  await host.run('sh', '-c', `${ip}; chmod 700 /etc/wireguard/ip; mount -t tmpfs tmpfs /sys/module`);
  await host.run('mount', '--bind', '/dev/null', '/dev/net/tun');
  const up = failure(await drive(host, { path: `/etc/wireguard:${process.env['PATH']}` }));
  assert.equal(up.code, 'wireguard_missing');
  assert.match(
    up.message,
    /^this kernel has no WireGuard .*wireguard-go can't run .*Failed to create TUN device: .*\)$/,
  );
});
