// The key check: whether a text is the key, in a time that tells neither where it differs nor how long the key is.

/** Whether a text is the key. */
export type KeyCheck = (candidate: string) => boolean;

/**
 * Prepares the check of one key. The work is the same for every candidate: a comparison over a padded table. (A hash of
 * both sides would hide as much and costs ten times as long.)
 */
export function createKeyCheck(key: string): KeyCheck {
  const length = key.length;
  const table = new Uint16Array(Math.max(1, Math.ceil(length / tableStep)) * tableStep);
  for (let at = 0; at < length; at++) table[at] = key.charCodeAt(at);
  return (candidate) => {
    // An empty key would open the door to everybody: it fits nothing.
    let difference = length === 0 ? 1 : candidate.length ^ length;
    for (let at = 0; at < table.length; at++) {
      // Beyond its end a text has NaN, which counts as 0 here.
      difference |= candidate.charCodeAt(at) ^ (table[at] ?? 0);
    }
    return difference === 0;
  };
}

/** All keys up to this length take the same time. */
const tableStep = 128;
