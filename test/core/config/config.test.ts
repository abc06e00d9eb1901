// Every key's rule, every rule between keys, and how problems are told.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatAddress, formatCidr } from '../../../core/address.ts';
import { type Config, parseConfig } from '../../../core/config/config.ts';
import { formatConfigProblem } from '../../../core/config/problem.ts';
import { fail, ok } from '../../../core/result.ts';

const apiKey = 'k'.repeat(32);
const token = 't'.repeat(32);

type Sections = Record<string, Record<string, unknown>>;

/** The least that is right, with keys of sections replaced; undefined takes one away. */
function document(changes: Sections = {}): Sections {
  const base: Sections = {
    server: { port: 51821 },
    auth: { api_key: apiKey },
    wireguard: { interface: 'wg0', listen_port: 51820, subnet: '10.0.0.0/24' },
  };
  for (const [section, keys] of Object.entries(changes)) {
    const merged = Object.entries({ ...base[section], ...keys }).filter(([, value]) => value !== undefined);
    base[section] = Object.fromEntries(merged);
  }
  return base;
}

const noFile = () => fail('there is no such file');

function accepted(changes: Sections = {}): Config {
  const config = parseConfig(document(changes), noFile);
  assert.ok(config.ok, config.ok ? '' : config.failure.map(formatConfigProblem).join('\n'));
  return config.value;
}

function problems(value: unknown, readSecretFile: Parameters<typeof parseConfig>[1] = noFile): string[] {
  const config = parseConfig(value, readSecretFile);
  assert.ok(!config.ok, 'was accepted');
  return config.failure.map(formatConfigProblem);
}

/** The one problem that a change makes. */
function problem(changes: Sections): string {
  const found = problems(document(changes));
  assert.equal(found.length, 1, found.join('\n'));
  return found[0] ?? '';
}

describe('a right configuration', () => {
  it('gets every default', () => {
    const config = accepted();
    assert.deepEqual(
      {
        ...config,
        server: { ...config.server, trustedProxies: config.server.trustedProxies.map(formatCidr) },
      },
      {
        server: {
          port: 51821,
          host: null,
          tls: null,
          allowedIps: null,
          trustedProxies: ['127.0.0.1/32', '::1/128'],
        },
        auth: { apiKey },
        wireguard: {
          interface: 'wg0',
          listenPort: 51820,
          subnets: [
            {
              cidr: { family: 'IPv4', base: 0x0a000000n, prefix: 24 },
              serverIp: { family: 'IPv4', value: 0x0a000001n },
            },
          ],
          routing: null,
          unknownPeers: 'remove',
          peerStoreFile: null,
          backend: 'wg',
        },
        logLevel: 'info',
        metrics: null,
      },
    );
  });

  it('keeps what is set', () => {
    const config = accepted({
      server: {
        port: '443',
        host: '::',
        tls_cert: 'a.pem',
        tls_key: 'b.pem',
        allowed_ips: ['192.0.2.1', '10.0.0.0/8', '2001:DB8::/32', '::ffff:198.51.100.0/120'],
        trusted_proxies: [],
      },
      wireguard: {
        listen_port: '1',
        server_ip: '10.0.0.254',
        subnet6: 'fd00::/126',
        server_ip6: 'fd00::3',
        routing: { wan_interface: 'eth0.100', backend: 'nftables' },
        unknown_peers: 'report',
        peer_store_file: '/var/lib/wgkeeper/peers.db',
        backend: 'memory',
      },
      log: { level: 'trace' },
      metrics: { port: '9100', token, per_peer: true, per_peer_max: 100_000 },
    });
    assert.equal(config.server.port, 443);
    assert.equal(config.server.host, '::');
    assert.deepEqual(config.server.tls, { certPath: 'a.pem', keyPath: 'b.pem' });
    assert.deepEqual(config.server.allowedIps?.map(formatCidr), [
      '192.0.2.1/32',
      '10.0.0.0/8',
      '2001:db8::/32',
      '198.51.100.0/24',
    ]);
    assert.deepEqual(config.server.trustedProxies, []);
    assert.deepEqual(
      config.wireguard.subnets.map(({ cidr, serverIp }) => [formatCidr(cidr), formatAddress(serverIp)]),
      [
        ['10.0.0.0/24', '10.0.0.254'],
        ['fd00::/126', 'fd00::3'],
      ],
    );
    assert.equal(config.wireguard.listenPort, 1);
    assert.deepEqual(config.wireguard.routing, { wanInterface: 'eth0.100', backend: 'nftables' });
    assert.equal(config.wireguard.unknownPeers, 'report');
    assert.equal(config.wireguard.peerStoreFile, '/var/lib/wgkeeper/peers.db');
    assert.equal(config.wireguard.backend, 'memory');
    assert.equal(config.logLevel, 'trace');
    assert.deepEqual(config.metrics, { port: 9100, token, perPeer: true, perPeerMax: 100_000 });
  });

  it('does with IPv6 alone', () => {
    const config = accepted({ wireguard: { subnet: undefined, subnet6: 'fd00::/112' } });
    assert.deepEqual(
      config.wireguard.subnets.map((subnet) => formatAddress(subnet.serverIp)),
      ['fd00::1'],
    );
  });

  it('may have empty sections, as when all keys in them are commented out', () => {
    assert.ok(
      parseConfig({ ...document({ wireguard: { routing: null } }), log: null, metrics: null }, noFile).ok,
    );
  });

  it('takes ports in digits and nothing else that looks like a number', () => {
    for (const port of [1, 65535, '1', '65535', '08080']) accepted({ server: { port } });
    const wrong = [
      0,
      65536,
      -1,
      80.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      '',
      '0',
      '65536',
      '1e3',
      '+80',
      ' 80',
      '0x50',
    ];
    for (const port of [...wrong, true, null, [80], { a: 80 }]) {
      assert.match(
        problem({ server: { port } }),
        /^server\.port: got .+, want a port from 1 to 65535$/,
        String(port),
      );
    }
  });
});

