// The native HTTP library is a binary from a package registry: the one that is loaded must be the one that was looked at.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import test from 'node:test';

/** SHA-256 by file name. Those for other systems are not known, so a node does not vouch for them. */
const known: Readonly<Record<string, string>> = {
  'uws_linux_x64_115.node': '4d482084b665c225892917ee0e9b9572d89eaa6f3dc200ff5e536293d3456c89',
  'uws_linux_x64_127.node': 'f687e7c3666b5cca9d355184bbf07bb0550f5ba0d3ffd453248ccfec552dde6c',
  'uws_linux_x64_137.node': '9aa8b857ac4ab0bfb1245e948eeeacc904b13a3608c9a281d551c43c66bea66e',
  'uws_linux_arm64_115.node': '25a20c3ab1865fb38405833135531e331deae0d43998ae08aafda4c1461e531a',
};

test('the binary that this Node.js loads is a known one', async () => {
  const { platform, arch, versions } = process;
  const name = `uws_${platform}_${arch}_${versions.modules}.node`;
  const folder = dirname(createRequire(import.meta.url).resolve('uWebSockets.js'));
  const sum = createHash('sha256')
    .update(await readFile(join(folder, name)))
    .digest('hex');
  assert.equal(sum, known[name], name);
});
