// One connection and one request at a time, as cheap as a client in Node.js can be: it must not be what is measured.
import { once } from 'node:events';
import { connect } from 'node:net';

export interface RawConnection {
  /** Asks, and resolves with the status when the whole answer is there. */
  ask(request: Buffer): Promise<number>;
  close(): void;
}

export async function openRaw(port: number): Promise<RawConnection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  let received = Buffer.alloc(0);
  let answered: ((status: number) => void) | null = null;
  let failed: ((error: Error) => void) | null = null;
  socket.on('data', (piece) => {
    received = received.length === 0 ? piece : Buffer.concat([received, piece]);
    if (!isWhole(received)) return;
    const status = Number(received.toString('latin1', 9, 12));
    received = Buffer.alloc(0);
    answered?.(status);
  });
  socket.on('error', (error) => failed?.(error));
  socket.on('close', () => failed?.(new Error('the connection was closed')));
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        answered = resolve;
        failed = reject;
        socket.write(request);
      }),
    close() {
      failed = null;
      socket.destroy();
    },
  };
}

/** A request of the API as bytes. */
export function rawRequest(
  method: string,
  target: string,
  apiKey: string,
  body: string | null = null,
): Buffer {
  const lines = [`${method} ${target} HTTP/1.1`, 'Host: node', `X-API-Key: ${apiKey}`];
  if (body !== null)
    lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`);
}

function isWhole(bytes: Buffer): boolean {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const length = /\r\ncontent-length: ([0-9]+)/i.exec(bytes.toString('latin1', 0, end))?.[1];
  return bytes.length >= end + 4 + Number(length ?? 0);
}
