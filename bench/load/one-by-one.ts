// Times one create after the other, and between them what a create can't do without: two flushes, and one `wg set`.
// Arguments: port, how many, a folder on the node's disk, an interface to set peers on ('' for none), the key. Prints JSON.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fdatasyncSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { peerFixture } from '../../test/fixtures/peers.ts';
import { openRaw, rawRequest } from './raw-connection.ts';

const [port = '', count = '', folder = '', interfaceName = '', apiKey = ''] = process.argv.slice(2);
const connection = await openRaw(Number(port));
const file = openSync(join(folder, 'flushed'), 'a', 0o600);
const record = Buffer.alloc(200, 0x5a);
const shell = spawn('sh', ['-c', 'while read -r words; do $words; echo $?; done'], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const answers = createInterface({ input: shell.stdout });
const keyFile = join(folder, 'preshared-key');
writeFileSync(keyFile, `${peerFixture(0).presharedKey}\n`, { mode: 0o600 });

async function create(): Promise<void> {
  const request = rawRequest('POST', '/peers', apiKey, JSON.stringify({ peerId: randomUUID() }));
  const status = await connection.ask(request);
  if (status !== 200) throw new Error(`a create was answered ${status}`);
}

function flush(): void {
  writeSync(file, record);
  fdatasyncSync(file);
}

async function setPeer(index: number): Promise<void> {
  const peer = peerFixture(8_000_000 + index);
  const words = [
    'peer',
    peer.publicKey,
    'preshared-key',
    keyFile,
    'allowed-ips',
    peer.allowedIPs.join(','),
    'persistent-keepalive',
    '25',
  ];
  shell.stdin.write(`wg set ${interfaceName} ${words.join(' ')}\n`);
  const [status] = await once(answers, 'line');
  if (status !== '0') throw new Error(`wg set ended with ${status}`);
}

async function timed(work: () => void | Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

const times = { createMs: [] as number[], flushMs: [] as number[], setMs: [] as number[] };
for (let index = 0; index < Number(count); index++) {
  times.createMs.push(await timed(create));
  times.flushMs.push(await timed(flush));
  if (interfaceName !== '') times.setMs.push(await timed(() => setPeer(index)));
}
shell.stdin.end();
connection.close();
process.stdout.write(JSON.stringify(times));
