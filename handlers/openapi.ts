// GET /openapi.json: what this API is, for programs (OpenAPI 3.1).
import * as v from 'valibot';
import { defineRoute } from '../core/http/route.ts';
import { fail, ok } from '../core/result.ts';
import type { ApiContext } from './context.ts';
import type { ApiCode } from './failures.ts';

const documentSchema = v.objectWithRest({ openapi: v.literal('3.1.0') }, v.unknown());

export const openapi = defineRoute<ApiContext, ApiCode, null>({
  method: 'GET',
  path: '/openapi.json',
  access: 'key',
  takesBody: false,
  description: {
    name: 'getApiDescription',
    summary: 'This document',
    answers: { 200: { details: 'OpenAPI 3.1.', schema: documentSchema, example: { openapi: '3.1.0' } } },
    failures: [],
  },
  decode: () => ok(null),
  async handle(_, { readApiDescription }) {
    const body = await readApiDescription();
    return body === null ? fail({ code: 'internal_error' }) : ok({ status: 200, body });
  },
});
