// What one core makes of keys alone: for each line that comes, a number of milliseconds, prints how many peers' keys it made.
import { createInterface } from 'node:readline';
import { createPeerKeys } from '../../adapters/keys.ts';

createInterface({ input: process.stdin }).on('line', (line) => {
  const began = performance.now();
  let made = 0;
  while (performance.now() - began < Number(line)) {
    createPeerKeys();
    made++;
  }
  process.stdout.write(`${made / ((performance.now() - began) / 1_000)}\n`);
});
