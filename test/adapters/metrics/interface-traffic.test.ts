// The kernel's counters of an interface.
import assert from 'node:assert/strict';
import test from 'node:test';
import { parseInterfaceTraffic, readInterfaceTraffic } from '../../../adapters/metrics/interface-traffic.ts';

const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 4242948   13413    0    0    0     0          0         0  4242948   13413    0    0    0     0       0          0
   wg0:9007199254740991 8 0 0 0 0 0 0 17 5 0 0 0 0 0 0
  wg01: 1 8 0 0 0 0 0 0 2 5 0 0 0 0 0 0
`;

test('an interface is found by its whole name, also where no blank stands before its numbers', () => {
  assert.deepEqual(parseInterfaceTraffic(text, 'wg0'), { receiveBytes: 9007199254740991, transmitBytes: 17 });
  assert.deepEqual(parseInterfaceTraffic(text, 'wg01'), { receiveBytes: 1, transmitBytes: 2 });
});

test('one that is not there has none', () => {
  for (const name of ['wg', 'g0', 'wg1', '', ' face ', 'Inter-|'])
    assert.equal(parseInterfaceTraffic(text, name), null, name);
  assert.equal(readInterfaceTraffic('no-such-one'), null);
});

test('every host has a loopback', () => {
  assert.ok(readInterfaceTraffic('lo'));
});
