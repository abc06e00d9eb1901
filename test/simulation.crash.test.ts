// The simulation for longer, with seeds of its own.
import test from 'node:test';
import { live } from './simulation.ts';

for (let seed = 101; seed <= 200; seed++) {
  test(`seed ${seed}: what was acknowledged is true`, () => live(seed, 120));
}
