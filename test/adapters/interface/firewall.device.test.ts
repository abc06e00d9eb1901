// Firewall rules on hosts that have others, or lack something.
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { dumpFirewall } from '../../fixtures/firewall-dump.ts';
import type { DriverOrder } from '../../fixtures/interface-driver.ts';
import { drive, rulesFor, see } from '../../fixtures/interface-run.ts';
import { createNamespace, type Namespace } from '../../fixtures/namespace.ts';

const backends = ['nftables', 'iptables'] as const;
const four = [['10.7.0.0/24', '10.7.0.1/24']] as const;
const six = [['fd07::/112', 'fd07::1/112']] as const;

async function answer(host: Namespace, order: Partial<DriverOrder>): Promise<string> {
  const report = await drive(host, order);
  assert.ok(report !== null);
  return report.result.ok ? report.result.value : report.result.failure.message;
}

const warnings = async (host: Namespace, order: Partial<DriverOrder>) =>
  (await drive(host, order))?.lines
    .filter(({ level, fields }) => level === 'warn' && fields['chains'] !== undefined)
    .map(({ fields }) => fields['chains']);

/** Every rule of the host, without what packets and time change. */
async function everything(host: Namespace): Promise<string> {
  return (await dumpFirewall(host)).replace(/counter packets \d+ bytes \d+/g, '');
}

// What Docker 28 makes for one bridge, shortened.
const dockerRules = `*filter
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-FORWARD - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-FORWARD
-A DOCKER ! -i docker0 -o docker0 -j DROP
-A DOCKER-FORWARD -i docker0 -j ACCEPT
COMMIT
*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
COMMIT
`;
// With all tables that iptables itself makes when it is first used, and never takes away again.
async function runDocker(host: Namespace): Promise<void> {
  const tables = '*filter\n:FORWARD DROP [0:0]\nCOMMIT\n*nat\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n';
  await host.run('sh', '-c', 'printf %s "$1" | iptables-restore', 'sh', dockerRules);
  await host.run('sh', '-c', 'printf %s "$1" | ip6tables-restore', 'sh', tables);
}

for (const backend of backends) {
  test(`the single rules of first versions give way to those of ${backend}`, async (context) => {
    const host = await createNamespace(context);
    const tagged = (text: string, fingerprint: string) =>
      host.run(
        'sh',
        '-c',
        `iptables ${text.replace('-j', `-m comment --comment wgkeeper-node:wg0:${fingerprint} -j`)}`,
      );
    await drive(host, { wan: null, subnets: four });
    await tagged('-A FORWARD -i wg0 -o wan0 -s 10.7.0.0/24 -j ACCEPT', '0a98c7a1');
    await tagged(
      '-A FORWARD -i wan0 -o wg0 -d 10.7.0.0/24 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      '51',
    );
    await tagged('-t nat -A POSTROUTING -o wan0 -s 10.7.0.0/24 -j MASQUERADE', 'ffffffff');
    await tagged('-A FORWARD -i wg0 -j ACCEPT', '1'.repeat(8));
    await host.run(
      'iptables',
      '-A',
      'FORWARD',
      '-i',
      'wg0',
      '-m',
      'comment',
      '--comment',
      'mine',
      '-j',
      'DROP',
    );
    assert.equal(await answer(host, { command: 'inspect', backend, subnets: four }), 'missing');
    assert.equal(await answer(host, { backend, subnets: four }), 'was_up');
    const mine = 'iptables -A FORWARD -i wg0 -j DROP';
    assert.deepEqual((await see(host)).rules, [...rulesFor(backend, 'wan0', '10.7.0.0/24'), mine].sort());
    await drive(host, { command: 'down' });
    assert.deepEqual((await see(host)).rules, [mine]);
  });

  test(`rules that somebody changed are noticed and put right, with ${backend}`, async (context) => {
    const host = await createNamespace(context);
    const inspect = () => answer(host, { command: 'inspect', backend });
    assert.equal(await inspect(), 'missing');
    await drive(host, { backend });
    assert.equal(await inspect(), 'present');
    const made = await see(host);
    const changes =
      backend === 'nftables'
        ? [
            ['nft flush chain inet wgkeeper-wg0 postrouting', 'missing'],
            ['nft delete table inet wgkeeper-wg0', 'missing'],
            ['nft add rule inet wgkeeper-wg0 forward accept', 'extra'],
          ]
        : [
            ['ip6tables -t nat -F WGKEEPER-wg0', 'missing'],
            ['iptables -D FORWARD -j WGKEEPER-wg0', 'missing'],
            ['iptables -A FORWARD -j WGKEEPER-wg0', 'extra'],
            ['iptables -t nat -I WGKEEPER-wg0 -j RETURN', 'extra'],
            ['iptables -F; iptables -t nat -F; iptables -X; iptables -t nat -X', 'missing'],
          ];
    for (const [command = '', state] of changes) {
      await host.run('sh', '-c', command);
      assert.equal(await inspect(), state, command);
      await drive(host, { backend });
      assert.equal(await inspect(), 'present', command);
      assert.deepEqual(await see(host), made, command);
    }
  });

  test(`what was there before is there after down, byte for byte, Docker's rules too, with ${backend}`, async (context) => {
    const host = await createNamespace(context);
    await runDocker(host);
    const before = await everything(host);
    assert.equal(await answer(host, { backend }), 'made');
    assert.notEqual(await everything(host), before);
    await drive(host, { backend: backend === 'nftables' ? 'iptables' : 'nftables' });
    await drive(host, { command: 'down', backend });
    assert.equal(await everything(host), before);
  });

  test(`every name that the configuration takes is one for ${backend}`, async (context) => {
    const host = await createNamespace(context);
    await runDocker(host);
    const before = await everything(host);
    for (const name of ['wg-ab_cd.efghij', '.0', '_.-.', 'accept', '1']) {
      const order = { name, wan: 'forward-_.drop4', backend };
      assert.equal(await answer(host, order), 'made', name);
      assert.equal(await answer(host, { ...order, command: 'inspect' }), 'present', name);
      assert.equal(await answer(host, { ...order, command: 'down' }), 'taken_down', name);
      assert.equal(await everything(host), before, name);
    }
  });
}

