import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAlias, parseLink, parseLinkNames } from '../../../adapters/interface/link-text.ts';

// As iproute2 6.1 prints it, shortened.
const shown = JSON.stringify([
  {
    ifindex: 7,
    ifname: 'wg0',
    flags: ['POINTOPOINT', 'NOARP', 'UP', 'LOWER_UP'],
    mtu: 1420,
    addr_info: [
      { family: 'inet', local: '10.7.0.1', prefixlen: 24, scope: 'global', label: 'wg0' },
      { family: 'inet6', local: 'fd07:0:0::1', prefixlen: 112, scope: 'global' },
      { family: 'inet6', local: 'fe80::1', prefixlen: 64, scope: 'link' },
      {},
    ],
  },
]);

test('a link is read with its global addresses in canonical text', () => {
  assert.deepEqual(parseLink(shown, 'wg0'), {
    isUp: true,
    isPort: false,
    mtuBytes: 1420,
    addresses: ['10.7.0.1/24', 'fd07::1/112'],
  });
});

test('a link that is down is known as such', () => {
  assert.equal(parseLink(shown.replace('"UP",', ''), 'wg0')?.isUp, false);
});

test('a port of a bridge is known as such', () => {
  assert.equal(parseLink(shown.replace('"mtu"', '"master":"br0","mtu"'), 'wg0')?.isPort, true);
});

test('what is not about this link is nothing', () => {
  assert.equal(parseLink(shown, 'wg1'), null);
  for (const text of ['', '{}', '[]', 'null', '[{"ifname":"wg0"}]', '[1]']) {
    assert.equal(parseLink(text, 'wg0'), null, text);
  }
});

test('the alias is read, where there is one', () => {
  const links = JSON.stringify([{ ifname: 'wg0', ifalias: 'mine' }, { ifname: 'wg1' }]);
  assert.deepEqual(
    ['wg0', 'wg1', 'wg2'].map((name) => parseAlias(links, name)),
    ['mine', null, null],
  );
  assert.equal(parseAlias('', 'wg0'), null);
});

test('names are read from /proc/net/dev', () => {
  const text = `Inter-|   Receive                |  Transmit
 face |bytes    packets errs drop|bytes    packets
    lo: 1032964084 5804270    0    0
wg-home.1:       0       0    0    0
  eth0:400657381    8885    0    0
`;
  assert.deepEqual(parseLinkNames(text), ['lo', 'wg-home.1', 'eth0']);
});
