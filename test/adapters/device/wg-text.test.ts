import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createDumpReader, renderAddconf, renderSet } from '../../../adapters/device/wg-text.ts';
import { formatCidr, parseCidr } from '../../../core/address.ts';
import type { DevicePeer, DeviceState } from '../../../core/ports.ts';
import type { Result } from '../../../core/result.ts';
import { createSpecs } from '../../contracts/device.ts';
import { createSeeded } from '../../fakes/seeded.ts';

const specs = createSpecs();
const { publicKey: self, presharedKey: secret } = specs.one();
const { publicKey: key, presharedKey: psk } = specs.one();
const device = `${secret}\t${self}\t51820\toff\n`;
const peer = `${key}\t${psk}\t192.0.2.7:4711\t10.7.0.2/32,fd07::2/128\t1700000000\t12\t34\t25\n`;

/** Reads a dump in pieces of a length. */
function read(text: string, pieceLength = text.length + 1): [Result<DeviceState, string>, DevicePeer[]] {
  const peers: DevicePeer[] = [];
  const reader = createDumpReader((seen) => peers.push(seen));
  for (let start = 0; start < text.length; start += pieceLength) {
    if (!reader.take(text.slice(start, start + pieceLength))) break;
  }
  return [reader.end(), peers];
}

/** The dump with one field of the only peer replaced. */
function withField(index: number, value: string): string {
  const fields = peer.slice(0, -1).split('\t');
  fields[index] = value;
  return `${device}${fields.join('\t')}\n`;
}

describe('a dump', () => {
  it('is the device and its peers, in pieces of any length', () => {
    for (const length of [1, 7, 44, 45, 1_000]) {
      const [state, peers] = read(device + peer, length);
      assert.deepEqual(state, { ok: true, value: { publicKey: self, listenPort: 51_820 } });
      assert.deepEqual(peers, [
        {
          publicKey: key,
          presharedKey: psk,
          allowedIPs: ['10.7.0.2/32', 'fd07::2/128'],
          latestHandshakeMs: 1_700_000_000_000,
          receiveBytes: 12,
          transmitBytes: 34,
          keepaliveSeconds: 25,
        },
      ]);
    }
  });

  it('says nothing of what is not set', () => {
    const [state] = read('(none)\t(none)\t0\t0xca6c\n');
    assert.deepEqual(state, { ok: true, value: { publicKey: null, listenPort: 0 } });
    const [, peers] = read(`${device}${key}\t(none)\t(none)\t(none)\t0\t0\t0\toff\n`);
    assert.deepEqual(peers, [
      {
        publicKey: key,
        presharedKey: null,
        allowedIPs: [],
        latestHandshakeMs: null,
        receiveBytes: 0,
        transmitBytes: 0,
        keepaliveSeconds: 0,
      },
    ]);
  });

  it('has addresses in canonical text, however the C library writes them', () => {
    const written =
      '::1.2.3.4/128,::ffff:1.2.3.4/128,::/0,0.0.0.0/0,FD07::2/128,fd07:0:0:0:0:0:0:3/128,1:0:0:2::/64';
    const [, peers] = read(withField(3, written));
    assert.deepEqual(peers[0]?.allowedIPs, [
      '::102:304/128',
      '::ffff:102:304/128',
      '::/0',
      '0.0.0.0/0',
      'fd07::2/128',
      'fd07::3/128',
      '1:0:0:2::/64',
    ]);
  });

  it('has the same addresses, whether they were recognised or worked out', () => {
    const seeded = createSeeded(7);
    for (let round = 0; round < 2_000; round++) {
      const groups = Array.from({ length: 8 }, () =>
        seeded.chance(0.6) ? '0' : seeded.below(0x10000).toString(16),
      );
      const gap = seeded.below(7);
      const shortened = `${groups.slice(0, gap).join(':')}::${groups.slice(gap + 1 + seeded.below(7 - gap)).join(':')}`;
      const text = `${seeded.chance(0.5) ? shortened : groups.join(':')}/128`;
      const cidr = parseCidr(text);
      const [state, peers] = read(withField(3, text));
      assert.equal(state.ok, cidr.ok, text);
      if (cidr.ok) assert.deepEqual(peers[0]?.allowedIPs, [formatCidr(cidr.value)], text);
    }
  });

  it('is none when anything is missing at the end', () => {
    const whole = device + peer;
    for (let length = 0; length < whole.length; length++) {
      // At the end of a line it can't be seen.
      if (length === device.length) continue;
      const [state] = read(whole.slice(0, length));
      assert.equal(state.ok, false, `cut off after ${length}`);
    }
  });

  it('is none when a line is wrong', () => {
    const wrong = {
      colours: `\x1b[0m${device}${peer}`,
      'a human text': 'interface: wg0\n  public key: x\n',
      'another interface in front': `wg0\t${device}`,
      'an empty line': `${device}\n${peer}`,
      'carriage returns': device.replace('\n', '\r\n'),
      'a peer first': peer,
      'a device twice': device + device,
      'half a device': `${secret}\t(none)\t51820\toff\n`,
      'a port that is none': device.replace('51820', '65536'),
      'a mark that is none': device.replace('off', '12'),
      'a field too many': device + peer.replace('\n', '\t\n'),
      'a field too few': device + peer.replace('\t25', ''),
      'no key': withField(0, '(none)'),
      'a short key': withField(0, key.slice(4)),
      'a preshared key that is none': withField(1, 'x'),
      'no endpoint': withField(2, ''),
      'no address': withField(3, ''),
      'an address that is none': withField(3, '10.7.0.256/32'),
      'a prefix that is none': withField(3, '10.7.0.2/33'),
      'host bits': withField(3, '10.7.0.2/24'),
      'a comma too many': withField(3, '10.7.0.2/32,'),
      'a dotted rest': withField(3, '10.7.0.2./32'),
      'too many groups': withField(3, '1:2:3:4:5:6:7:8:9/128'),
      'two gaps': withField(3, '1::2::3/128'),
      'a handshake before all time': withField(4, '-1'),
      'a handshake after all time': withField(4, '9007199254740991'),
      'a count in words': withField(5, '1e3'),
      'a count with a zero in front': withField(5, '012'),
      'a count beyond 2^53-1': withField(6, '9007199254740992'),
      'an interval that is none': withField(7, '65536'),
    };
    for (const [what, text] of Object.entries(wrong)) assert.equal(read(text)[0].ok, false, what);
  });

  it('is not remembered by its reader', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const dump = createDumpReader(() => {});
    dump.take(device);
    const keys = Array.from({ length: 200 }, () => specs.one().publicKey);
    const heldBytes = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = heldBytes();
    for (let piece = 0; piece < 100; piece++) {
      // Each is a text of its own, of keys that are new.
      const ending = `${String.fromCharCode(65 + (piece % 26), 65 + Math.floor(piece / 26))}8=\t`;
      assert.ok(dump.take(keys.map((each) => peer.replace(key, each).replace(/.{4}\t/, ending)).join('')));
    }
    const held = heldBytes() - before;
    assert.ok(dump.end().ok);
    assert.ok(held < 1_000_000, `${held} bytes of ${100 * keys.length} lines`);
  });

  it('is said to be wrong without a word of it', () => {
    const [state] = read(`${device}${peer}${peer.replace('\t25', '\toften')}`);
    assert.deepEqual(state, { ok: false, failure: 'line 3 is not a peer' });
    assert.deepEqual(read('')[0], { ok: false, failure: 'empty' });
    assert.deepEqual(read(device.slice(0, -1))[0], { ok: false, failure: 'line 1 is cut off' });
  });
});

