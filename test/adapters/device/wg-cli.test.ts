// What the device makes of a `wg` that misbehaves. The real one is tested in wg-cli.device.test.ts.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createKeptDump } from '../../../adapters/device/kept-dump.ts';
import { createWgDevice, type WgDevice } from '../../../adapters/device/wg-cli.ts';
import {
  batchMax,
  deviceCallsMax,
  deviceChangesMax,
  devicePeersMax,
  deviceTimeoutMs,
  deviceTimeoutPerChangeMs,
  deviceTimeoutPerPeerMs,
  shellEndGraceMs,
} from '../../../core/limits.ts';
import type { DeviceFailure, DevicePeerSpec } from '../../../core/ports.ts';
import type { Result } from '../../../core/result.ts';
import { createSpecs, granted, peersOf, put, remove } from '../../contracts/device.ts';
import { createFakeClock, type FakeClock } from '../../fakes/clock.ts';
import { createFakeLog } from '../../fakes/log.ts';
import { createFakeWg, type FakeWg } from '../../fixtures/fake-wg.ts';
import { childrenOf, isRunning } from '../../fixtures/processes.ts';
import { until } from '../../fixtures/until.ts';

const specs = createSpecs();
const self = specs.one();
const deviceLine = `${self.presharedKey}\t${self.publicKey}\t51820\toff`;
const emptyDump = `printf '%s\\n' '${deviceLine}'`;
// Before the first look the device may have any number of peers.
const unknownTimeoutMs = deviceTimeoutMs + devicePeersMax * deviceTimeoutPerPeerMs;

interface Rig {
  readonly device: WgDevice;
  readonly wg: FakeWg;
  readonly clock: FakeClock;
}

function setUp(test: TestContext, script: string, path?: string): Rig {
  const wg = createFakeWg(test, script);
  const clock = createFakeClock();
  const surroundings = { shell: ['/bin/sh'] as const, path: path ?? wg.path, clock };
  const device = createWgDevice({ interfaceName: 'wg0', surroundings, log: createFakeLog() });
  test.after(async () => {
    const closed = device.close();
    // A call that hangs when a test fails would hold up the end of the test too.
    await clock.advance(2 * unknownTimeoutMs);
    await closed;
  });
  return { device, wg, clock };
}

function dumpOf(...peers: readonly DevicePeerSpec[]): string {
  const lines = peers.map(
    ({ publicKey, presharedKey, allowedIPs }) =>
      `${publicKey}\t${presharedKey}\t(none)\t${allowedIPs.join(',') || '(none)'}\t0\t0\t0\t25`,
  );
  return `${[deviceLine, ...lines].join('\n')}\n`;
}

function codeOf(result: Result<unknown, DeviceFailure>): string {
  return result.ok ? 'ok' : result.failure.code;
}

/** Lets each call that hangs come to its time-out, and none that only takes its time. */
async function inTheEnd<Value>({ clock, wg }: Rig, outcome: Promise<Value>): Promise<Value> {
  let done = false;
  void outcome.then(() => {
    done = true;
  });
  let ended = 0;
  await until('the outcome', async () => {
    if (wg.hangs() > ended) {
      ended++;
      await clock.advance(unknownTimeoutMs + 2 * deviceTimeoutPerChangeMs);
    }
    return done;
  });
  return outcome;
}

/** Sizes of the memory files that this process has open. */
function memoryFileSizes(): number[] {
  const sizes: number[] = [];
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      const path = `/proc/self/fd/${name}`;
      if (/^\/(dev\/shm|run|tmp)\/#[0-9]+ \(deleted\)$/.test(readlinkSync(path)))
        sizes.push(statSync(path).size);
    } catch {
      // The descriptor that listed them is gone by now.
    }
  }
  return sizes;
}

