// Valibot's schemas as JSON Schema 2020-12, which is what OpenAPI 3.1 speaks. Knows no route.
import { type ConversionConfig, toJsonSchema } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';

type Json = Readonly<Record<string, unknown>>;

/** Converts the schemas of one document. */
export interface SchemaConverter {
  /** What `components/schemas` holds. */
  readonly named: Json;
  /** The schema, with a reference for each part that has a name. Throws where JSON Schema can't say the same. */
  convert(schema: GenericSchema): Json;
}

/** A converter for a document with these named schemas. */
export function createSchemaConverter(named: Readonly<Record<string, GenericSchema>>): SchemaConverter {
  const config: ConversionConfig = {
    target: 'draft-2020-12',
    definitions: { ...named },
    // A function, which can't be said; what it asks for is said in metadata beside it.
    ignoreActions: ['check'],
    overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  };
  const { $defs } = toJsonSchema(Object.values(named)[0] as GenericSchema, config);
  return {
    named: $defs ?? {},
    convert(schema) {
      const { $schema, $defs, ...converted } = toJsonSchema(schema, config);
      return converted;
    },
  };
}
