// What is said where a file and the configuration disagree.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatFileDifferences, listFileDifferences } from '../../../adapters/interface/file-differences.ts';
import { parseWgQuickFile } from '../../../adapters/interface/wg-quick-text.ts';
import { parseSubnet } from '../../fixtures/subnets.ts';

const key = 'aPu6plm9WICVP91DSbl4Y0ZG5v/eoGe84uGK1fUUQkQ=';

function said(text: string, ...networks: readonly string[]): readonly string[] {
  const subnets = networks.map(parseSubnet);
  const file = parseWgQuickFile(`[Interface]\nPrivateKey = ${key}\n${text}`);
  return formatFileDifferences(listFileDifferences(file, { listenPort: 51_820, subnets }));
}

const both = ['10.7.0.0/24', 'fd07::/112'];
const port = 'ListenPort = 51820\n';

test('a port is named with both sides and what to set', () => {
  assert.deepEqual(said('Address = 10.7.0.1/24, fd07::1/112\nListenPort = 51999\n', ...both), [
    '- ListenPort is 51999 in the file, wireguard.listen_port 51820 in the configuration → set ListenPort = 51820 in the file, or set wireguard.listen_port: 51999',
  ]);
  assert.deepEqual(said('Address = 10.7.0.1/24, fd07::1/112\n', ...both), [
    '- no valid ListenPort is in the file, wireguard.listen_port 51820 in the configuration → set ListenPort = 51820 in the file',
  ]);
});

test('an address is compared with that of its family', () => {
  assert.deepEqual(said(`${port}Address = 10.9.0.5/16`, ...both), [
    '- Address is 10.9.0.5/16 in the file, 10.7.0.1/24 by wireguard.subnet and wireguard.server_ip in the configuration → set Address = 10.7.0.1/24 in the file, or set wireguard.subnet: 10.9.0.0/16 and wireguard.server_ip: 10.9.0.5',
    '- no IPv6 Address is in the file, fd07::1/112 by wireguard.subnet6 and wireguard.server_ip6 in the configuration → set Address = fd07::1/112 in the file, or take wireguard.subnet6 out of the configuration',
  ]);
  assert.deepEqual(said(`${port}Address = fd07::1/112, 10.7.0.1/24`, '10.7.0.0/24'), [
    '- Address is fd07::1/112 in the file, no wireguard.subnet6 in the configuration → take it out of the file, or set wireguard.subnet6: fd07::/112 and wireguard.server_ip6: fd07::1',
  ]);
});

test('of several addresses of a family only that of the configuration may stay', () => {
  assert.deepEqual(said(`${port}Address = 10.7.0.1/24, 10.9.0.1/24`, '10.7.0.0/24'), [
    '- Address is 10.7.0.1/24, 10.9.0.1/24 in the file, 10.7.0.1/24 by wireguard.subnet and wireguard.server_ip in the configuration → set Address = 10.7.0.1/24 in the file',
  ]);
});

test('what is no address is quoted, save for keys', () => {
  assert.deepEqual(said(`${port}Address = 10.7.0.1/24, vpn\nAddress = ${key}`, '10.7.0.0/24'), [
    '- Address is "vpn" in the file, which is no address → take it out of the file',
    '- Address is "(hidden)" in the file, which is no address → take it out of the file',
  ]);
});

test('an address that the kernel gave by itself and wg-quick saved is no difference', () => {
  const saved = `${port}Address = 10.7.0.1/24\nAddress = fe80::a220:f97:a57f:4427/64\n`;
  assert.deepEqual(said(saved, '10.7.0.0/24'), []);
  assert.deepEqual(said(`${saved}Address = fd07::1/112`, ...both), []);
  assert.match(
    said(`${saved}Address = fe80:1::1/64`, '10.7.0.0/24').join(),
    /^- Address is fe80:1::1\/64 in/,
  );
});

test('the spelling of an address is no difference', () => {
  assert.deepEqual(said('Address = FD07:0:0::1/112,10.7.0.1/24\nListenPort=51820\n', ...both), []);
});
