// Moments as text (RFC 3339) and as milliseconds since the Unix epoch. Asks no clock.

// The last moment that four digits of year can say.
const latestMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

const rfc3339 =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,32}))?(?:Z|([+-])(\d{2}):(\d{2}))$/i;

/**
 * Parses a date-time of RFC 3339 section 5.6: with its zone, with any offset and fraction. Digits beyond the
 * millisecond are dropped. A leap second counts as the second after it. Null when the text is not one, or names a
 * day that does not exist, or lies before 1970 or beyond the year 9999 in UTC.
 */
export function parseTimestamp(text: string): number | null {
  const match = rfc3339.exec(text);
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const fractionMs = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  const offsetHours = Number(match[9] ?? 0);
  const offsetMinutes = Number(match[10] ?? 0);
  if (hour > 23 || minute > 59 || second > 60 || offsetHours > 23 || offsetMinutes > 59) return null;

  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month - 1, day);
  if (midnight.getUTCMonth() !== month - 1 || midnight.getUTCDate() !== day) return null;

  const offset = (match[8] === '-' ? -1 : 1) * (offsetHours * 60 + offsetMinutes);
  const minuteMs = midnight.getTime() + (hour * 60 + minute - offset) * 60_000;
  // RFC 3339 appendix D: leap seconds come at the end of a UTC day only.
  if (second === 60 && (minuteMs + 60_000) % 86_400_000 !== 0) return null;
  const ms = minuteMs + second * 1000 + fractionMs;
  return ms < 0 || ms > latestMs ? null : ms;
}

/** `2026-02-02T00:06:06Z`: UTC, whole seconds, what is below them dropped. */
export function formatTimestamp(ms: number): string {
  // Field by field: a third of what toISOString costs, and every peer of a list has one at least.
  const moment = new Date(ms);
  const date = `${moment.getUTCFullYear()}-${twoDigits[moment.getUTCMonth() + 1]}-${twoDigits[moment.getUTCDate()]}`;
  const hour = twoDigits[moment.getUTCHours()];
  return `${date}T${hour}:${twoDigits[moment.getUTCMinutes()]}:${twoDigits[moment.getUTCSeconds()]}Z`;
}

const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));