test('a host without iptables for the other family does without it', async (context) => {
  const host = await createNamespace(context);
  const folder = await mkdtemp(join(tmpdir(), 'without-'));
  context.after(() => rm(folder, { recursive: true }));
  const path = `${folder}:${process.env['PATH']}`;
  const breakProgram = async (name: string) => {
    await writeFile(join(folder, name), '#!/bin/sh\nexit 3\n');
    await chmod(join(folder, name), 0o755);
  };
  await breakProgram('ip6tables-save');
  await breakProgram('ip6tables-restore');
  for (const backend of backends) {
    assert.equal(await answer(host, { path, backend, subnets: four }), 'made');
    assert.deepEqual((await see(host)).rules, rulesFor(backend, 'wan0', '10.7.0.0/24'));
    assert.equal(await answer(host, { path, command: 'down' }), 'taken_down');
    assert.deepEqual((await see(host)).rules, []);
  }
  assert.match(await answer(host, { path, backend: 'iptables' }), /ip6tables-save/);
  assert.equal((await see(host)).index, null);

  for (const name of ['ip6tables-save', 'ip6tables-restore']) await rm(join(folder, name));
  await breakProgram('iptables-save');
  assert.equal(await answer(host, { path, backend: 'iptables', subnets: six }), 'made');
  assert.deepEqual((await see(host)).rules, rulesFor('iptables', 'wan0', 'fd07::/112'));
  assert.equal(await answer(host, { path, command: 'down' }), 'taken_down');
  assert.deepEqual((await see(host)).rules, []);
});

for (const [backend, program, where] of [
  ['nftables', 'nft', "nftables' table inet wgkeeper-wg0: nft"],
  ['iptables', 'iptables-save', 'the chains WGKEEPER-wg0 of iptables: iptables and ip6tables'],
] as const) {
  test(`down tells of rules that it can't take away, and takes them once it can, with ${backend}`, async (context) => {
    const host = await createNamespace(context);
    const file = (await host.run('which', program)).trim();
    await drive(host, { backend });
    const { rules } = await see(host);
    await host.run('mount', '--bind', '/dev/null', file);
    for (const first of [true, false]) {
      const report = await drive(host, { command: 'down' });
      assert.ok(report !== null && !report.result.ok, String(first));
      assert.equal(report.result.failure.code, 'tool_missing');
      assert.equal(
        report.result.failure.message,
        `wg0 is down, but firewall rules of wg0 may have stayed, in ${where} can't be found. Install the package ${backend} and run this again; or restart the host, which ends them`,
      );
    }
    // The back end that is left takes over, and forgets nothing.
    const lines = (await drive(host, {}))?.lines.filter(({ level }) => level === 'warn') ?? [];
    assert.ok(
      lines.some(({ message }) => message.startsWith(`firewall rules of wg0 may have stayed, in ${where}`)),
    );
    await host.run('umount', file);
    const { rules: left } = await see(host);
    assert.deepEqual(
      rules.filter((rule) => !left.includes(rule)),
      [],
    );
    assert.equal(await answer(host, { command: 'down' }), 'taken_down');
    assert.deepEqual((await see(host)).rules, []);
    assert.equal(await answer(host, { command: 'down' }), 'was_down');
  });
}