describe('a look', () => {
  it('tells a failed wg, an unreadable answer and no wg apart', async (test) => {
    const { device, wg } = setUp(test, '');
    const fates = {
      'exit 1': 'device_refused',
      [`${emptyDump}; exit 1`]: 'device_refused',
      'kill -9 $$': 'device_refused',
      'exit 127': 'device_unreachable',
      '': 'device_unreadable',
      'echo interface: wg0': 'device_unreadable',
      [`printf '%s' '${deviceLine}'`]: 'device_unreadable',
      [`${emptyDump}; printf '%s\\t' '${self.publicKey}'`]: 'device_unreadable',
      [`${emptyDump}; echo nonsense`]: 'device_unreadable',
      'head -c 100000 /dev/urandom': 'device_unreadable',
      'exec yes': 'device_unreadable',
      [`echo all is well >&2; ${emptyDump}`]: 'ok',
    };
    for (const [script, code] of Object.entries(fates)) {
      wg.become(script);
      assert.equal(codeOf(await device.look(() => {})), code, script);
    }
    assert.deepEqual(new Set(wg.calls()), new Set(['show wg0 dump']));
    assert.equal(device.runs(), Object.keys(fates).length);
  });

  it('takes a dump that was read before, once, and is none where that is no dump', async (test) => {
    const wg = createFakeWg(test, emptyDump);
    const clock = createFakeClock();
    const surroundings = { shell: ['/bin/sh'] as const, path: wg.path, clock };
    const keptDump = createKeptDump(clock);
    const device = createWgDevice({ interfaceName: 'wg0', surroundings, log: createFakeLog(), keptDump });
    test.after(() => device.close());
    const keep = (text: string) => {
      keptDump.begin();
      keptDump.append(Buffer.from(text));
      keptDump.end();
    };
    const before = memoryFileSizes().length;
    const seen: string[] = [];
    const look = async () => codeOf(await device.look(({ publicKey }) => seen.push(publicKey)));
    const peer = specs.one();
    keep(dumpOf(peer));
    assert.equal(await look(), 'ok');
    assert.deepEqual(seen, [peer.publicKey]);
    keep('no dump');
    assert.equal(await look(), 'device_unreadable');
    assert.equal(device.runs(), 0);
    assert.equal(await look(), 'ok');
    assert.deepEqual(wg.calls(), ['show wg0 dump']);
    assert.equal(memoryFileSizes().length, before);
  });

  it('cannot be made without a wg', async (test) => {
    const { device } = setUp(test, '', '/nowhere');
    assert.equal(codeOf(await device.look(() => {})), 'device_unreachable');
    assert.equal(codeOf(await device.apply([remove(self.publicKey)])), 'device_unreachable');
  });

  it('cannot be made without a shell', async (test) => {
    const wg = createFakeWg(test, emptyDump);
    const surroundings = { shell: ['/nowhere/sh'] as const, path: wg.path, clock: createFakeClock() };
    const device = createWgDevice({ interfaceName: 'wg0', surroundings, log: createFakeLog() });
    assert.equal(codeOf(await device.look(() => {})), 'device_unreachable');
    assert.equal(device.runs(), 0);
    await device.close();
  });

  it('is given up in time, and the next one is made by a new shell', async (test) => {
    const { device, wg, clock } = setUp(test, emptyDump);
    assert.equal(codeOf(await device.look(() => {})), 'ok');
    wg.become('hang');
    const look = device.look(() => {});
    await until('the call', () => wg.hangs() === 1);
    const shells = childrenOf(process.pid);
    await clock.advance(deviceTimeoutMs - 1);
    assert.deepEqual(childrenOf(process.pid), shells);
    await clock.advance(1);
    assert.equal(codeOf(await look), 'device_timeout');
    wg.become(emptyDump);
    assert.equal(codeOf(await device.look(() => {})), 'ok');
    assert.equal(childrenOf(process.pid).length, shells.length);
    assert.notDeepEqual(childrenOf(process.pid), shells);
  });

  it('may take longer the more peers there are, or may be', async (test) => {
    const peers = Array.from({ length: 100 }, () => specs.one('10.7.0.2/32'));
    const { device, wg, clock } = setUp(test, 'hang');
    writeFileSync(join(wg.folder, 'dump'), dumpOf(...peers));
    const lasts = async (wholeMs: number) => {
      wg.become('hang');
      const before = wg.hangs();
      const outcome = device.look(() => {});
      await until('the call', () => wg.hangs() > before);
      await clock.advance(wholeMs - 1);
      assert.equal(clock.timers, 1);
      await clock.advance(1);
      assert.equal(codeOf(await outcome), 'device_timeout');
    };
    await lasts(unknownTimeoutMs);
    wg.become('cat $folder/dump');
    assert.equal((await peersOf(device)).size, peers.length);
    await lasts(deviceTimeoutMs + 100 * deviceTimeoutPerPeerMs);
    wg.become('exit 0');
    await granted(device, ...peers.map((peer) => put(peer)));
    await lasts(deviceTimeoutMs + 200 * deviceTimeoutPerPeerMs);
  });

  it('is ended by force when wg does not go by itself', async (test) => {
    const { device, wg, clock } = setUp(
      test,
      'trap "" TERM; echo $$ >$folder/pid; while :; do sleep 1000; done',
    );
    const look = device.look(() => {});
    await until('the call', () => existsSync(join(wg.folder, 'pid')));
    const pid = Number(readFileSync(join(wg.folder, 'pid'), 'utf8'));
    await clock.advance(unknownTimeoutMs);
    assert.ok(process.kill(pid, 0));
    await clock.advance(shellEndGraceMs);
    assert.equal(codeOf(await look), 'device_timeout');
    await until('its end', () => !isRunning(pid));
  });

  it('is not confused by the answer to one that was given up', async (test) => {
    // Both print on when they are asked to end; the late one must not show in the other's dump.
    const rig = setUp(test, `trap 'echo garbage; exit 0' TERM; note_hang; while :; do sleep 0.01; done`);
    const { device, wg } = rig;
    const look = device.look(() => {});
    await until('the call', () => wg.calls().length === 1);
    wg.become(emptyDump);
    const next = device.look(() => {});
    assert.equal(codeOf(await inTheEnd(rig, look)), 'device_timeout');
    assert.equal(codeOf(await next), 'ok');
  });

  it('waits its turn, but not behind any number of others', async (test) => {
    const rig = setUp(test, 'hang');
    const { device, wg } = rig;
    const looks = Array.from({ length: deviceCallsMax }, () => device.look(() => {}));
    assert.equal(codeOf(await device.look(() => {})), 'device_unreachable');
    await until('the call', () => wg.calls().length === 1);
    wg.become(emptyDump);
    const codes = (await inTheEnd(rig, Promise.all(looks))).map(codeOf);
    assert.deepEqual(codes, ['device_timeout', ...Array(deviceCallsMax - 1).fill('ok')]);
    assert.equal(codeOf(await device.look(() => {})), 'ok');
  });

  it('does not hold up a change', async (test) => {
    const { device, wg, clock } = setUp(test, '[ $1 = show ] && hang; exit 0');
    const look = device.look(() => {});
    await until('the call', () => wg.calls().length === 1);
    await granted(device, remove(self.publicKey));
    await clock.advance(unknownTimeoutMs);
    assert.equal(codeOf(await look), 'device_timeout');
  });

  it('survives the death of its shells, between calls and under one', async (test) => {
    const { device, wg } = setUp(test, emptyDump);
    assert.equal(codeOf(await device.look(() => {})), 'ok');
    for (const pid of childrenOf(process.pid)) process.kill(pid, 'SIGKILL');
    assert.equal(codeOf(await device.look(() => {})), 'ok');
    await granted(device, remove(self.publicKey));
    wg.become(`[ -e $folder/once ] || { : >$folder/once; kill -9 $PPID; hang; }; ${emptyDump}`);
    assert.equal(codeOf(await device.look(() => {})), 'ok');
  });
});

