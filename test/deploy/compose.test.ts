// The compose files, held against each other, the Dockerfile and the Caddyfile.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type ComposeFile, readComposeFile } from './container.ts';

const local = readComposeFile('docker-compose.local.yml');
const secure = readComposeFile('docker-compose.prod-secure.yml');
const both: readonly (readonly [string, ComposeFile])[] = [
  ['local', local],
  ['prod-secure', secure],
];

test('a bare "docker compose up" is the local one', () => {
  assert.deepEqual(readComposeFile('compose.yaml'), local);
});

test('one service holds the namespace and nothing else, and the other lives in it', () => {
  for (const [name, { services }] of both) {
    const { wireguard, node } = services;
    assert.match(wireguard?.image ?? '', /pause:[0-9.]+@sha256:[0-9a-f]{64}$/, name);
    assert.deepEqual([wireguard?.volumes, wireguard?.cap_add], [undefined, undefined], name);
    assert.deepEqual(wireguard?.sysctls, {
      'net.ipv4.ip_forward': '1',
      'net.ipv6.conf.all.disable_ipv6': '0',
      'net.ipv6.conf.all.forwarding': '1',
    });
    assert.equal(node?.network_mode, 'service:wireguard', name);
    assert.deepEqual([node?.ports, node?.networks, node?.sysctls], [undefined, undefined, undefined], name);
  }
});

test('node is the same in both, with its volumes and its health check', () => {
  const node = local.services['node'];
  assert.deepEqual(secure.services['node'], node);
  assert.deepEqual(node?.volumes, [
    './config.yaml:/app/config.yaml:ro',
    'wireguard:/etc/wireguard',
    'data:/app/data',
    './certs:/app/certs:ro',
  ]);
  for (const capability of ['NET_ADMIN', 'SYS_MODULE']) assert.ok(node?.cap_add?.includes(capability));
  const [, ...command] = node?.healthcheck?.test ?? [];
  assert.ok(readFileSync('Dockerfile', 'utf8').includes(`CMD ${JSON.stringify(command).replace(',', ', ')}`));
});

test('the API is published by the local one alone', () => {
  assert.deepEqual(local.services['wireguard']?.ports, ['51821:51821/tcp', '51820:51820/udp']);
  const published = Object.values(secure.services).flatMap(({ ports }) => ports ?? []);
  assert.deepEqual(published, ['51820:51820/udp', '80:80/tcp', '443:443/tcp', '443:443/udp']);
  assert.equal(secure.services['caddy']?.image, 'caddy:2');
});

test('the addresses that the file says to trust are those that Caddy has', () => {
  const networks = Object.values(secure.services['caddy']?.networks?.['default'] ?? {});
  const text = readFileSync('docker-compose.prod-secure.yml', 'utf8');
  const [, trusted = ''] = /trusted_proxies: \[(.*)\]/.exec(text) ?? [];
  assert.deepEqual(trusted.replaceAll('"', '').split(', '), networks);
  assert.match(readFileSync('Caddyfile', 'utf8'), /reverse_proxy wireguard:51821 /);
});
