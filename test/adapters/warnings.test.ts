// What the log says of choices at start: true for each of them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { warningsOf } from '../../adapters/warnings.ts';
import { parseConfig } from '../../core/config/config.ts';
import { fail } from '../../core/result.ts';

/** The warnings of an ordinary configuration with these keys in its section `wireguard`. */
function warnings(wireguard: Readonly<Record<string, unknown>>, debug = false): readonly string[] {
  const document = {
    server: { port: 51_821 },
    auth: { api_key: 'k'.repeat(32) },
    wireguard: { interface: 'wg0', listen_port: 51_820, subnet: '10.0.0.0/24', ...wireguard },
  };
  const config = parseConfig(document, () => fail('none'));
  assert.ok(config.ok);
  return warningsOf(config.value, debug);
}

describe('warnings', () => {
  const peer_store_file = '/var/lib/wgkeeper-node/peers.db';

  it('are not given where nothing is out of the ordinary', () => {
    assert.deepEqual(warnings({ peer_store_file }), []);
    assert.deepEqual(warnings({ peer_store_file, unknown_peers: 'report' }), []);
  });

  it('say that no traffic flows, and that everything is logged', () => {
    assert.match(warnings({ peer_store_file, backend: 'memory' }).join(), /NO TRAFFIC FLOWS/);
    assert.match(warnings({ peer_store_file }, true).join(), /not for production/);
  });

  const withoutStore = {
    remove: { choice: {}, peersOnInterface: /removed now/ },
    report: { choice: { unknown_peers: 'report' }, peersOnInterface: /stay there, reported as unknown/ },
  };
  for (const [name, { choice, peersOnInterface }] of Object.entries(withoutStore)) {
    it(`say what becomes of peers without a store (${name})`, () => {
      const [warning = '', ...more] = warnings(choice);
      assert.match(warning, /peer_store_file is not set: peers are forgotten when the process ends/);
      assert.match(warning, peersOnInterface);
      assert.deepEqual(more, []);
    });
  }

  it('do not speak of an interface where there is none', () => {
    const [, warning = ''] = warnings({ backend: 'memory' });
    assert.match(warning, /peer_store_file is not set/);
    assert.doesNotMatch(warning, /interface/);
  });
});
