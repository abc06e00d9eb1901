import assert from 'node:assert/strict';
import { test } from 'node:test';
import { derivePublicKey } from '../../../adapters/keys.ts';
import type { PrivateKey } from '../../../core/peers/peer.ts';
import { drive, rulesFor, see } from '../../fixtures/interface-run.ts';
import { createNamespace } from '../../fixtures/namespace.ts';

const other = { port: 51999, subnets: [['10.8.0.0/24', '10.8.0.1/24']] as const, wan: 'lo' };
const backends = ['nftables', 'iptables'] as const;

for (const backend of backends) {
  test(`whichever program up is killed after, the next one completes it with the same key and the rules of ${backend}`, async (context) => {
    let completed = false;
    for (let killAfter = 1; !completed; killAfter++) {
      const host = await createNamespace(context);
      completed = (await drive(host, { backend, killAfter })) !== null;
      const file = await host.run('sh', '-c', 'cat /etc/wireguard/wg0.conf || true');
      const key = /^PrivateKey = (.*)$/m.exec(file)?.[1] as PrivateKey | undefined;
      const up = await drive(host, { backend });
      assert.ok(up?.result.ok, `killed after ${killAfter}`);
      const seen = await see(host);
      const rules = rulesFor(backend, 'wan0', '10.7.0.0/24', 'fd07::/112');
      assert.deepEqual(seen.rules, rules, `killed after ${killAfter}`);
      assert.deepEqual(seen.addresses, ['10.7.0.1/24', 'fd07::1/112'], `killed after ${killAfter}`);
      assert.deepEqual([seen.isUp, seen.port], [true, '51820'], `killed after ${killAfter}`);
      if (key !== undefined) assert.equal(seen.publicKey, derivePublicKey(key));
      await host.close();
    }
  });

  test(`whichever program down is killed after, the next one leaves nothing, of ${backend} too`, async (context) => {
    let completed = false;
    for (let killAfter = 1; !completed; killAfter++) {
      const host = await createNamespace(context);
      await drive(host, { backend });
      completed = (await drive(host, { command: 'down', backend, killAfter })) !== null;
      const down = await drive(host, { command: 'down', backend });
      assert.ok(down?.result.ok);
      const seen = await see(host);
      assert.deepEqual([seen.index, seen.rules], [null, []], `killed after ${killAfter}`);
      await host.close();
    }
  });
}

for (const [before, after] of [
  ['nftables', 'iptables'],
  ['iptables', 'nftables'],
] as const) {
  test(`whichever program a change to ${after} is killed after, the next up completes it without a bounce`, async (context) => {
    let completed = false;
    for (let killAfter = 1; !completed; killAfter++) {
      const host = await createNamespace(context);
      await drive(host, { backend: before });
      const first = await see(host);
      completed = (await drive(host, { ...other, backend: after, killAfter })) !== null;
      await drive(host, { ...other, backend: after });
      const wanted = {
        ...first,
        port: '51999',
        addresses: ['10.8.0.1/24'],
        rules: rulesFor(after, 'lo', '10.8.0.0/24'),
      };
      assert.deepEqual(await see(host), wanted, `killed after ${killAfter}`);
      await host.close();
    }
  });
}
