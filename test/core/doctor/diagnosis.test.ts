// What the terminal and what programs read of a diagnosis.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Finding, formatDiagnosis, hasFailed, renderDiagnosis } from '../../../core/doctor/diagnosis.ts';
import { bad, doubtful, gather, good } from '../../../core/doctor/verdict.ts';

const findings: readonly Finding[] = [
  { check: 'clock', ...good('it is late') },
  { check: 'mtu', ...doubtful('too many', 'take fewer') },
  { check: 'store', ...bad('two\nlines\u001b[31m', null) },
];
const diagnosis = { checkedAtMs: Date.UTC(2026, 1, 2, 0, 6, 6, 789), findings };

test('each check has one line, whatever was quoted in it', () => {
  assert.equal(
    renderDiagnosis(diagnosis),
    'ok    clock: it is late\nwarn  mtu: too many → take fewer\nfail  store: two lines [31m\n',
  );
});

test('the document has the worst status on top, and advice where there is some', () => {
  assert.equal(
    formatDiagnosis(diagnosis),
    '{"status":"fail","checkedAt":"2026-02-02T00:06:06Z","service":{"name":"wgkeeper-node","version":"2.0.0"},"checks":[' +
      '{"check":"clock","status":"ok","seen":"it is late"},' +
      '{"check":"mtu","status":"warn","seen":"too many","advice":"take fewer"},' +
      '{"check":"store","status":"fail","seen":"two\\nlines\\u001b[31m"}]}',
  );
});

test('warnings are no failure', () => {
  assert.equal(hasFailed(diagnosis), true);
  assert.equal(hasFailed({ ...diagnosis, findings: findings.slice(0, 2) }), false);
  assert.equal(hasFailed({ ...diagnosis, findings: [] }), false);
});

test('several findings are as grave as the gravest, and each is told', () => {
  assert.deepEqual(gather([], 'all is well'), good('all is well'));
  assert.deepEqual(
    gather([good('a'), doubtful('b', 'do b'), bad('c', 'do c'), bad('d', 'do c')], 'all is well'),
    {
      status: 'fail',
      seen: 'b; c; d',
      advice: 'do b; do c',
    },
  );
  assert.deepEqual(gather([good('a'), doubtful('b')], 'all is well'), doubtful('b'));
});
