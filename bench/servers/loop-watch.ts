// Loaded into the node before its program: writes the longest stop of the event loop so far, milliseconds, to a file
// whenever SIGUSR2 comes, and starts anew.
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const file = process.env['BENCH_LOOP_FILE'] ?? '';
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.on('SIGUSR2', () => {
  writeFileSync(file, String(delay.max / 1e6));
  delay.reset();
});
