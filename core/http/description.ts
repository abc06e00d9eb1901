// What an operation tells its callers about itself. Data for the API's description: the server never looks at it.
import type { GenericSchema } from 'valibot';

/** One operation as its callers see it. Texts are CommonMark. */
export interface OperationDescription<Code extends string> {
  /** In camel case and unique: what generated clients call it. */
  readonly name: string;
  /** A few words for a list of operations. */
  readonly summary: string;
  /** What its callers have to know beside the summary. */
  readonly details?: string;
  readonly parameters?: readonly ParameterDescription[];
  /** There exactly where the operation takes a body. */
  readonly body?: ContentDescription;
  /** Good answers by their status. */
  readonly answers: Readonly<Partial<Record<200 | 503, ContentDescription>>>;
  /** The codes that it fails with, beside those of every operation of its kind (`httpCodesOf`). */
  readonly failures: readonly Code[];
}

/** A parameter of the path, which is required, or of the query, which is not. */
export interface ParameterDescription {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly details: string;
  readonly schema: GenericSchema;
}

/** A body in JSON. */
export interface ContentDescription {
  readonly details: string;
  readonly schema: GenericSchema;
  /** Has to fit the schema. */
  readonly example: unknown;
}
