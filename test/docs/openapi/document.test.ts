// The description of the API: whether it is what the routes say, what OpenAPI allows, and right by its own examples.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { api } from '../../../docs/openapi/api.ts';
import { renderApi } from '../../../docs/openapi/document.ts';
import { apiFailures } from '../../../handlers/failures.ts';
import { checkExamples } from '../../fixtures/api-description.ts';

const text = readFileSync('docs/openapi.json', 'utf8');

test('docs/openapi.json is what the routes say; npm run openapi writes it', () => {
  assert.equal(text, renderApi(api));
});

test('it is a document of OpenAPI 3.1', async () => {
  const result = await new Validator().validate(JSON.parse(text) as Record<string, unknown>);
  assert.deepEqual(result.errors ?? [], []);
  assert.equal(result.valid, true);
});

test('its examples fit their schemas', () => {
  assert.ok(checkExamples() > api.routes.length);
});

test('every operation has a name of its own, and a body where it takes one', () => {
  const names = api.routes.map(({ description }) => description.name);
  assert.equal(new Set(names).size, names.length);
  for (const { description, takesBody } of api.routes) {
    assert.equal(description.body !== undefined, takesBody, description.name);
  }
});

test('every code is one that some operation fails with, or that no operation is asked for', () => {
  const paths = JSON.stringify((JSON.parse(text) as { paths: object }).paths);
  const unused = Object.keys(apiFailures).filter(
    (code) => !paths.includes(`"${code}"`) && !paths.includes(`#/components/responses/${code}"`),
  );
  assert.deepEqual(unused, ['not_found', 'method_not_allowed']);
});
