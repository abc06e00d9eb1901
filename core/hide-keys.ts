// Texts that others made, fit for a log: without what could be a key.

/** Replaces what `wg` quotes from its input, and everything that could be a key. */
export function hideKeys(text: string): string {
  return hideKeysAlone(text.replace(/`[^`']*'/g, '(hidden)'));
}

/** Replaces what could be a key, and leaves all else as it is: for a command that somebody is to run. */
export function hideKeysAlone(text: string): string {
  return text.replace(/[A-Za-z0-9+/]{42,}=/g, '(hidden)');
}

/** Something that was thrown, and with it a bug: where it came from, and what it says of itself. */
export function describeBug(bug: unknown): string {
  return hideKeys(bug instanceof Error ? (bug.stack ?? bug.message) : String(bug));
}
