// The file as it lies on the disk: lines of problems, the key file, modes, and the example that users start from.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { loadConfig } from '../../adapters/config-file.ts';
import { configFields } from '../../core/config/fields.ts';

const folder = mkdtempSync(join(tmpdir(), 'wgkeeper-config-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

function write(content: string | Uint8Array, mode = 0o600): string {
  const path = join(folder, `${++files}.yaml`);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

const apiKey = 'k'.repeat(32);
const good = `server:\n  port: 51821\nauth:\n  api_key: ${apiKey}\nwireguard:\n  interface: wg0\n  listen_port: 51820\n  subnet: 10.0.0.0/24\n`;

function loaded(path: string) {
  const config = loadConfig(path);
  assert.ok(config.ok, config.ok ? '' : config.failure.lines.join('\n'));
  return config.value;
}

/** The lines without the folder in front. */
function refused(path: string): string[] {
  const config = loadConfig(path);
  assert.ok(!config.ok, 'was accepted');
  assert.equal(config.failure.code, 'wrong');
  return config.failure.lines.map((line) => {
    assert.ok(line.startsWith(path), line);
    return line.slice(path.length);
  });
}

describe('a configuration file', () => {
  it('is read', () => {
    assert.deepEqual(loaded(write(good)).warnings, []);
    assert.equal(loaded(write(good)).config.auth.apiKey, apiKey);
  });

  it('has its problems told by line, in the order of the file', () => {
    const text = good.replace('10.0.0.0/24', '10.0.0.0/31').replace('port: 51821', 'prot: 51821');
    assert.deepEqual(refused(write(`${text}extra: 1\n`)), [
      ':1: server.port: got nothing, want a port from 1 to 65535',
      ':2: server.prot: got an unknown key, want server.port',
      ':8: wireguard.subnet: got "10.0.0.0/31", want an IPv4 network with a prefix of at most 30',
      ':9: extra: got an unknown key, want server, auth, wireguard, log, metrics',
    ]);
  });

  it('that is no YAML is refused by line, without its text', () => {
    assert.deepEqual(refused(write(`${good}server:\n  port: 1\n`)), [
      ':9: not readable as YAML: duplicated mapping key',
    ]);
  });

  it('that is empty lacks every required key', () => assert.equal(refused(write('')).length, 5));

  it('that can not be read says why', () => {
    assert.match(
      refused(join(folder, 'missing.yaml')).join(),
      /^: there is no such file; start from \/.*\/config\.example\.yaml/,
    );
    assert.deepEqual(refused(folder), [': a folder, not a file']);
    assert.deepEqual(refused(write(new Uint8Array([0x61, 0x3a, 0x20, 0xff]))), [': not UTF-8 text']);
  });

  it('has a largest size', () => {
    loaded(write(good + '#'.repeat(262_144 - good.length)));
    assert.deepEqual(refused(write(good + '#'.repeat(262_145 - good.length))), [
      ': larger than 262144 bytes',
    ]);
  });

  it('that others can read is warned of', () => {
    for (const mode of [0o640, 0o604, 0o620]) {
      const path = write(good, mode);
      assert.deepEqual(loaded(path).warnings, [
        `${path} holds a secret and its mode 0${mode.toString(8)} lets other users at it; chmod 600 is enough`,
      ]);
    }
    assert.deepEqual(loaded(write(good, 0o400)).warnings, []);
  });
});

describe('a key file', () => {
  function withKeyFile(path: string): string {
    return good.replace(`api_key: ${apiKey}`, `api_key_file: ${path}`);
  }

  it('is read without its line end', () => {
    for (const end of ['', '\n', '\r\n']) {
      const config = loaded(write(withKeyFile(write(apiKey + end)), 0o644));
      assert.equal(config.config.auth.apiKey, apiKey);
      assert.deepEqual(config.warnings, [], 'no secret stands in the configuration itself');
    }
  });

  it('keeps to the rules of the key', () => {
    for (const content of ['', '\n', 'k'.repeat(31), `${apiKey}\n\n`, `\n${apiKey}`, 'k'.repeat(1025)]) {
      assert.match(
        refused(write(withKeyFile(write(content)))).join(),
        /^:4: auth\.api_key_file: got a file with/,
      );
    }
    assert.match(
      refused(write(withKeyFile(write('k'.repeat(5000))))).join(),
      /^:4: auth\.api_key_file: larger than 4096 bytes, want a file/,
    );
    assert.match(
      refused(write(withKeyFile('/nowhere'))).join(),
      /^:4: auth\.api_key_file: there is no such file, want a file/,
    );
  });

  it('has the metrics token, too', () => {
    const metrics = `metrics:\n  port: 51822\n  token_file: ${write(`${'t'.repeat(32)}\n`, 0o640)}\n`;
    const { config, warnings } = loaded(write(good + metrics));
    assert.equal(config.metrics?.token, 't'.repeat(32));
    assert.match(warnings.join(), /holds a secret and its mode 0640 lets other users at it/);
  });

  it('that others can read is warned of', () => {
    const key = write(apiKey, 0o644);
    assert.deepEqual(loaded(write(withKeyFile(key))).warnings, [
      `${key} holds a secret and its mode 0644 lets other users at it; chmod 600 is enough`,
    ]);
  });
});

describe('the example configuration', () => {
  const example = readFileSync(exampleFile(), 'utf8');

  it('starts a node once its placeholder is replaced, and not before', () => {
    assert.match(
      refused(write(example)).join('\n'),
      /^:\d+: auth\.api_key: got a text of 10 characters[^\n]+$/,
    );
    const { config } = loaded(write(example.replace('"replace-me"', apiKey)));
    assert.equal(config.server.port, 51821);
    assert.notEqual(config.wireguard.peerStoreFile, null);
  });

  it('explains every key', () => {
    for (const key of Object.keys(configFields)) {
      assert.match(example, new RegExp(`^[# ]*${key.slice(key.lastIndexOf('.') + 1)}:`, 'm'), key);
    }
  });

  it('is right with every line in force', () => {
    const uncommented = example
      .replaceAll(/^( *)# ?( *(?:- \S+|[a-z_0-9]+:(?: \S+)?))$/gm, '$1$2')
      .replaceAll(/^( *)# ( *(?:port|per_peer|per_peer_max|token): )/gm, '$1$2')
      .replaceAll(/^ *(?:api_key|token)_file.*$/gm, '')
      .replace('"replace-me"', apiKey)
      .replace('"replace-me"', 't'.repeat(32));
    const { config } = loaded(write(uncommented));
    assert.notEqual(config.server.tls, null);
    assert.equal(config.server.allowedIps?.length, 2);
    assert.equal(config.wireguard.subnets.length, 2);
    assert.notEqual(config.wireguard.routing, null);
    assert.equal(config.metrics?.perPeerMax, 100);
    assert.equal(config.server.host, '127.0.0.1');
  });
});

/** From the sources and from the compiled tree alike. */
function exampleFile(): string {
  return join(process.cwd(), 'config.example.yaml');
}