describe('a change', () => {
  it('is one wg for creates, one for all else, and two for both', async (test) => {
    const { device, wg } = setUp(test, 'exit 0');
    const creates = Array.from({ length: batchMax }, () => put(specs.one('10.7.0.2/32')));
    await granted(device, ...creates);
    assert.equal(device.runs(), 1);
    const rotations = creates.map(() => put(specs.one('10.7.0.2/32'), specs.one().publicKey));
    await granted(device, ...rotations);
    assert.equal(device.runs(), 2);
    await granted(device, ...creates.slice(32), ...rotations.slice(32), remove(self.publicKey));
    assert.equal(device.runs(), 4);
    assert.deepEqual(
      wg.calls().map((call) => call.split(' ')[0]),
      ['addconf', 'set', 'set', 'addconf'],
    );
  });

  it('comes in several calls when it is large', async (test) => {
    const { device, wg } = setUp(test, 'exit 0');
    const peers = Array.from({ length: deviceChangesMax + 1 }, () => specs.one('10.7.0.2/32'));
    await granted(
      device,
      ...peers.map((peer) => put(peer)),
      ...peers.map(() => remove(specs.one().publicKey)),
    );
    assert.deepEqual(
      wg.calls().map((call) => call.split(' ')[0]),
      ['set', 'set', 'addconf', 'addconf'],
    );
  });

  it('stops at the first call that fails', async (test) => {
    const { device, wg } = setUp(test, 'exit 1');
    const failed = await device.apply([put(specs.one('10.7.0.2/32')), remove(self.publicKey)]);
    assert.equal(codeOf(failed), 'device_refused');
    assert.equal(wg.calls().length, 1);
  });

  it('hands its secrets to wg alone, and leaves none behind', async (test) => {
    const script =
      '[ $1 = addconf ] && echo "$input" >$folder/addconf; [ $1 = set ] && cat $6 >$folder/key; env >>$folder/environment; cat /proc/$PPID/cmdline >>$folder/shell';
    const { device, wg } = setUp(test, script);
    const [created, rotated] = [specs.one('10.7.0.2/32'), specs.one('10.7.0.3/32')];
    await granted(device, put(created), put(rotated, self.publicKey));
    const written = (name: string) => readFileSync(join(wg.folder, name), 'utf8');
    assert.ok(written('addconf').includes(`PresharedKey = ${created.presharedKey}\n`));
    assert.equal(written('key').trim(), rotated.presharedKey);
    const open = wg.calls().join('\n') + written('environment') + written('shell');
    for (const { presharedKey } of [created, rotated]) assert.equal(open.includes(presharedKey), false);
    assert.ok(written('environment').includes('WG_COLOR_MODE=never\n'));
    assert.ok(written('environment').includes('LC_ALL=C\n'));
    assert.equal(written('environment').includes('HOME='), false);
    wg.become(`cat ${join(wg.folder, 'dump')}; echo ${created.presharedKey} >&2`);
    writeFileSync(join(wg.folder, 'dump'), dumpOf(created));
    assert.equal((await peersOf(device)).size, 1);
    const sizes = memoryFileSizes();
    assert.ok(sizes.length > batchMax);
    assert.deepEqual(new Set(sizes), new Set([0]));
  });

  it('tells why it was refused, without a key and without the rest', async (test) => {
    const { device, wg } = setUp(test, '');
    const half = self.presharedKey.slice(0, 20);
    const complaint = `Key is not valid: \`${half}' or ${self.presharedKey} \x1b[1m\nmore\n`;
    writeFileSync(join(wg.folder, 'complaint'), complaint);
    wg.become('cat $folder/complaint >&2; exit 1');
    const refused = await device.apply([remove(self.publicKey)]);
    assert.deepEqual(refused, {
      ok: false,
      failure: {
        code: 'device_refused',
        detail: 'wg: status 1: Key is not valid: (hidden) or (hidden) ?[1m',
      },
    });
    wg.become('printf %10000s x >&2; exit 1');
    const long = await device.apply([remove(self.publicKey)]);
    assert.ok(!long.ok && long.failure.detail.length < 300);
  });

  it('takes its words as words', async (test) => {
    const { device, wg } = setUp(test, 'exit 0');
    const words = ['/etc/*', '$(touch$IFS/tmp/x)', '`id`', "';exit'", '\\n', '~', '[a-z]'];
    for (const word of words) {
      await granted(device, put({ ...specs.one(), allowedIPs: [word] as never }, self.publicKey));
      assert.ok(wg.calls().at(-1)?.includes(` allowed-ips ${word} peer `), word);
    }
  });
});

