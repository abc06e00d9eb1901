import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  compareNftables,
  nftablesListArgs,
  parseHookChains,
  renderNftables,
  renderNftablesRemoval,
} from '../../../adapters/interface/nftables-text.ts';
import { firewallConfig, withoutRules } from '../../fixtures/firewall-config.ts';

const config = firewallConfig('nftables', ['10.7.0.0/24', 'fd07::/112']);

// As nft 1.0.6 lists what `renderNftables` makes.
const listing = `table inet wgkeeper-wg0 {
	chain forward {
		type filter hook forward priority filter; policy accept;
${renderedRules().slice(0, 4).join('\n')}
	}

	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
${renderedRules().slice(4).join('\n')}
	}
}
`;

function renderedRules(): readonly string[] {
  return renderNftables(config)
    .split(/[;{]/)
    .filter((part) => part.includes(' comment '))
    .map((rule) => `\t\t${rule.trim()}`);
}

test('the table is put in the place of the old one in one transaction, of which each part is said once', () => {
  const text = renderNftables(config).replace(/ comment "wgkeeper-node:wg0:[0-9a-f]{8}"/g, '');
  assert.equal(
    text,
    'add table inet wgkeeper-wg0; delete table inet wgkeeper-wg0; table inet wgkeeper-wg0 { ' +
      'chain forward { type filter hook forward priority filter; policy accept; ' +
      'iifname "wg0" oifname "eth0" ip saddr 10.7.0.0/24 accept; ' +
      'iifname "eth0" oifname "wg0" ip daddr 10.7.0.0/24 ct state established,related accept; ' +
      'iifname "wg0" oifname "eth0" ip6 saddr fd07::/112 accept; ' +
      'iifname "eth0" oifname "wg0" ip6 daddr fd07::/112 ct state established,related accept; }; ' +
      'chain postrouting { type nat hook postrouting priority srcnat; policy accept; ' +
      'oifname "eth0" ip saddr 10.7.0.0/24 masquerade; oifname "eth0" ip6 saddr fd07::/112 masquerade; }; }',
  );
  assert.doesNotMatch(renderNftables(config), /['#%\n]/);
  assert.equal(
    renderNftablesRemoval('wg-home.1'),
    'add table inet wgkeeper-wg-home.1; delete table inet wgkeeper-wg-home.1',
  );
  assert.deepEqual(nftablesListArgs('wg0'), ['list', 'table', 'inet', 'wgkeeper-wg0']);
});

test('only the families in use have rules', () => {
  assert.doesNotMatch(renderNftables(firewallConfig('nftables', ['10.7.0.0/24'])), /ip6|::/);
  assert.doesNotMatch(renderNftables(firewallConfig('nftables', ['fd07::/112'])), / ip /);
});

test('what is listed is known again', () => {
  assert.equal(compareNftables(config, listing), 'present');
  assert.equal(compareNftables(config, null), 'missing');
  assert.equal(compareNftables(withoutRules(config), null), 'present');
  assert.equal(compareNftables(withoutRules(config), listing), 'extra');
});

test('a rule that is gone, another one, and one twice are noticed', () => {
  const rules = renderedRules();
  for (const rule of rules)
    assert.equal(compareNftables(config, listing.replace(`${rule}\n`, '')), 'missing');
  const first = rules[0] ?? '';
  assert.equal(compareNftables(config, listing.replace(first, `${first}\n${first}`)), 'extra');
  assert.equal(compareNftables(config, listing.replace(first, `\t\tiifname "x" drop\n${first}`)), 'extra');
  for (const other of [
    firewallConfig('nftables', ['10.7.0.0/24', 'fd07::/112'], { wan: 'eth1' }),
    firewallConfig('nftables', ['10.7.0.0/25', 'fd07::/112']),
  ]) {
    assert.equal(compareNftables(other, listing), 'missing');
  }
  assert.equal(compareNftables(firewallConfig('nftables', ['10.7.0.0/24']), listing), 'extra');
});

test('chains that see packets at a hook are found, and no others', () => {
  // As nft 1.0.6 lists them.
  const chains = `table ip filter {
	chain INPUT {
		type filter hook input priority filter; policy drop;
	}
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
	}
	chain DOCKER {
	}
}
table inet filter {
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
}
table inet other {
	chain forward {
		type filter hook forward priority filter + 10; policy accept;
	}
}
`;
  assert.deepEqual(parseHookChains(chains, 'input'), [{ family: 'ip', table: 'filter', name: 'INPUT' }]);
  assert.deepEqual(parseHookChains(chains, 'forward'), [
    { family: 'ip', table: 'filter', name: 'FORWARD' },
    { family: 'inet', table: 'filter', name: 'forward' },
    { family: 'inet', table: 'other', name: 'forward' },
  ]);
  assert.deepEqual(parseHookChains('', 'forward'), []);
});
