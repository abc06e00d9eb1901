// A new certificate is that of all servers or of none.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { accessSettings, createServerReload } from '../../adapters/server-reload.ts';
import { parseConfig } from '../../core/config/config.ts';
import { createAccess } from '../../core/http/access.ts';
import type { Server } from '../../core/http/server.ts';
import { fail, ok } from '../../core/result.ts';

const folder = mkdtempSync(join(tmpdir(), 'wgkeeper-server-reload-'));
after(() => rmSync(folder, { recursive: true }));
const [certPath, keyPath] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
const startedWith = { certPath, keyPath, certPem: 'old', keyPem: 'old' };

/** Two servers, and what became of what they loaded; the second takes nothing while it is not `willing`. */
function setUp() {
  const events: string[] = [];
  const servers = { willing: true };
  const server = (name: string, takes: () => boolean): Pick<Server, 'loadCertificate'> => ({
    loadCertificate({ certPem }) {
      if (!takes()) return fail({ code: 'tls_refused', detail: `${name} refuses` });
      const note = (what: string) => () => void events.push(`${name} ${what} ${certPem}`);
      note('loads')();
      return ok({ use: note('uses'), discard: note('discards') });
    },
  });
  const config = parseConfig(
    {
      server: { port: 1, tls_cert: certPath, tls_key: keyPath },
      auth: { api_key: 'k'.repeat(32) },
      wireguard: { interface: 'wg0', listen_port: 51820, subnet: '10.0.0.0/24' },
    },
    () => fail('no file'),
  );
  assert.ok(config.ok);
  const reload = createServerReload(
    [server('api', () => true), server('metrics', () => servers.willing)],
    createAccess(accessSettings(config.value)),
    startedWith,
  );
  return { events, servers, reload: () => reload(config.value) };
}

function write(pem: string): void {
  for (const path of [certPath, keyPath]) writeFileSync(path, pem);
}

test('every server has loaded a new certificate before one uses it', () => {
  const { events, reload } = setUp();
  write('new');
  assert.deepEqual(reload(), ok({ certificate: true }));
  assert.deepEqual(events, ['api loads new', 'metrics loads new', 'api uses new', 'metrics uses new']);
  assert.deepEqual(reload(), ok({ certificate: false }));
  assert.equal(events.length, 4);
});

test('when the second server refuses it, the first one keeps its own, and the next reload tries again', () => {
  const { events, servers, reload } = setUp();
  write('new');
  servers.willing = false;
  assert.deepEqual(reload(), fail(['metrics refuses']));
  assert.deepEqual(events.splice(0), ['api loads new', 'api discards new']);
  servers.willing = true;
  assert.deepEqual(reload(), ok({ certificate: true }));
  assert.deepEqual(events, ['api loads new', 'metrics loads new', 'api uses new', 'metrics uses new']);
});
