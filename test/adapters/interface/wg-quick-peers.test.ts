// Peers in files that people write.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseFilePeers } from '../../../adapters/interface/wg-quick-peers.ts';
import { noPresharedKey } from '../../../core/peers/peer.ts';
import { mustSucceed } from '../../fixtures/outcome.ts';
import { peerFixture } from '../../fixtures/peers.ts';

const { publicKey, presharedKey } = peerFixture(0);
const head = '[Interface]\nPrivateKey = x\n\n';

describe('a peer in a file', () => {
  it('is read as wg takes it: keys in any case, comments, lists and repeated AllowedIPs', () => {
    const text = `${head}# [Peer]\n[peer] # alice\npublickey=${publicKey}
PresharedKey = ${presharedKey} # secret
AllowedIPs = 10.0.0.2, FD00::2/128
AllowedIPs=192.168.5.7/24,10.0.0.2/32
Endpoint = vpn.example.org:51820`;
    assert.deepEqual(parseFilePeers(text), {
      ok: true,
      value: [
        {
          publicKey,
          presharedKey,
          allowedIPs: ['10.0.0.2/32', 'fd00::2/128', '192.168.5.0/24'],
          hasEndpoint: true,
          keepaliveSeconds: null,
          sections: 1,
          moved: [],
        },
      ],
    });
  });

  it('that comes twice is what wg makes of it: the last AllowedIPs, and what the last does not name as it was', () => {
    const section = `[Peer]\nPublicKey = ${publicKey}\n`;
    const first = `${section}PresharedKey = ${presharedKey}\nEndpoint = 192.0.2.1:1\nPersistentKeepalive = 60\nAllowedIPs = 10.0.0.2/32\n`;
    const other = `[Peer]\nPublicKey = ${peerFixture(1).publicKey}\n`;
    const read = (last: string) => mustSucceed(parseFilePeers(`${head}${first}${other}${section}${last}`))[0];
    const joined = {
      publicKey,
      presharedKey,
      allowedIPs: ['10.0.0.3/32'],
      hasEndpoint: true,
      keepaliveSeconds: 60,
      sections: 2,
      moved: [],
    };
    assert.deepEqual(read('AllowedIPs = 10.0.0.3/32'), joined);
    assert.deepEqual(read(''), { ...joined, allowedIPs: [] });
    assert.equal(read(`PresharedKey = ${noPresharedKey}`)?.presharedKey, null);
    assert.equal(
      read(`PresharedKey = ${peerFixture(1).presharedKey}`)?.presharedKey,
      peerFixture(1).presharedKey,
    );
  });

  it('loses an address to whoever names it last, though that one gives it up again', () => {
    const [first, second, third] = [0, 1, 2].map((index) => peerFixture(index).publicKey);
    const section = (key: string | undefined, ips: string) =>
      `[Peer]\nPublicKey = ${key}\nAllowedIPs = ${ips}\n`;
    const text = [
      section(first, '10.0.0.2, fd00::2'),
      section(second, '10.0.0.3'),
      section(third, '10.0.0.2/32, 10.0.0.3/32'),
      section(third, '10.0.0.2/32'),
    ];
    const peers = mustSucceed(parseFilePeers(`${head}${text.join('')}`));
    assert.deepEqual(
      peers.map(({ allowedIPs, moved }) => [allowedIPs, moved]),
      [
        [['fd00::2/128'], [{ allowedIP: '10.0.0.2/32', to: third }]],
        [[], [{ allowedIP: '10.0.0.3/32', to: third }]],
        [['10.0.0.2/32'], []],
      ],
    );
  });

  it('has no preshared key when there is none, or zeros', () => {
    for (const line of ['', `PresharedKey = ${noPresharedKey}`]) {
      const peers = parseFilePeers(`${head}[Peer]\nPublicKey = ${publicKey}\n${line}`);
      assert.ok(peers.ok);
      assert.deepEqual(
        peers.value.map((peer) => [peer.presharedKey, peer.allowedIPs]),
        [[null, []]],
      );
    }
  });

  it('has a keepalive as wg takes it', () => {
    const read = (value: string) =>
      parseFilePeers(`${head}[Peer]\nPublicKey = ${publicKey}\nPersistentKeepalive = ${value}`);
    for (const [value, seconds] of [
      ['Off', 0],
      ['0', 0],
      ['007', 7],
      ['65535', 65_535],
    ] as const) {
      assert.equal(mustSucceed(read(value))[0]?.keepaliveSeconds, seconds, value);
    }
    for (const value of ['65536', '0x1', '-1', 'on', '']) {
      assert.deepEqual(read(value), {
        ok: false,
        failure: ['line 4: the peer has no valid PersistentKeepalive'],
      });
    }
  });

  it('with a setting that wg would refuse is named by the line of that, without a key', () => {
    const text = `${head}[Peer]\nPublicKey = ${publicKey}\nAllowedIP = 10.0.0.2/32\n${presharedKey}\nmtu = 1`;
    assert.deepEqual(parseFilePeers(text), {
      ok: false,
      failure: [
        'line 6: "AllowedIP" is no setting of a peer',
        'line 7: this is no setting of a peer',
        'line 8: "mtu" is no setting of a peer',
      ],
    });
  });

  it('that makes no sense is named by its line, without its keys', () => {
    const text = `${head}[Peer]\nAllowedIPs = 10.0.0.2/32\n[Peer]\nPublicKey = ${publicKey}\nPresharedKey = short
[Peer]\nPublicKey = ${publicKey}\nAllowedIPs = 10.0.0.300\n[Peers]`;
    assert.deepEqual(parseFilePeers(text), {
      ok: false,
      failure: [
        'line 4: the peer has no valid PublicKey',
        'line 6: the peer has no valid PresharedKey',
        'line 9: the peer has AllowedIPs that are no addresses',
        'line 12: neither [Interface] nor [Peer]',
      ],
    });
  });
});
