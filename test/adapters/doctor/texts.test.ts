// Sockets and routes as the kernel and ip(8) tell them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRoutes } from '../../../adapters/doctor/routes.ts';
import { findAbstractSocket, parseSockets } from '../../../adapters/host/socket-text.ts';
import { formatAddress, formatCidr } from '../../../core/address.ts';

const shown = (table: string, protocol: 'tcp' | 'udp') =>
  parseSockets(table, protocol).map(
    ({ address, port, inode }) => `${formatAddress(address)} ${port} ${inode}`,
  );

test('of TCP only what listens counts', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:CA6D 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1060 1 0000000080888785 100 0 0 10 0
   1: 0100007F:CA6D 0100007F:8000 01 00000000:00000000 00:00000000 00000000     0        0 1061 1 0000000080888785 100 0 0 10 0
`;
  assert.deepEqual(shown(table, 'tcp'), ['127.0.0.1 51821 1060']);
});

test('IPv6 addresses are words of four bytes each, and mapped ones are IPv4', () => {
  const rest = '00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 7 1';
  const table = `   0: B80D0120000000000000000001000000:0050 ${rest}
   1: 0000000000000000FFFF00000100007F:0050 ${rest}
   2: 00000000000000000000000000000000:0050 ${rest}
`;
  assert.deepEqual(shown(table, 'tcp'), ['2001:db8::1 80 7', '127.0.0.1 80 7', ':: 80 7']);
});

test('of UDP whatever is bound counts, save for what is connected; the kernel has no inode', () => {
  const table = `   0: 00000000:CA6C 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 0 2 0000000000000000 0
   1: 00000000:0035 0100007F:8000 01 00000000:00000000 00:00000000 00000000     0        0 9 2 0000000000000000 0
`;
  assert.deepEqual(shown(table, 'udp'), ['0.0.0.0 51820 0']);
});

test('an abstract name is found whatever fills it up, and no other', () => {
  const line = (name: string) => `0000000000000000: 00000002 00000000 00010000 0001 01 4711 ${name}\n`;
  const table = `Num       RefCount Protocol Flags    Type St Inode Path\n${line('@a:wg1')}${line('/run/a:wg0')}`;
  assert.equal(findAbstractSocket(table, 'a:wg0'), null);
  assert.equal(findAbstractSocket(table, 'a:wg1'), 4_711);
  assert.equal(findAbstractSocket(line('@a:wg0@@@@'), 'a:wg0'), 4_711);
});

test('what is no table holds no sockets', () => {
  assert.deepEqual(shown('', 'tcp'), []);
  assert.deepEqual(shown('a b c d e f g h i j\n0: zz:zz 0:0 0A 0 0 0 0 0 0', 'tcp'), []);
});

test('routes are read but for those to nowhere, to everywhere and to the neighbours', () => {
  const text = JSON.stringify([
    { dst: 'default', gateway: '192.0.2.1', dev: 'eth0' },
    { dst: '192.0.2.0/24', dev: 'eth0', protocol: 'kernel' },
    { type: 'local', dst: '192.0.2.2', dev: 'eth0' },
    { type: 'broadcast', dst: '192.0.2.255', dev: 'eth0' },
    { type: 'unreachable', dst: '10.0.0.0/8' },
    { dst: 'fe80::/64', dev: 'eth0' },
    { type: 'multicast', dst: 'ff00::/8', dev: 'eth0' },
    { dst: 'fd00::/64', nexthops: [{ dev: 'eth0' }, { dev: 'eth1' }] },
    { dst: 7 },
    null,
  ]);
  assert.deepEqual(
    parseRoutes(text)?.map(({ cidr, interface: name }) => `${formatCidr(cidr)} ${name}`),
    ['192.0.2.0/24 eth0', '192.0.2.2/32 eth0', 'fd00::/64 several interfaces'],
  );
  assert.deepEqual(parseRoutes(''), []);
  assert.equal(parseRoutes('Error'), null);
  assert.equal(parseRoutes('{}'), null);
});
