// When the address of a request has to be looked at, and when counting connections is enough.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createAccess } from '../../../core/http/access.ts';
import { Connections } from '../../../core/http/connections.ts';
import { HeadReader } from '../../../core/http/head-reader.ts';
import type { NativeResponse } from '../../../core/http/native.ts';
import { fakeNative, ipv4 } from '../../fixtures/http-request.ts';
import { apiKey, cidrs } from '../../fixtures/toy-api.ts';

const settings = { apiKey, allowedIps: cidrs('10.0.0.0/8'), trustedProxies: cidrs('127.0.0.1/32') };

/** Connections of a server, as the native one reports them. */
function setUp(openMax = 100) {
  const access = createAccess(settings);
  const connections = new Connections(access, openMax);
  let looks = 0;
  const come = (address: string) => {
    let aborted = () => {};
    const res = {
      getRemoteAddress: () => Uint8Array.from(ipv4(address)).buffer,
      onAborted(hook: () => void) {
        aborted = hook;
        return res;
      },
    } as unknown as NativeResponse;
    const welcome = connections.came(res);
    return {
      welcome,
      /** Closed by the other side before any request. */
      breaks() {
        aborted();
        connections.went();
      },
      /** What a request on it is told; `looked`: its address had to be asked for. */
      asks() {
        const head = new HeadReader('x-api-key');
        const [req] = fakeNative({ target: '/' });
        const looksBefore = looks;
        const looking = {
          getRemoteAddress() {
            looks++;
            return Uint8Array.from(ipv4(address)).buffer;
          },
        };
        head.read(req, looking as unknown as NativeResponse);
        connections.judge(head);
        return { allowed: head.fromAllowed, closes: head.closes, looked: looks > looksBefore };
      },
    };
  };
  return { access, connections, come };
}

test('while all connections are from allowed addresses, none is looked at again', () => {
  const { come } = setUp();
  const good = come('10.0.0.1');
  come('10.0.0.2');
  assert.deepEqual(good.asks(), { allowed: true, closes: false, looked: false });
});

test('while a foreign connection is open, every request is looked at', () => {
  const { come } = setUp();
  const good = come('10.0.0.1');
  const foreign = come('192.0.2.1');
  assert.deepEqual(good.asks(), { allowed: true, closes: false, looked: true });
  assert.deepEqual(foreign.asks(), { allowed: false, closes: true, looked: true });
  foreign.breaks();
  assert.deepEqual(good.asks(), { allowed: true, closes: false, looked: false });
});

test('a foreign connection that was answered counts no more', () => {
  const { connections, come } = setUp();
  const good = come('10.0.0.1');
  come('192.0.2.1').asks();
  connections.foreignLeft();
  connections.went();
  assert.equal(good.asks().looked, false);
});

test('behind a proxy that may not ask for itself, every request is looked at and none ends the connection', () => {
  const { connections, come } = setUp();
  const proxy = come('127.0.0.1');
  assert.deepEqual(proxy.asks(), { allowed: false, closes: false, looked: true });
  proxy.breaks();
  assert.equal(connections.open, 0);
  assert.equal(come('10.0.0.1').asks().looked, false);
});

test('connections that are older than the allowlist are looked at until all are gone', () => {
  const { access, come } = setUp();
  const old = come('10.0.0.1');
  const stays = come('172.16.0.1');
  stays.asks();
  access.replace({ ...settings, allowedIps: cidrs('172.16.0.0/12') });
  assert.deepEqual(old.asks(), { allowed: false, closes: true, looked: true });
  assert.deepEqual(stays.asks(), { allowed: true, closes: false, looked: true });
  old.breaks();
  const fresh = come('172.16.0.2');
  assert.equal(fresh.asks().looked, true);
  stays.breaks();
  fresh.breaks();
  assert.equal(come('172.16.0.3').asks().looked, false);
});

test('a new key alone has nobody looked at again', () => {
  const { access, come } = setUp();
  const open = come('10.0.0.1');
  access.replace({ ...settings, apiKey: `${apiKey}-renewed`, allowedIps: cidrs('10.0.0.0/8') });
  assert.deepEqual(open.asks(), { allowed: true, closes: false, looked: false });
});

test('without an allowlist nothing is looked at, and one that comes later holds for open connections', () => {
  const { access, come } = setUp();
  access.replace({ ...settings, allowedIps: null });
  const open = come('192.0.2.1');
  assert.deepEqual(open.asks(), { allowed: false, closes: false, looked: false });
  access.replace(settings);
  assert.deepEqual(open.asks(), { allowed: false, closes: true, looked: true });
});

test('one connection too many is not welcome, until another has gone', () => {
  const { connections, come } = setUp(2);
  const first = come('10.0.0.1');
  come('10.0.0.2');
  assert.equal(come('10.0.0.3').welcome, false);
  connections.went();
  assert.equal(connections.open, 2);
  first.breaks();
  assert.equal(come('10.0.0.3').welcome, true);
});
