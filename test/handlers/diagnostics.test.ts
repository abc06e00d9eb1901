// GET /diagnostics: what the doctor says, as it says it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { formatDiagnosis } from '../../core/doctor/diagnosis.ts';
import { bad, good } from '../../core/doctor/verdict.ts';
import { fail, ok } from '../../core/result.ts';
import { diagnosisSchema, diagnostics } from '../../handlers/diagnostics.ts';
import { ask, createFakeApi, replied } from './fake-api.ts';

test('is 200 whatever was found', async () => {
  const api = createFakeApi();
  const findings = [
    { check: 'mtu', ...good('fits') },
    { check: 'store', ...bad('full', 'make room') },
  ];
  api.behind.diagnosis = ok(formatDiagnosis({ checkedAtMs: 0, findings }));
  const { status, text } = replied(await ask(api, diagnostics));
  assert.equal(status, 200);
  assert.equal(text, api.behind.diagnosis.value);
  assert.ok(v.is(diagnosisSchema, JSON.parse(text)));
});

test('says that nobody could look', async () => {
  assert.deepEqual(
    await ask(createFakeApi(), diagnostics),
    fail({ code: 'diagnostics_unavailable', detail: 'nobody looked' }),
  );
});