describe('what is handed to wg', () => {
  it('is one section a peer, and none for the interface', () => {
    const first = {
      publicKey: key,
      presharedKey: psk,
      allowedIPs: specs.one('10.7.0.2/32', 'fd07::2/128').allowedIPs,
    };
    const text = renderAddconf([first, specs.one('10.7.0.3/32')]);
    assert.ok(
      text.startsWith(
        `[Peer]\nPublicKey = ${key}\nPresharedKey = ${psk}\nAllowedIPs = 10.7.0.2/32, fd07::2/128\nPersistentKeepalive = 25\n[Peer]\n`,
      ),
    );
    assert.equal(text.split('[').length, 3);
    assert.equal(text.at(-1), '\n');
  });

  it('is arguments without a secret, the new key before the old one leaves', () => {
    const after = {
      publicKey: key,
      presharedKey: psk,
      allowedIPs: specs.one('10.7.0.2/32', 'fd07::2/128').allowedIPs,
    };
    const [gone, before] = [specs.one().publicKey, specs.one().publicKey];
    const args = renderSet([gone], [{ peer: after, replaces: before }], (index) => `/dev/fd/${6 + index}`);
    assert.deepEqual(args, [
      ...['peer', gone, 'remove'],
      ...[
        'peer',
        key,
        'preshared-key',
        '/dev/fd/6',
        'persistent-keepalive',
        '25',
        'allowed-ips',
        '10.7.0.2/32,fd07::2/128',
      ],
      ...['peer', before, 'remove'],
    ]);
  });
});
