// The lock as the kernel has it. That it goes with its process is shown where there are processes: test/e2e/at-start.device.test.ts.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { test } from 'node:test';
import { acquireInterfaceLock } from '../../../adapters/interface/interface-lock.ts';
import { mustFail, mustSucceed } from '../../fixtures/outcome.ts';

// No other run of the tests has this name.
const name = `t${process.pid}`;
const address = `\0wgkeeper-node:${name}`.padEnd(108, '\0');

test('an interface is had once, and others are not in its way', async () => {
  mustSucceed(await acquireInterfaceLock(name));
  const failure = mustFail(await acquireInterfaceLock(name));
  assert.equal(failure.code, 'lock_held');
  assert.match(failure.detail, new RegExp(`another process serves ${name}: .*@wgkeeper-node:${name}"?`));
  assert.ok(!failure.detail.includes('\0'));
  mustSucceed(await acquireInterfaceLock(`${name}.1`));
});

test('its address is as long as one can be, so that every version of Node.js means the same by it', () => {
  const line = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .find((each) => each.includes(`@wgkeeper-node:${name}@`));
  assert.equal(line?.split(' ').at(-1), address.replaceAll('\0', '@'));
});

test('who connects to it is let go at once', async () => {
  const connection = connect(address);
  connection.resume();
  await once(connection, 'close');
});
