import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  adjustRules,
  findDrops,
  inspectRules,
  settleBackend,
  warnOfDrops,
} from '../../../adapters/interface/firewall.ts';
import type { InterfaceHost } from '../../../adapters/interface/interface-host.ts';
import { renderNftables } from '../../../adapters/interface/nftables-text.ts';
import type { CommandFailure } from '../../../adapters/run-command.ts';
import type { Routing } from '../../../core/config/config.ts';
import { fail, ok, type Result } from '../../../core/result.ts';
import { createFakeLog, type FakeLog } from '../../fakes/log.ts';
import { firewallConfig, withoutRules } from '../../fixtures/firewall-config.ts';

type Answer = string | CommandFailure['code'];
const failures: ReadonlySet<string> = new Set(['command_missing', 'command_refused', 'command_timeout']);

// Programs, by the begin of their command line; what is not named says nothing and succeeds.
function createHost(
  answers: Readonly<Record<string, Answer>>,
): InterfaceHost & { readonly log: FakeLog; readonly calls: string[] } {
  const calls: string[] = [];
  return {
    calls,
    log: createFakeLog(),
    isRoot: true,
    folder: '/nowhere',
    procFolder: '/nowhere',
    deviceAnswerMs: 1_000,
    createPrivateKey: () => assert.fail('no key is made'),
    derivePublicKey: () => assert.fail('no key is derived'),
    async run(command, args): Promise<Result<string, CommandFailure>> {
      const line = [command, ...args].join(' ');
      calls.push(line);
      const answer = Object.entries(answers).find(([begin]) => line.startsWith(begin))?.[1] ?? '';
      if (!failures.has(answer)) return ok(answer);
      return fail({ code: answer as CommandFailure['code'], command, status: 1, detail: `${line}: no` });
    },
  };
}

const dual = firewallConfig('nftables', ['10.7.0.0/24', 'fd07::/112']);
const dropping = '*filter\n:FORWARD DROP [0:0]\nCOMMIT\n';
const rejecting = '*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j REJECT\nCOMMIT\n';

async function settle(answers: Readonly<Record<string, Answer>>, backend: Routing['backend'] = 'auto') {
  const host = createHost(answers);
  const settled = await settleBackend({ ...dual, routing: { wanInterface: 'eth0', backend } }, host);
  return settled.ok ? (settled.value?.backend ?? null) : settled.failure.code;
}

test('a back end that is named is taken, also where it is refused, and the other one is not asked', async () => {
  for (const [backend, other] of [
    ['nftables', 'iptables'],
    ['iptables', 'nft'],
  ] as const) {
    const host = createHost({ nft: 'command_refused', iptables: 'command_refused' });
    const settled = await settleBackend({ ...dual, routing: { wanInterface: 'eth0', backend } }, host);
    assert.deepEqual(settled, ok({ wanInterface: 'eth0', backend }));
    assert.ok(!host.calls.some((line) => line.startsWith(other)));
  }
  assert.equal(await settle({}, 'none'), null);
  assert.deepEqual(await settleBackend(withoutRules(dual), createHost({})), ok(null));
});

test('of a back end that is named it is said at once what to install', async () => {
  const said = async (backend: Routing['backend'], answers: Readonly<Record<string, Answer>>) => {
    const routing = { wanInterface: 'eth0', backend };
    const settled = await settleBackend({ ...dual, routing }, createHost(answers));
    return settled.ok || settled.failure.message;
  };
  const six = { ip6tables: 'command_missing' } as const;
  assert.equal(
    await said('iptables', six),
    "wireguard.routing.backend is iptables, and ip6tables can't be found: install the package iptables, or name another back end",
  );
  assert.match(
    String(await said('iptables', { ...six, iptables: 'command_missing' })),
    /iptables and ip6tables can't be found: install the package iptables,/,
  );
  assert.match(
    String(await said('nftables', { nft: 'command_missing' })),
    /nft can't be found: install the package nftables,/,
  );
  const four = firewallConfig('iptables', ['10.7.0.0/24']);
  const routing = { wanInterface: 'eth0', backend: 'iptables' } as const;
  assert.ok((await settleBackend({ ...four, routing }, createHost(six))).ok);
});

