// GET /diagnostics: what `wgkeeper-node doctor --json` says of this host.
import * as v from 'valibot';
import { defineRoute } from '../core/http/route.ts';
import { fail, ok } from '../core/result.ts';
import type { ApiContext } from './context.ts';
import type { ApiCode } from './failures.ts';
import { momentSchema } from './schemas.ts';

const statusSchema = v.picklist(['ok', 'warn', 'fail']);

const checkSchema = v.object({
  check: v.pipe(v.string(), v.description('Its name, which stays the same.')),
  status: statusSchema,
  seen: v.pipe(v.string(), v.description('What was seen, for a person.')),
  advice: v.optional(
    v.pipe(v.string(), v.description('What to do about it, where there is something to do.')),
  ),
});

/** What `formatDiagnosis` writes. */
export const diagnosisSchema = v.object({
  status: v.pipe(statusSchema, v.description('The worst of the checks.')),
  checkedAt: momentSchema('When the checks were made.'),
  service: v.object({ name: v.string(), version: v.string() }),
  checks: v.array(checkSchema),
});

const example = {
  status: 'fail',
  checkedAt: '2026-02-02T00:06:06Z',
  service: { name: 'wgkeeper-node', version: '2.0.0' },
  checks: [
    { check: 'udp_port', status: 'ok', seen: 'UDP 51820 is ours: wg0 has it' },
    {
      check: 'forwarding',
      status: 'fail',
      seen: 'net.ipv4.ip_forward is 0',
      advice: 'wgkeeper-node up turns it on; by hand: sysctl -w net.ipv4.ip_forward=1',
    },
  ],
};

export const diagnostics = defineRoute<ApiContext, ApiCode, null>({
  method: 'GET',
  path: '/diagnostics',
  access: 'key',
  takesBody: false,
  description: {
    name: 'getDiagnostics',
    summary: 'What this host lacks',
    details:
      'The checks of `wgkeeper-node doctor`, made when somebody asks and answered again for ten seconds. The status is 200 whatever they found.',
    answers: { 200: { details: 'Every check and what it found.', schema: diagnosisSchema, example } },
    failures: ['diagnostics_unavailable'],
  },
  decode: () => ok(null),
  async handle(_, { diagnose }) {
    const diagnosis = await diagnose();
    if (diagnosis.ok) return ok({ status: 200, body: diagnosis.value });
    return fail({ code: 'diagnostics_unavailable', detail: diagnosis.failure.detail });
  },
});
