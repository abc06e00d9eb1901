// What the plan of an import tells, and what it keeps to itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderPlan } from '../../../adapters/import/plan.ts';
import { parseWgQuickFile } from '../../../adapters/interface/wg-quick-text.ts';
import { parseConfig } from '../../../core/config/config.ts';
import type { PrivateKey } from '../../../core/peers/peer.ts';
import { fail } from '../../../core/result.ts';
import { mustSucceed } from '../../fixtures/outcome.ts';

const key = 'aPu6plm9WICVP91DSbl4Y0ZG5v/eoGe84uGK1fUUQkQ=';
const config = mustSucceed(
  parseConfig(
    {
      server: { port: 1 },
      auth: { api_key: 'k'.repeat(32) },
      wireguard: { interface: 'wg0', listen_port: 51820, subnet: '10.0.0.0/24' },
    },
    () => fail('no file'),
  ),
);

test('settings that are lost are named once each, and a key that lost its name is not', () => {
  const text = `[Interface]\nPrivateKey = ${key}\nMTU = 1400\nPostUp = a\nPostUp = b\n${key}\n`;
  const plan = renderPlan(
    {
      source: {
        file: parseWgQuickFile(text),
        privateKey: key as PrivateKey,
        peers: [],
        ids: new Map(),
      },
      adoption: { added: [], known: [], refused: [] },
      live: null,
      target: { path: '/etc/wireguard/wg0.conf', state: 'made_by_hand' },
    },
    { file: 'wg0.conf', idsFile: null, apply: false, skip: false },
    config.wireguard,
  );
  assert.match(plan, /^not taken over: MTU, PostUp$/m);
  assert.ok(!plan.includes(key.slice(0, 43)));
});
