// Request bodies: which media types are read, and bytes to a parsed JSON value. What the value means is not known here.

/** Whether a body under this `Content-Type` is read as JSON in UTF-8. Saying nothing is fine; saying something else is not. */
export function isJsonType(contentType: string): boolean {
  if (otherCharset.test(contentType)) return false;
  const end = contentType.indexOf(';');
  const type = (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
  return type === '' || type === 'application/json' || /^application\/[\w.-]+\+json$/.test(type);
}

// US-ASCII is UTF-8, too; and many write utf8.
const otherCharset = /;\s*charset=(?!"?(?:utf-?8|us-ascii)"?\s*(?:;|$))/i;

/** Whether a body under this `Content-Encoding` is readable as it is. */
export function isPlainEncoding(contentEncoding: string): boolean {
  return contentEncoding === '' || contentEncoding.trim().toLowerCase() === 'identity';
}

/** A body that was read, or what is wrong with it; holds nothing of the body itself. */
export type ParsedBody = { readonly value: unknown } | { readonly problem: string };

/**
 * Parses one JSON text in UTF-8 (RFC 8259). A byte order mark is skipped, as section 8.1 allows. Nesting is bounded by
 * the size of the body alone: the engine's parser does not recurse. A member named `__proto__` becomes an own property.
 */
export function parseJsonBody(bytes: Uint8Array): ParsedBody {
  if (bytes.byteLength === 0) return { problem: 'the body is empty' };
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { problem: 'the body is not UTF-8' };
  }
  try {
    return { value: JSON.parse(text) };
  } catch {
    // The engine's message quotes the body, so it stays here.
    return { problem: 'the body is not JSON' };
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
