// Many clients ask for `/stats` in the same moment, each time when the last look at the device has grown old.
// Arguments: port, clients, rounds, the key. Prints JSON: milliseconds of every answer, by crowds, and of a single asker's.
import { setTimeout } from 'node:timers/promises';
import { openRaw, rawRequest } from './raw-connection.ts';

const [port = '', clients = '', rounds = '', apiKey = ''] = process.argv.slice(2);
const connections = await Promise.all(Array.from({ length: Number(clients) }, () => openRaw(Number(port))));
const request = rawRequest('GET', '/stats', apiKey);
const times = { crowdsMs: [] as number[][], aloneMs: [] as number[] };

async function ask(askers: typeof connections): Promise<number[]> {
  const began = performance.now();
  return Promise.all(
    askers.map(async (connection) => {
      const status = await connection.ask(request);
      if (status !== 200) throw new Error(`answered ${status}`);
      return performance.now() - began;
    }),
  );
}

for (let round = 0; round <= Number(rounds); round++) {
  await setTimeout(1_100);
  const crowd = await ask(connections);
  await setTimeout(1_100);
  const alone = await ask(connections.slice(0, 1));
  // In the first round both sides are still being compiled.
  if (round === 0) continue;
  times.crowdsMs.push(crowd);
  times.aloneMs.push(...alone);
}
for (const connection of connections) connection.close();
process.stdout.write(JSON.stringify(times));