describe('what is wrong with one key', () => {
  const cases: [Sections, string][] = [
    [{ server: { port: 70000 } }, 'server.port: got 70000, want a port from 1 to 65535'],
    [{ server: { port: undefined } }, 'server.port: got nothing, want a port from 1 to 65535'],
    [
      { wireguard: { unknown_peers: 'x'.repeat(65) } },
      'wireguard.unknown_peers: got a text of 65 characters, want one of remove, report',
    ],
    [{ server: { host: 'localhost' } }, 'server.host: got "localhost", want an IPv4 or IPv6 address to bind'],
    [
      { server: { tls_cert: '', tls_key: 'k' } },
      'server.tls_cert: got "", want the path of a PEM certificate chain',
    ],
    [
      { server: { allowed_ips: '10.0.0.0/8' } },
      'server.allowed_ips: got "10.0.0.0/8", want a list of 1 to 1024 IP addresses or networks',
    ],
    [
      { server: { allowed_ips: ['10.0.0.0/8', '10.0.0.1/8'] } },
      'server.allowed_ips[1]: got "10.0.0.1/8", want the network\'s first address: 10.0.0.0/8',
    ],
    [
      { server: { allowed_ips: [] } },
      'server.allowed_ips: got a list, want at least one address or network, or the key left out',
    ],
    [
      { server: { trusted_proxies: ['proxy.example'] } },
      'server.trusted_proxies[0]: got "proxy.example", want an IP address or a network such as 10.0.0.0/8 or fd00::/8',
    ],
    [
      { server: { trusted_proxies: [7] } },
      'server.trusted_proxies[0]: got 7, want an IP address or a network such as 10.0.0.0/8 or fd00::/8',
    ],
    [
      { wireguard: { subnet: '10.0.0.0/31' } },
      'wireguard.subnet: got "10.0.0.0/31", want an IPv4 network with a prefix of at most 30',
    ],
    [
      { wireguard: { subnet: 'fd00::/112' } },
      'wireguard.subnet: got "fd00::/112", want an IPv4 network with a prefix of at most 30',
    ],
    [
      { wireguard: { subnet: '10.0.0.0' } },
      'wireguard.subnet: got "10.0.0.0", want an IPv4 network with a prefix of at most 30',
    ],
    [
      { wireguard: { subnet: '10.0.0.7/24' } },
      'wireguard.subnet: got "10.0.0.7/24", want the network\'s first address: 10.0.0.0/24',
    ],
    [
      { wireguard: { subnet6: 'fd00::/127' } },
      'wireguard.subnet6: got "fd00::/127", want an IPv6 network with a prefix of at most 126',
    ],
    [
      { wireguard: { server_ip: 'fd00::1' } },
      'wireguard.server_ip: got "fd00::1", want an IPv4 address inside the subnet',
    ],
    [
      { wireguard: { unknown_peers: 'keep' } },
      'wireguard.unknown_peers: got "keep", want one of remove, report',
    ],
    [{ wireguard: { backend: 'kernel' } }, 'wireguard.backend: got "kernel", want one of wg, memory'],
    [
      { wireguard: { peer_store_file: 'data/' } },
      'wireguard.peer_store_file: got "data/", want the path of a file',
    ],
    [{ wireguard: { peer_store_file: 7 } }, 'wireguard.peer_store_file: got 7, want the path of a file'],
    [{ log: { level: 'INFO' } }, 'log.level: got "INFO", want one of trace, debug, info, warn, error, fatal'],
    [
      { wireguard: { routing: { backend: 'ipfw' } } },
      'wireguard.routing.backend: got "ipfw", want one of auto, nftables, iptables, none',
    ],
    [{ metrics: { per_peer: 'yes' } }, 'metrics.per_peer: got "yes", want true or false'],
    [
      { metrics: { per_peer_max: 100_001 } },
      'metrics.per_peer_max: got 100001, want a whole number from 1 to 100000',
    ],
    [{ metrics: { per_peer_max: 0 } }, 'metrics.per_peer_max: got 0, want a whole number from 1 to 100000'],
  ];
  for (const [changes, want] of cases) it(want, () => assert.equal(problem(changes), want));

  it('interface names that the kernel, a rule or a path would trip over', () => {
    for (const name of ['a', 'wg-0_x.1', '...', 'x'.repeat(15)]) accepted({ wireguard: { interface: name } });
    for (const name of [
      '',
      '.',
      '..',
      '-wg',
      'wg 0',
      'wg/0',
      'wg+',
      'wg;id',
      'wgé',
      'x'.repeat(16),
      0,
      null,
    ]) {
      assert.match(
        problem({ wireguard: { interface: name } }),
        /^wireguard\.interface: got .+, want an interface name/,
      );
      const routing = { wan_interface: name };
      assert.match(
        problem({ wireguard: { routing } }),
        /^wireguard\.routing\.wan_interface: got .+, want an interface/,
      );
    }
  });

  it('a list of allowed addresses that is too long to be looked through', () => {
    const list = (length: number) => Array.from({ length }, () => '192.0.2.1');
    accepted({ server: { allowed_ips: list(1024) } });
    assert.match(problem({ server: { allowed_ips: list(1025) } }), /got a list, want a list of 1 to 1024/);
  });

  it('a key with nothing behind it is not a key left out', () => {
    // An allowlist whose entries were all commented out must not open the API to everybody.
    assert.match(
      problem({ server: { allowed_ips: null } }),
      /^server\.allowed_ips: got nothing, want a list/,
    );
  });
});

