// What a changed configuration changes, and what of it a running server can take.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findConfigChanges } from '../../../core/config/changes.ts';
import { type Config, parseConfig } from '../../../core/config/config.ts';
import { formatConfigProblem } from '../../../core/config/problem.ts';
import { ok } from '../../../core/result.ts';

type Sections = Record<string, Record<string, unknown>>;

const full: Sections = {
  server: { port: 51821, host: '127.0.0.1', tls_cert: 'a', tls_key: 'b', allowed_ips: ['10.0.0.1'] },
  auth: { api_key: 'k'.repeat(32) },
  wireguard: {
    interface: 'wg0',
    listen_port: 51820,
    subnet: '10.0.0.0/24',
    subnet6: 'fd00::/112',
    routing: { wan_interface: 'eth0' },
    peer_store_file: 'peers.db',
  },
  metrics: { port: 51822, token: 't'.repeat(32) },
};

function parse(changes: Sections = {}): Config {
  const sections = { ...full };
  for (const [name, keys] of Object.entries(changes)) {
    const merged = Object.entries({ ...sections[name], ...keys }).filter(([, value]) => value !== undefined);
    sections[name] = Object.fromEntries(merged);
  }
  const config = parseConfig(sections, () => ok('f'.repeat(32)));
  assert.ok(config.ok, config.ok ? '' : config.failure.map(formatConfigProblem).join('\n'));
  return config.value;
}

const changesOf = (changes: Sections) => findConfigChanges(parse(), parse(changes));

describe('changes of a configuration', () => {
  it('are none where nothing differs', () => {
    assert.deepEqual(changesOf({}), { live: [], fixed: [] });
    assert.deepEqual(changesOf({ wireguard: { server_ip: '10.0.0.1' } }), { live: [], fixed: [] });
    assert.deepEqual(changesOf({ server: { port: '51821' } }), { live: [], fixed: [] });
  });

  for (const [section, key, value] of [
    ['server', 'allowed_ips', ['10.0.0.2']],
    ['server', 'allowed_ips', undefined],
    ['server', 'trusted_proxies', []],
    ['auth', 'api_key', 'x'.repeat(32)],
    ['log', 'level', 'debug'],
  ] as const) {
    it(`of ${section}.${key} to ${JSON.stringify(value)} are taken by a server that runs`, () => {
      assert.deepEqual(changesOf({ [section]: { [key]: value } }), {
        live: [`${section}.${key}`],
        fixed: [],
      });
    });
  }

  it('of the key by way of a file are changes of the key', () => {
    const { live } = changesOf({ auth: { api_key: undefined, api_key_file: 'key' } });
    assert.deepEqual(live, ['auth.api_key']);
  });

  it('of the metrics token by way of a file are changes of the token', () => {
    const { fixed } = changesOf({ metrics: { token: undefined, token_file: 'token' } });
    assert.deepEqual(fixed, ['metrics.token']);
  });

  for (const [section, key, value] of [
    ['server', 'port', 1],
    ['server', 'host', undefined],
    ['wireguard', 'interface', 'wg1'],
    ['wireguard', 'listen_port', 1],
    ['wireguard', 'subnet', '10.1.0.0/24'],
    ['wireguard', 'subnet6', undefined],
    ['wireguard', 'server_ip', '10.0.0.2'],
    ['wireguard', 'unknown_peers', 'report'],
    ['wireguard', 'peer_store_file', undefined],
    ['wireguard', 'backend', 'memory'],
    ['metrics', 'port', 1],
    ['metrics', 'token', 'u'.repeat(32)],
    ['metrics', 'per_peer', true],
    ['metrics', 'per_peer_max', 7],
  ] as const) {
    it(`of ${section}.${key} need a restart`, () => {
      const { live, fixed } = changesOf({ [section]: { [key]: value } });
      assert.deepEqual(live, []);
      assert.ok((fixed as readonly string[]).includes(`${section}.${key}`), fixed.join());
    });
  }

  it('to and from TLS need a restart, other files of it do not', () => {
    const plain = { server: { tls_cert: undefined, tls_key: undefined } };
    assert.deepEqual(changesOf(plain).fixed, ['server.tls_cert', 'server.tls_key']);
    assert.deepEqual(changesOf({ server: { tls_cert: 'c', tls_key: 'd' } }), { live: [], fixed: [] });
  });
});
