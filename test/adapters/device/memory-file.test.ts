import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readlinkSync, statSync } from 'node:fs';
import { it } from 'node:test';
import { openMemoryFile } from '../../../adapters/device/memory-file.ts';

function open() {
  const file = openMemoryFile();
  assert.ok(file !== null);
  return file;
}

it('is nameless, in memory, and of nobody else', () => {
  const file = open();
  const path = `/proc/self/fd/${file.descriptor}`;
  assert.match(readlinkSync(path), /\(deleted\)$/);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(path).nlink, 0);
  file.close();
});

it('holds what it was given last, and nothing once cleared', () => {
  const file = open();
  assert.ok(file.replace('a longer text'));
  assert.ok(file.replace('text'));
  assert.equal(file.size(), 4);
  assert.equal(file.read(0, 100), 'text');
  assert.equal(file.read(1, 2), 'ex');
  assert.equal(file.read(4, 100), '');
  file.clear();
  assert.equal(file.size(), 0);
  file.close();
});

it('takes bytes at its end', () => {
  const file = open();
  file.replace('one');
  assert.ok(file.append(Buffer.from(', two')));
  assert.equal(file.read(0, 100), 'one, two');
  file.close();
});

it('can be read and appended to by a child, again and again, without a hole', () => {
  const file = open();
  for (const text of ['first', 'second']) {
    file.replace('for the child: ');
    const stdio = ['ignore', 'ignore', 'inherit', file.descriptor] as const;
    execFileSync('/bin/sh', ['-c', `read -r words </dev/fd/3; printf %s ${text} >&3`], { stdio: [...stdio] });
    assert.equal(file.read(0, 100), `for the child: ${text}`);
    file.clear();
  }
  file.close();
});