describe('rules between keys', () => {
  const cases: [Sections, string][] = [
    [
      { server: { tls_cert: 'c' } },
      'server.tls_key: got nothing, want it beside server.tls_cert, or neither',
    ],
    [{ server: { tls_key: 'k' } }, 'server.tls_cert: got nothing, want it beside server.tls_key, or neither'],
    [
      { wireguard: { subnet: undefined } },
      'wireguard.subnet: got nothing, want an IPv4 network here, an IPv6 network in wireguard.subnet6, or both',
    ],
    [
      { wireguard: { server_ip: '10.0.1.1' } },
      'wireguard.server_ip: got "10.0.1.1", want an address inside 10.0.0.0/24',
    ],
    [
      { wireguard: { server_ip: '10.0.0.0' } },
      'wireguard.server_ip: got "10.0.0.0", want an address other than the network\'s own in 10.0.0.0/24',
    ],
    [
      { wireguard: { server_ip: '10.0.0.255' } },
      'wireguard.server_ip: got "10.0.0.255", want an address other than the broadcast of 10.0.0.0/24',
    ],
    [
      { wireguard: { subnet6: 'fd00::/112', server_ip6: 'fd01::1' } },
      'wireguard.server_ip6: got "fd01::1", want an address inside fd00::/112',
    ],
    [
      { wireguard: { server_ip6: 'fd01::1' } },
      'wireguard.server_ip6: got "fd01::1", want wireguard.subnet6 beside it, or neither',
    ],
    [
      { wireguard: { routing: { wan_interface: 'wg0' } } },
      'wireguard.routing.wan_interface: got "wg0", want another interface than wireguard.interface',
    ],
    [{ metrics: { port: 9100 } }, 'metrics.token: got nothing, want it beside metrics.port, or neither'],
    [{ metrics: { token } }, 'metrics.port: got nothing, want it beside metrics.token, or neither'],
    [{ metrics: { port: 51821, token } }, 'metrics.port: got 51821, want another port than server.port'],
    [
      { metrics: { port: 1, token: apiKey } },
      'metrics.token: got the same as the API key, want a token of its own',
    ],
  ];
  for (const [changes, want] of cases) it(want, () => assert.equal(problem(changes), want));
});

