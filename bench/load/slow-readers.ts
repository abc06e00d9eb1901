// Reads `GET /peers` whole and slowly. Arguments: port, the key, readers at once, bytes a second of each, seconds between one
// reader's end and its next request. Says `reading` once every reader has got something. Goes on until it is killed.
import { connect } from 'node:net';
import { rawRequest } from './raw-connection.ts';

const [port = '', apiKey = '', readers = '1', bytesPerSecond = '', pauseSeconds = '0'] =
  process.argv.slice(2);
const request = rawRequest('GET', '/peers', apiKey);
const tickMs = 50;
let begun = 0;

function read(): void {
  const socket = connect({ port: Number(port), host: '127.0.0.1' });
  let budget = 0;
  let first = true;
  const timer = setInterval(() => {
    budget = (Number(bytesPerSecond) * tickMs) / 1_000;
    socket.resume();
  }, tickMs);
  socket.on('data', (piece) => {
    if (first && ++begun === Number(readers)) process.stdout.write('reading\n');
    first = false;
    budget -= piece.length;
    if (budget <= 0) socket.pause();
    // The last chunk of a chunked body.
    if (piece.subarray(-5).toString('latin1') === '0\r\n\r\n') socket.destroy();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    clearInterval(timer);
    setTimeout(read, Number(pauseSeconds) * 1_000);
  });
  socket.write(request);
}

for (let reader = 0; reader < Number(readers); reader++) read();