test('auto is nftables where it works, with or without iptables', async () => {
  assert.equal(await settle({}), 'nftables');
  assert.equal(await settle({ iptables: 'command_missing', ip6tables: 'command_missing' }), 'nftables');
});

test('auto is iptables where nft is not installed or refused', async () => {
  assert.equal(await settle({ nft: 'command_missing' }), 'iptables');
  assert.equal(await settle({ nft: 'command_refused' }), 'iptables');
});

test('auto is nftables where it is there and neither works, so that it is nft that says why', async () => {
  assert.equal(await settle({ nft: 'command_refused', iptables: 'command_refused' }), 'nftables');
  assert.equal(await settle({ nft: 'command_refused', ip6tables: 'command_missing' }), 'nftables');
});

test('auto says at once what to install where nft is not, and iptables is not there for every family', async () => {
  const said = async (answers: Readonly<Record<string, Answer>>, subnets: readonly string[]) => {
    const config = firewallConfig('nftables', subnets);
    const host = createHost({ nft: 'command_missing', ...answers });
    const settled = await settleBackend(
      { ...config, routing: { wanInterface: 'eth0', backend: 'auto' } },
      host,
    );
    return settled.ok ? settled.value?.backend : settled.failure.message;
  };
  const both = ['10.7.0.0/24', 'fd07::/112'];
  const six = { ip6tables: 'command_missing' } as const;
  assert.equal(
    await said(six, both),
    'no firewall rules can be made for IPv4 and IPv6: nft and ip6tables are not installed. Install the package nftables, or what brings ip6tables; or make rules yourself and set wireguard.routing.backend to none',
  );
  assert.match(
    String(await said({ ...six, iptables: 'command_missing' }, both)),
    /nft and iptables and ip6tables are/,
  );
  assert.match(
    String(await said({ iptables: 'command_refused' }, both)),
    /nft is not installed, and iptables does not work/,
  );
  assert.equal(await said(six, ['10.7.0.0/24']), 'iptables');
});

test('auto is iptables where FORWARD drops by policy or by its last rule, since a table of our own could not be heard', async () => {
  assert.equal(await settle({ 'iptables-save': dropping }), 'iptables');
  assert.equal(await settle({ 'ip6tables-save': dropping }), 'iptables');
  assert.equal(await settle({ 'ip6tables-save': rejecting }), 'iptables');
  assert.equal(await settle({ 'iptables-save': dropping, ip6tables: 'command_missing' }), 'nftables');
});

test('nothing is chosen on what did not end in time', async () => {
  assert.equal(await settle({ nft: 'command_timeout' }), 'command_failed');
  assert.equal(await settle({ 'iptables-save': 'command_timeout' }), 'command_failed');
  assert.equal(await settle({ 'iptables-save': 'command_timeout' }, 'iptables'), 'command_failed');
});

test('one family needs neither program nor tables of the other', async () => {
  const missing = { 'nft list table': 'command_refused', 'ip6tables-save': 'command_missing' } as const;
  const four = firewallConfig('iptables', ['10.7.0.0/24']);
  assert.deepEqual(await adjustRules(four, createHost(missing)), ok(undefined));
  const six = firewallConfig('iptables', ['fd07::/112']);
  const refused = { 'nft list table': 'command_missing', 'iptables-save': 'command_refused' } as const;
  assert.deepEqual(await adjustRules(six, createHost(refused)), ok(undefined));
  const needed = await adjustRules(six, createHost(missing));
  assert.equal(needed.ok || needed.failure.code, 'tool_missing');
  assert.match(needed.ok ? '' : needed.failure.message, /install the package iptables/);
});

test('what can’t be looked at in time is not taken for gone', async () => {
  for (const begin of ['nft list table', 'iptables-save', 'ip6tables-save']) {
    const cleared = await adjustRules(withoutRules(dual), createHost({ [begin]: 'command_timeout' }));
    assert.equal(cleared.ok || cleared.failure.code, 'command_failed', begin);
  }
});