describe('the API key', () => {
  const auth = { api_key: undefined, api_key_file: '/run/key' };

  it('comes from a file if one is named', () => {
    const config = parseConfig(document({ auth }), (path) => ok(path === '/run/key' ? 'f'.repeat(32) : ''));
    assert.ok(config.ok);
    assert.equal(config.value.auth.apiKey, 'f'.repeat(32));
  });

  it('keeps to the same rule in a file', () => {
    const found = problems(document({ auth }), () => ok('short-secret'));
    assert.equal(found.length, 1);
    assert.match(
      found[0] ?? '',
      /^auth\.api_key_file: got a file with a text of 12 characters, want a file that holds/,
    );
  });

  it('is missed when the file can not be read, and the path stays unsaid', () => {
    const found = problems(document({ auth: { ...auth, api_key_file: 'pasted-the-key-itself' } }));
    assert.match(found.join('\n'), /^auth\.api_key_file: there is no such file, want a file that holds/);
    assert.doesNotMatch(found.join('\n'), /pasted/);
  });

  it('comes from one place only, and the file is not read then', () => {
    const found = problems(document({ auth: { api_key_file: '/run/key' } }), () => assert.fail('read'));
    assert.deepEqual(found, ['auth.api_key_file: got both it and auth.api_key, want only one of them']);
  });

  it('is required', () => {
    assert.match(
      problem({ auth: { api_key: undefined } }),
      /^auth\.api_key: got nothing, want .+, or auth\.api_key_file$/,
    );
  });

  it('can be sent in a header', () => {
    accepted({ auth: { api_key: 'with some spaces in the middle of it' } });
    for (const key of [
      'é'.repeat(32),
      `${apiKey}\n`,
      ` ${apiKey}`,
      `${apiKey}\u0000`,
      'k'.repeat(31),
      'k'.repeat(1025),
    ]) {
      assert.match(
        problem({ auth: { api_key: key } }),
        /^auth\.api_key: got a text of \d+ characters, want a text of 32/,
      );
    }
  });

  it('has a metrics token of the same strength beside it', () => {
    accepted({ metrics: { port: 1, token } });
    for (const wrong of [`${token} x`, 't'.repeat(31), 1e31]) {
      assert.match(
        problem({ metrics: { port: 1, token: wrong } }),
        /^metrics\.token: got a (text of|number)/,
      );
    }
  });
});

describe('the metrics token', () => {
  const metrics = { port: 9100, token_file: '/run/token' };

  it('comes from a file if one is named', () => {
    const config = parseConfig(document({ metrics }), (path) => ok(path === '/run/token' ? token : ''));
    assert.ok(config.ok);
    assert.equal(config.value.metrics?.token, token);
  });

  const cases: [Sections, ReturnType<typeof noFile> | { ok: true; value: string }, string][] = [
    [
      { metrics },
      ok(`${token} x`),
      `metrics.token_file: got a file with a text of ${token.length + 2} characters, want a file that holds a text of 32 to 1024 printable ASCII characters without spaces`,
    ],
    [{ metrics }, ok(apiKey), 'metrics.token_file: got the same as the API key, want a token of its own'],
    [
      { metrics },
      noFile(),
      'metrics.token_file: there is no such file, want a file that holds a text of 32 to 1024 printable ASCII characters without spaces',
    ],
    [
      { metrics: { ...metrics, token } },
      ok(token),
      'metrics.token_file: got both it and metrics.token, want only one of them',
    ],
    [
      { metrics: { token_file: '/run/token' } },
      ok(token),
      'metrics.port: got nothing, want it beside metrics.token_file, or neither',
    ],
  ];
  for (const [changes, content, want] of cases) {
    it(want, () =>
      assert.deepEqual(
        problems(document(changes), () => content),
        [want],
      ),
    );
  }
});

