// What values in requests and answers are made of, as schemas that say what they mean; some decode, all of them describe.
import * as v from 'valibot';

const peerIdPattern =
  /^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-4[0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$/;

/** Describes; what decodes an id is `parsePeerId`. */
export const peerIdSchema = v.pipe(
  v.string(),
  v.uuid(),
  v.regex(peerIdPattern),
  v.description('UUID v4 in the 8-4-4-4-12 form, taken in any letter case and answered in lower case.'),
);

export const familySchema = v.picklist(['IPv4', 'IPv6']);

/** The answer to what leaves nothing to tell. */
export const okSchema = v.object({ status: v.literal('ok') });

/** 32 bytes in base64. */
export function keySchema(meaning: string) {
  return v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]{43}=$/), v.description(meaning));
}

/** A moment as it is answered. */
export function momentSchema(meaning: string) {
  const pattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
  return v.pipe(v.string(), v.regex(pattern), v.metadata({ format: 'date-time' }), v.description(meaning));
}

/** A whole number from `min` to `max`, which JSON carries unharmed. */
export function countSchema(meaning: string, min = 0, max = Number.MAX_SAFE_INTEGER) {
  return v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max), v.description(meaning));
}

/** A port of UDP. */
export function udpPortSchema(meaning: string) {
  return countSchema(meaning, 1, 65_535);
}
