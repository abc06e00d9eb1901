// The key check: whether a text is the key, in a time that tells neither where it differs nor how long the key is.

/** Where requests carry their key: in a header of its own, or as `Authorization: Bearer` (RFC 6750 section 2.1). */
export type KeyScheme = 'x-api-key' | 'bearer';

/** The token of an `Authorization` header; '' where it has another scheme. */
export function parseBearerToken(authorization: string): string {
  return /^bearer +(.*)$/i.exec(authorization)?.[1] ?? '';
}

/** Whether a text is the key. */
export type KeyCheck = (candidate: string) => boolean;

/**
 * Prepares the check of one key: a comparison over a padded table, whose work depends on neither the key nor what is in
 * the candidate. (A hash of both sides would hide as much and takes ten times as long.)
 */
export function createKeyCheck(key: string): KeyCheck {
  const length = key.length;
  const table = new Uint16Array(Math.max(1, Math.ceil(length / tableStep)) * tableStep);
  for (let at = 0; at < length; at++) table[at] = key.charCodeAt(at);
  return (candidate) => {
    // An empty key would open the door to everybody: it fits nothing. That the lengths are equal spares a look at the rest.
    let difference = length === 0 ? 1 : candidate.length ^ length;
    const end = Math.min(candidate.length, table.length);
    for (let at = 0; at < end; at++) difference |= candidate.charCodeAt(at) ^ (table[at] as number);
    return difference === 0;
  };
}

/** Keys of up to so many characters take the same time. */
const tableStep = 128;
