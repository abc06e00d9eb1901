// From routes and their own descriptions to the document that describes the API (OpenAPI 3.1). Reads and writes nothing.
import type { GenericSchema } from 'valibot';
import type { FailureTable } from '../../core/http/contract.ts';
import type { ContentDescription, ParameterDescription } from '../../core/http/description.ts';
import { type HttpCode, httpCodesOf } from '../../core/http/failures.ts';
import type { DescribedRoute } from '../../core/http/route.ts';
import { createSchemaConverter, type SchemaConverter } from './json-schema.ts';
import { extraHeaders, headers, introduction, license } from './texts.ts';

/** An API, with everything that its description is made of. */
export interface Api<Code extends string> {
  readonly service: { readonly name: string; readonly version: string };
  readonly routes: readonly DescribedRoute<never, Code>[];
  readonly failures: FailureTable<Code | HttpCode>;
  /** Schemas that get a name of their own wherever they are used. */
  readonly schemas: Readonly<Record<string, GenericSchema>>;
}

type Json = Readonly<Record<string, unknown>>;
type Failures = FailureTable<string>;

/** The text of the document; the same for the same API. */
export function renderApi<Code extends string>(api: Api<Code>): string {
  const { service, routes, failures } = api;
  const schemas = createSchemaConverter(api.schemas);
  const document = {
    openapi: '3.1.0',
    info: { title: service.name, version: service.version, description: introduction, license },
    servers: [{ url: '/' }],
    security: [{ apiKey: [] }],
    paths: describePaths(routes, failures, schemas),
    components: {
      securitySchemes: { apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' } },
      schemas: schemas.named,
      headers,
      responses: Object.fromEntries(
        Object.keys(failures).map((code) => [code, describeFailures([code], failures)]),
      ),
    },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function describePaths(
  routes: readonly DescribedRoute<never, string>[],
  failures: Failures,
  schemas: SchemaConverter,
): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    const operation = describeOperation(route, failures, schemas);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation };
  }
  return paths;
}

function describeOperation(
  route: DescribedRoute<never, string>,
  failures: Failures,
  schemas: SchemaConverter,
): Json {
  const { name, summary, details, parameters = [], body, answers, failures: own } = route.description;
  const good = Object.entries(answers).map(([status, answer]) => [
    status,
    { ...describeContent(answer, schemas), headers: referHeaders('X-Request-Id') },
  ]);
  return {
    operationId: name,
    summary,
    ...(details !== undefined && { description: details }),
    ...(route.access === 'public' && { security: [] }),
    ...(parameters.length > 0 && {
      parameters: parameters.map((parameter) => describeParameter(parameter, schemas)),
    }),
    ...(body !== undefined && { requestBody: { required: true, ...describeContent(body, schemas) } }),
    responses: {
      ...Object.fromEntries(good),
      ...describeStatuses([...own, ...httpCodesOf(route)], failures),
    },
  };
}

function describeParameter(parameter: ParameterDescription, schemas: SchemaConverter): Json {
  return {
    name: parameter.name,
    in: parameter.in,
    required: parameter.in === 'path',
    description: parameter.details,
    schema: schemas.convert(parameter.schema),
  };
}

function describeContent({ details, schema, example }: ContentDescription, schemas: SchemaConverter): Json {
  return {
    description: details,
    content: { 'application/json': { schema: schemas.convert(schema), example } },
  };
}

/** The failures of one operation, a response a status. */
function describeStatuses(codes: readonly string[], failures: Failures): Json {
  const responses: Record<string, Json> = {};
  for (const status of new Set(codes.map((code) => failures[code]?.status ?? 500))) {
    const those = [...new Set(codes)].filter((code) => failures[code]?.status === status);
    responses[status] =
      those.length === 1 ? { $ref: `#/components/responses/${those[0]}` } : describeFailures(those, failures);
  }
  return responses;
}

function describeFailures(codes: readonly string[], failures: Failures): Json {
  const sentences = codes.map((code) => failures[code]?.sentence ?? '');
  const extra = extraHeaders[failures[codes[0] ?? '']?.status ?? 0] ?? [];
  const example = { error: sentences[0], code: codes[0] };
  return {
    description: codes.map((code, index) => `\`${code}\`: ${sentences[index]}`).join('\n\n'),
    headers: referHeaders('X-Request-Id', ...extra),
    content: { 'application/json': { schema: describeError(codes), example } },
  };
}

function describeError(codes: readonly string[]): Json {
  return {
    type: 'object',
    properties: {
      error: { type: 'string', description: 'A sentence for people; it may change.' },
      code: { type: 'string', enum: codes },
      detail: { type: 'string', description: 'In debug only.' },
    },
    required: ['error', 'code'],
  };
}

function referHeaders(...names: readonly string[]): Json {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