test('the new back end has its rules before the old one loses its own', async () => {
  const host = createHost({ 'nft list table': renderNftables(dual).replaceAll(/[;{]/g, '\n') });
  const iptables = firewallConfig('iptables', ['10.7.0.0/24']);
  assert.deepEqual(await inspectRules(iptables, host), ok('missing'));
  assert.deepEqual(await adjustRules(iptables, host), ok(undefined));
  const made = host.calls.indexOf('iptables-restore -w 5 --noflush');
  const gone = host.calls.findIndex((line) => line.startsWith('nft add table inet wgkeeper-wg0; delete'));
  assert.ok(made !== -1 && gone > made, host.calls.join('\n'));
});

test('chains that drop in spite of the rules are warned of, once each, and only with rules', async () => {
  const chains = `table ip filter {
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
table inet filter {
	chain forward {
		type filter hook forward priority filter; policy drop;
`;
  const listing =
    'table inet filter {\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n';
  const warned = async (config: typeof dual) => {
    const host = createHost({
      'nft list chains': chains,
      'nft list table inet filter': listing,
      'iptables-save': dropping,
    });
    assert.deepEqual(await warnOfDrops(config, host), ok(undefined));
    return host.log.lines.map(({ level, fields }) => [level, fields['chains']]);
  };
  assert.deepEqual(await warned(dual), [['warn', ['iptables FORWARD', 'inet filter forward']]]);
  const iptables = { interface: 'wg0', backend: 'iptables', wanInterface: 'eth0' } as const;
  assert.deepEqual(await warned({ ...dual, routing: iptables }), [['warn', ['inet filter forward']]]);
  assert.deepEqual(await warned(withoutRules(dual)), []);
});

test('FORWARD of the other iptables is looked at, too, with either back end, and where iptables is not installed, by nft', async () => {
  const header = '# Generated by iptables-save v1.8.9 (nf_tables) on Wed Nov 25 19:17:37 2026\n';
  const six = firewallConfig('nftables', ['fd07::/112']);
  const found = async (config: typeof dual, answers: Readonly<Record<string, Answer>>) => {
    const host = createHost(answers);
    const drops = await findDrops(config, host);
    return [
      drops.ok && drops.value.map(({ name }) => name),
      host.calls.some((line) => /-nft-save/.test(line)),
    ];
  };
  const legacy = { 'ip6tables-save': header, 'ip6tables-legacy-save': dropping } as const;
  assert.deepEqual(await found(six, legacy), [['ip6tables-legacy FORWARD'], false]);
  const iptables = firewallConfig('iptables', ['fd07::/112']);
  assert.deepEqual(await found(iptables, legacy), [['ip6tables-legacy FORWARD'], false]);
  const nft = {
    'ip6tables-save': header.replace(' (nf_tables)', ''),
    'ip6tables-nft-save': dropping,
  } as const;
  assert.deepEqual(await found(iptables, nft), [['ip6tables-nft FORWARD'], true]);
  for (const failure of ['command_missing', 'command_timeout'] as const) {
    const none = { 'ip6tables-save': header, 'ip6tables-legacy-save': failure };
    assert.deepEqual(await found(six, none), [[], false], failure);
  }

  const chains =
    'table ip6 filter {\n\tchain FORWARD {\n\t\ttype filter hook forward priority filter; policy drop;\n';
  const listed = { 'nft list': chains } as const;
  assert.deepEqual((await found(six, { ...listed, ip6tables: 'command_missing' }))[0], [
    'ip6 filter FORWARD',
  ]);
  assert.deepEqual((await found(six, listed))[0], []);
});

test('a chain that lets through what the rules do is none to warn of, though it drops all else', async () => {
  const chains =
    'table inet filter {\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n';
  const accepting = `${chains}\t\tiifname "wg0" accept\n\t\tct state established,related accept\n`;
  const saved = `${dropping.replace('COMMIT', '-A FORWARD -i wg0 -j ACCEPT\n-A FORWARD -o wg0 -j ACCEPT\nCOMMIT')}`;
  const found = await findDrops(
    dual,
    createHost({
      'nft list chains': chains,
      'nft list table': accepting,
      'iptables-save': saved,
      'ip6tables-save': dropping,
    }),
  );
  assert.deepEqual(
    found,
    ok([
      {
        name: 'ip6tables FORWARD',
        remedies: [
          'ip6tables -I FORWARD -i wg0 -o eth0 -j ACCEPT',
          'ip6tables -I FORWARD -i eth0 -o wg0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
        ],
      },
    ]),
  );
});