describe('a change that is not done in time', () => {
  const peer = specs.one('10.7.0.2/32', 'fd07::2/128');
  const hangsOnce = '[ $1 = show ] || [ -e $folder/once ] || { : >$folder/once; hang; }';
  const showsDump = '[ $1 != show ] || cat $folder/dump';

  async function applyLate(rig: Rig, dump: string) {
    const { device, wg } = rig;
    writeFileSync(join(wg.folder, 'dump'), dump);
    const applied = device.apply([put(peer, self.publicKey)]);
    const outcome = await inTheEnd(rig, applied);
    return [codeOf(outcome), wg.calls().map((call) => call.split(' ')[0])];
  }

  it('is well when the device has it all the same', async (test) => {
    const rig = setUp(test, `${hangsOnce}; ${showsDump}`);
    assert.deepEqual(await applyLate(rig, dumpOf(peer)), ['ok', ['set', 'show']]);
  });

  it('is made again when the device has it in part', async (test) => {
    const halves: [string, DevicePeerSpec[]][] = [
      ['nothing', []],
      ['the old key too', [peer, { ...self, allowedIPs: [] }]],
      ['other addresses', [{ ...peer, allowedIPs: peer.allowedIPs.slice(1) }]],
      ['another preshared key', [{ ...peer, presharedKey: self.presharedKey }]],
    ];
    for (const [what, dump] of halves) {
      const rig = setUp(test, `${hangsOnce}; ${showsDump}`);
      assert.deepEqual(await applyLate(rig, dumpOf(...dump)), ['ok', ['set', 'show', 'set']], what);
    }
  });

  it('is unknown when the device does not answer', async (test) => {
    const rig = setUp(test, 'hang');
    assert.deepEqual(await applyLate(rig, dumpOf(peer)), ['device_timeout', ['set', 'show']]);
  });

  it('is unknown when the device cannot be read', async (test) => {
    const rig = setUp(test, `${hangsOnce}; echo nonsense`);
    assert.deepEqual(await applyLate(rig, dumpOf(peer)), ['device_timeout', ['set', 'show']]);
  });

  it('is unknown when the second attempt fails too, however it fails', async (test) => {
    const hangs = setUp(test, `${showsDump}; [ $1 = show ] || hang`);
    assert.deepEqual(await applyLate(hangs, dumpOf()), ['device_timeout', ['set', 'show', 'set']]);
    const refuses = setUp(test, `${hangsOnce}; ${showsDump}; [ $1 = show ] || exit 1`);
    assert.deepEqual(await applyLate(refuses, dumpOf()), ['device_timeout', ['set', 'show', 'set']]);
  });
});

describe('the end', () => {
  it('lets the call under way end, refuses the others, and leaves no process', async (test) => {
    const before = childrenOf(process.pid);
    const { device, wg } = setUp(test, `until [ -e $folder/go ]; do sleep 0.01; done; ${emptyDump}`);
    const [first, second] = [device.look(() => {}), device.look(() => {})];
    await until('the call', () => wg.calls().length === 1);
    const shells = childrenOf(process.pid).filter((pid) => !before.includes(pid));
    assert.equal(shells.length, 2);
    const closed = device.close();
    writeFileSync(join(wg.folder, 'go'), '');
    assert.equal(codeOf(await first), 'ok');
    assert.equal(codeOf(await second), 'device_unreachable');
    await closed;
    assert.deepEqual(
      childrenOf(process.pid).filter((pid) => shells.includes(pid)),
      [],
    );
    assert.equal(codeOf(await device.look(() => {})), 'device_unreachable');
  });
});
