import test from 'node:test';
import { live } from './simulation.ts';

for (let seed = 1; seed <= 8; seed++) {
  test(`seed ${seed}: what was acknowledged is true`, () => live(seed, 120));
}