describe('unknown keys', () => {
  const cases: [Sections, string][] = [
    [
      { wireguard: { lisen_port: 1 } },
      'wireguard.lisen_port: got an unknown key, want wireguard.listen_port',
    ],
    [
      { wireguard: { listenPort: 1 } },
      'wireguard.listenPort: got an unknown key, want wireguard.listen_port',
    ],
    [
      { wireguard: { wan_interface: 'eth0' } },
      'wireguard.wan_interface: got an unknown key, want wireguard.routing.wan_interface',
    ],
    [{ servr: { port: 1 } }, 'servr: got an unknown key, want server'],
    [{ log: { destination: 'x' } }, 'log.destination: got an unknown key, want level'],
    [{ xo: {} }, 'xo: got an unknown key, want server, auth, wireguard, log, metrics'],
    [{ auth: { 'a b\n': 1 } }, 'auth."a b\\n": got an unknown key, want api_key, api_key_file'],
    [{ __proto_: {} }, '__proto_: got an unknown key, want server, auth, wireguard, log, metrics'],
  ];
  for (const [changes, want] of cases) it(want, () => assert.equal(problem(changes), want));

  it('are found though an object inherits keys of that name', () => {
    const section = JSON.parse('{"__proto__": {"level": "trace"}, "constructor": 1}') as Record<
      string,
      unknown
    >;
    assert.equal(problems({ ...document(), log: section }).length, 2);
  });

  it('do not hide behind a dot', () => {
    assert.match(problems({ ...document(), 'server.port': 1 }).join(), /^"server.port": got an unknown key/);
  });
});

describe('all problems', () => {
  it('are told at once', () => {
    const found = problems({
      server: { port: 0, hosst: '::' },
      auth: { api_key: 'x' },
      wireguard: {
        interface: '..',
        subnet: '10.0.0.0/31',
        subnet6: 'fd00::/127',
        routing: { backend: 'x', wan: 'y' },
      },
      log: { level: 'loud', file: 'x' },
      metrics: { port: 'x' },
      extra: 1,
    });
    assert.deepEqual(
      found.map((line) => line.split(': ')[0]).sort(),
      [
        'auth.api_key',
        'extra',
        'log.file',
        'log.level',
        'metrics.port',
        'metrics.token',
        'server.hosst',
        'server.port',
        'wireguard.interface',
        'wireguard.listen_port',
        'wireguard.routing.backend',
        'wireguard.routing.wan',
        'wireguard.subnet',
        'wireguard.subnet6',
      ].sort(),
    );
  });

  it('of a document that is no mapping', () => {
    for (const value of [undefined, null, 7, 'text', [], true]) {
      const found = problems(value).join('\n');
      assert.match(found, /^server\.port: got nothing/m);
      assert.match(found, /^auth\.api_key: got nothing/m);
      if (value !== undefined && value !== null)
        assert.match(found, /^\(top level\): got .+, want a mapping of server, /m);
    }
  });

  it('never hold a secret, wherever it was put', () => {
    const secret = 'S3CR3T-S3CR3T';
    const pem = `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`;
    const documents = [
      document({ auth: { api_key: secret } }),
      document({ auth: { api_key: [secret] } }),
      document({ auth: { apikey: secret } }),
      document({ auth: { api_key_file: secret, api_key: undefined } }),
      { ...document(), auth: secret },
      document({ metrics: { port: 1, token: secret } }),
      document({ metrics: { port: 1, token_file: secret } }),
      { ...document(), metrics: [secret] },
      document({ server: { tls_cert: pem, tls_key: pem } }),
      document({ wireguard: { peer_store_file: pem } }),
      document({ auth: { api_key: secret.repeat(3) }, metrics: { port: 1, token: secret.repeat(3) } }),
    ];
    for (const value of documents) assert.doesNotMatch(problems(value).join('\n'), /S3CR3T/);
  });
});