test('auto is nftables, and iptables beside a FORWARD chain that drops; a change of it leaves one set of rules', async (context) => {
  const host = await createNamespace(context);
  const networks = ['10.7.0.0/24', 'fd07::/112'] as const;
  await drive(host, {});
  const { index, rules } = await see(host);
  assert.deepEqual(rules, rulesFor('nftables', 'wan0', ...networks));
  await host.run('iptables', '-P', 'FORWARD', 'DROP');
  assert.equal(await answer(host, { command: 'inspect' }), 'missing');
  assert.deepEqual(await warnings(host, {}), []);
  assert.deepEqual(await see(host), {
    ...(await see(host)),
    index,
    rules: rulesFor('iptables', 'wan0', ...networks),
  });
  assert.match(await host.run('cat', '/etc/wireguard/wg0.conf'), /^PostUp = iptables /m);
  await host.run('iptables', '-P', 'FORWARD', 'ACCEPT');
  await drive(host, {});
  assert.deepEqual((await see(host)).rules, rulesFor('nftables', 'wan0', ...networks));
  assert.doesNotMatch(await host.run('cat', '/etc/wireguard/wg0.conf'), /iptables/);
  await host.run('ip6tables', '-A', 'FORWARD', '-j', 'REJECT');
  await drive(host, {});
  assert.match(await host.run('cat', '/etc/wireguard/wg0.conf'), /^PostUp = iptables /m);
});

// As on RHEL with iptables-services, and on Oracle's images.
for (const iptables of ['iptables-nft', 'iptables-legacy'] as const) {
  test(`the jump is put before a last REJECT, once, whatever was cut off, and goes without a trace, with ${iptables}`, async (context) => {
    const host = await createNamespace(context);
    const path = await useIptables(context, iptables);
    const order = { path, backend: 'iptables', subnets: four } as const;
    const run = (words: string) => host.run(iptables, ...words.split(' '));
    await run('-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT');
    await run('-A FORWARD -i wg0 -d 192.0.2.0/24 -j DROP');
    await run('-A FORWARD -j REJECT --reject-with icmp-host-prohibited');
    await run('-t nat -P POSTROUTING ACCEPT');
    const before = await run('-S FORWARD');
    const [policy = '', related = '', own = '', reject = ''] = before.split('\n');
    const right = [policy, related, own, '-A FORWARD -j WGKEEPER-wg0', reject, ''].join('\n');
    for (let calls = 1; (await drive(host, { ...order, killAfter: calls })) === null; calls += 1);
    assert.equal(await run('-S FORWARD'), right);
    assert.equal(await answer(host, { ...order, command: 'inspect' }), 'present');

    // Where another REJECT is before the jump it is as good as none.
    await run('-I FORWARD 2 -j REJECT --reject-with icmp-host-prohibited');
    assert.equal(await answer(host, { ...order, command: 'inspect' }), 'missing');
    await drive(host, order);
    assert.equal(
      await run('-S FORWARD'),
      [policy, related, '-A FORWARD -j WGKEEPER-wg0', reject, own, reject, ''].join('\n'),
    );
    await run('-D FORWARD 3');
    await drive(host, { ...order, command: 'down' });
    assert.equal(await run('-S FORWARD'), before);
  });

  test(`FORWARD of ${iptables} is named where it drops and iptables is the other one`, async (context) => {
    const host = await createNamespace(context);
    const other = iptables === 'iptables-nft' ? 'iptables-legacy' : 'iptables-nft';
    const path = await useIptables(context, other);
    for (const rule of ['-A FORWARD -j REJECT', '-P FORWARD DROP']) {
      await host.run(iptables, ...rule.split(' '));
      for (const backend of backends) {
        assert.deepEqual(
          await warnings(host, { path, backend, subnets: four }),
          [[`${iptables} FORWARD`]],
          rule,
        );
      }
      await host.run(iptables, '-F', 'FORWARD');
    }
    await host.run(iptables, '-P', 'FORWARD', 'ACCEPT');
    assert.deepEqual(await warnings(host, { path, subnets: four }), []);
  });
}

/** A search path on which this is `iptables`. */
async function useIptables(context: TestContext, flavour: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flavour-'));
  context.after(() => rm(folder, { recursive: true }));
  for (const end of ['', '-save', '-restore']) {
    await symlink(`/usr/sbin/${flavour}${end}`, join(folder, `iptables${end}`));
  }
  return `${folder}:${process.env['PATH']}`;
}

test('chains that drop whatever the rules accept are warned of', async (context) => {
  const host = await createNamespace(context);
  await host.run('ip6tables', '-P', 'FORWARD', 'DROP');
  assert.deepEqual(await warnings(host, { backend: 'nftables' }), [['ip6tables FORWARD']]);
  assert.deepEqual(await warnings(host, { backend: 'nftables', subnets: four }), []);
  assert.deepEqual(await warnings(host, { backend: 'iptables' }), []);
  await host.run(
    'nft',
    'table inet filter { chain forward { type filter hook forward priority 0; policy drop; }; }',
  );
  assert.deepEqual(await warnings(host, { backend: 'iptables' }), [['inet filter forward']]);
  await host.run('ip6tables', '-P', 'FORWARD', 'ACCEPT');
  await host.run(
    'nft',
    `delete table inet filter; table inet firewalld { chain filter_FORWARD { type filter hook forward priority 10; ct state established,related accept
     reject with icmpx type admin-prohibited
     }; }`,
  );
  assert.deepEqual(await warnings(host, {}), [['inet firewalld filter_FORWARD']]);
});
