// Files read whole within a bound, at once and not, and what is said of those that are not read.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { describeFileFailure, readBoundedFile, readSmallFile } from '../../../adapters/disk/small-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'small-file-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'file');

for (const read of [readSmallFile, readBoundedFile]) {
  test(`${read.name} reads up to its bound and not a byte more, whatever size the file says`, async () => {
    writeFileSync(path, '12345', { mode: 0o600 });
    const whole = await read(path, 5);
    assert.ok(whole.ok);
    assert.equal(whole.value.bytes.toString(), '12345');
    assert.equal(whole.value.mode & 0o777, 0o600);
    const codes = [];
    for (const [file, max] of [
      [path, 4],
      ['/dev/zero', 9],
      [folder, 9],
      [join(folder, 'none'), 9],
    ] as const) {
      const failed = await read(file, max);
      codes.push(failed.ok || failed.failure.code);
    }
    assert.deepEqual(codes, ['too_large', 'too_large', 'folder', 'missing']);
    const empty = await read('/dev/null', 0);
    assert.equal(empty.ok && empty.value.bytes.length, 0);
    // Of these the system tells no size.
    const proc = await read('/proc/self/status', 65_536);
    assert.match(proc.ok ? proc.value.bytes.toString() : '', /^Name:/);
  });
}

test('a failure names the file, what is wrong and what to do, in a line', () => {
  assert.equal(
    describeFileFailure('/k.pem', { code: 'forbidden', reason: 'this user may not read it' }),
    '/k.pem: this user may not read it; let this user read it, or run this as root',
  );
});
