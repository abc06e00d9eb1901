// Token buckets by address.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Address } from '../../../core/address.ts';
import { createRateLimit } from '../../../core/http/rate-limit.ts';
import { createSeeded } from '../../fakes/seeded.ts';

const settings = { perSecond: 20, burst: 30, addressesMax: 1_000 };
const address = (value: number): Address => ({ family: 'IPv4', value: BigInt(value) });
const me = address(1);

test('a bucket holds its burst, refills steadily and never beyond', () => {
  const limit = createRateLimit(settings);
  const takeAll = (atMs: number) => {
    let taken = 0;
    while (limit.take(me, atMs) === 0) taken++;
    return taken;
  };
  assert.equal(takeAll(5_000), 30);
  assert.equal(takeAll(5_049), 0);
  assert.equal(takeAll(5_050), 1);
  assert.equal(takeAll(5_550), 10);
  assert.equal(takeAll(100_000), 30);
});

test('a refusal says how long it will last, and costs nothing', () => {
  const limit = createRateLimit(settings);
  for (let count = 0; count < 30; count++) limit.take(me, 0);
  for (let count = 0; count < 100; count++) assert.equal(limit.take(me, 10), 40);
  assert.equal(limit.take(me, 50), 0);
});

test('addresses of both families have buckets of their own', () => {
  const limit = createRateLimit({ ...settings, burst: 1 });
  assert.equal(limit.take({ family: 'IPv4', value: 1n }, 0), 0);
  assert.equal(limit.take({ family: 'IPv6', value: 1n }, 0), 0);
  assert.notEqual(limit.take({ family: 'IPv4', value: 1n }, 0), 0);
  assert.notEqual(limit.take({ family: 'IPv6', value: 1n }, 0), 0);
});

test('forgetting full buckets changes no decision', () => {
  const random = createSeeded(7);
  const limit = createRateLimit(settings);
  const buckets = new Map<number, { tokens: number; atMs: number }>();
  let nowMs = 0;
  let refused = 0;
  for (let step = 0; step < 50_000; step++) {
    nowMs += random.chance(1 / 200) ? random.below(4_000) : random.below(10);
    const who = random.below(2);
    const bucket = buckets.get(who) ?? { tokens: 30, atMs: nowMs };
    bucket.tokens = Math.min(30, bucket.tokens + ((nowMs - bucket.atMs) * 20) / 1_000);
    bucket.atMs = nowMs;
    const expected = bucket.tokens > 1 - 1e-6;
    if (expected) bucket.tokens -= 1;
    buckets.set(who, bucket);
    if (!expected) refused++;
    assert.equal(limit.take(address(who), nowMs) === 0, expected, `step ${step}`);
  }
  assert.ok(refused > 5_000 && refused < 45_000, `${refused} refused`);
});

test('memory is bounded, however many addresses come', () => {
  const limit = createRateLimit(settings);
  for (let who = 0; who < 50_000; who++) limit.take(address(who), who / 1_000);
  assert.ok(limit.size() <= 2 * settings.addressesMax, String(limit.size()));
  assert.ok(limit.size() >= settings.addressesMax);
});

test('a bucket outlives requests from almost as many others as are remembered', () => {
  const limit = createRateLimit(settings);
  while (limit.take(me, 0) === 0);
  for (let other = 2; other < settings.addressesMax; other++) limit.take(address(other), 0);
  assert.notEqual(limit.take(me, 0), 0);
});
