// RFC 3339, read with everything that it allows and nothing else; and the one form that is written.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatTimestamp, parseTimestamp } from '../../core/timestamp.ts';
import { createSeeded } from '../fakes/seeded.ts';

const good: readonly (readonly [string, number])[] = [
  ['1970-01-01T00:00:00Z', 0],
  ['2026-12-31T23:59:59Z', Date.UTC(2026, 11, 31, 23, 59, 59)],
  ['2026-12-31t23:59:59z', Date.UTC(2026, 11, 31, 23, 59, 59)],
  // Fractions, of any length, cut off behind the millisecond.
  ['2026-01-02T03:04:05.6Z', Date.UTC(2026, 0, 2, 3, 4, 5, 600)],
  ['2026-01-02T03:04:05.06Z', Date.UTC(2026, 0, 2, 3, 4, 5, 60)],
  ['2026-01-02T03:04:05.999999999Z', Date.UTC(2026, 0, 2, 3, 4, 5, 999)],
  ['2026-01-02T03:04:05.00099999999999999999999999999999Z', Date.UTC(2026, 0, 2, 3, 4, 5)],
  // Offsets.
  ['2026-01-02T03:04:05+00:00', Date.UTC(2026, 0, 2, 3, 4, 5)],
  ['2026-01-02T03:04:05-00:00', Date.UTC(2026, 0, 2, 3, 4, 5)],
  ['2026-01-02T03:04:05+01:00', Date.UTC(2026, 0, 2, 2, 4, 5)],
  ['2026-01-01T00:10:00.5+05:45', Date.UTC(2025, 11, 31, 18, 25, 0, 500)],
  ['2025-12-31T20:00:00-08:00', Date.UTC(2026, 0, 1, 4)],
  ['2026-01-02T03:04:05+23:59', Date.UTC(2026, 0, 1, 3, 5, 5)],
  ['1969-12-31T23:00:00-01:00', 0],
  // Leap days.
  ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ['2000-02-29T00:00:00Z', Date.UTC(2000, 1, 29)],
  // Leap seconds, at the end of a UTC day only, whatever the offset says.
  ['1990-12-31T23:59:60Z', Date.UTC(1991, 0, 1)],
  ['1990-12-31T15:59:60-08:00', Date.UTC(1991, 0, 1)],
  ['2016-12-31T23:59:60.25Z', Date.UTC(2017, 0, 1, 0, 0, 0, 250)],
  // The last moment of four digits.
  ['9999-12-31T23:59:59.999Z', Date.UTC(9999, 11, 31, 23, 59, 59, 999)],
  ['9999-12-31T23:59:59+01:00', Date.UTC(9999, 11, 31, 22, 59, 59)],
];

// biome-ignore format: lists to be read across
const bad: Readonly<Record<string, readonly string[]>> = {
  'no zone': ['2026-01-02T03:04:05', '2026-01-02T03:04:05.5'],
  'a part that is missing': ['', '2026-01-02', '2026-01-02T03:04Z', 'T03:04:05Z', '2026-01-02T03:04:05.Z', '03:04:05Z'],
  'other separators': ['2026-01-02 03:04:05Z', '2026/01/02T03:04:05Z', '20260102T030405Z', '2026-01-02T03:04:05,5Z'],
  'other widths': ['26-01-02T03:04:05Z', '2026-1-02T03:04:05Z', '02026-01-02T03:04:05Z', '+002026-01-02T03:04:05Z'],
  'a malformed offset': [
    '2026-01-02T03:04:05+1:00', '2026-01-02T03:04:05+0100', '2026-01-02T03:04:05+01', '2026-01-02T03:04:05+24:00',
    '2026-01-02T03:04:05+01:60', '2026-01-02T03:04:05Z+01:00', '2026-01-02T03:04:05−01:00', '2026-01-02T03:04:05 Z',
  ],
  'days that do not exist': [
    '2026-02-29T00:00:00Z', '1900-02-29T00:00:00Z', '2026-02-30T00:00:00Z', '2026-04-31T00:00:00Z',
    '2026-01-32T00:00:00Z', '2026-01-00T00:00:00Z', '2026-00-01T00:00:00Z', '2026-13-01T00:00:00Z',
  ],
  'times that do not exist': ['2026-01-02T24:00:00Z', '2026-01-02T03:60:00Z', '2026-01-02T03:04:61Z'],
  'leap seconds that can not be': [
    '2026-01-02T03:04:60Z', '2016-12-31T23:59:60+01:00', '2016-12-31T22:59:60Z', '2016-12-31T23:58:60Z',
  ],
  'moments beyond what can be answered': [
    '9999-12-31T23:59:59-00:01', '9999-12-31T23:59:60Z', '1969-12-31T23:59:59Z', '1970-01-01T00:00:00+00:01',
    '0000-01-01T00:00:00Z', '0099-01-01T00:00:00Z',
  ],
  'something around it': [' 2026-01-02T03:04:05Z', '2026-01-02T03:04:05Z\n', '2026-01-02T03:04:05Z '],
  'digits of other scripts': ['２０２６-01-02T03:04:05Z', '2026-01-0٢T03:04:05Z'],
  'more digits than are read': [`2026-01-02T03:04:05.${'0'.repeat(33)}Z`],
};

describe('parseTimestamp', () => {
  for (const [text, ms] of good) it(`reads ${text}`, () => assert.equal(parseTimestamp(text), ms));
  for (const [what, texts] of Object.entries(bad)) {
    it(`refuses ${what}`, () => {
      for (const text of texts) assert.equal(parseTimestamp(text), null, JSON.stringify(text));
    });
  }

  it('agrees with Date on every moment that Date can write', () => {
    const random = createSeeded(4);
    for (let round = 0; round < 5_000; round++) {
      const ms = Number(random.bits(48)) % Date.UTC(9999, 11, 31);
      assert.equal(parseTimestamp(new Date(ms).toISOString()), ms);
    }
  });
});

describe('formatTimestamp', () => {
  it('writes whole seconds of UTC and drops what is below them', () => {
    assert.equal(formatTimestamp(0), '1970-01-01T00:00:00Z');
    assert.equal(formatTimestamp(Date.UTC(2026, 1, 2, 0, 6, 6, 999)), '2026-02-02T00:06:06Z');
    assert.equal(formatTimestamp(Date.UTC(9999, 11, 31, 23, 59, 59, 999)), '9999-12-31T23:59:59Z');
    // Steps that meet every month, hour, minute and second, and leap years.
    for (let ms = 0; ms < Date.UTC(2100, 2, 2); ms += 13_597_531_246) {
      assert.equal(formatTimestamp(ms), new Date(ms).toISOString().replace(/\.\d+/, ''));
    }
  });
});
