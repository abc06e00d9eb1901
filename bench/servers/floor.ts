// The floor: bare uWebSockets.js routes that answer constants, with all headers joined beforehand. No check of any kind.
import uws from 'uWebSockets.js';
import { readSpec } from './spec.ts';

const { port, constants } = readSpec();
const app = uws.App({});
(uws as unknown as { _cfg(setting: string): void })._cfg('silent');
for (const [pattern, { status, headers, body }] of Object.entries(constants)) {
  const lines = headers.map(([name, value]) => `${name}: ${value}`).join('\r\n');
  const head = Buffer.from(`${status} OK\r\n${lines}`);
  const bytes = Buffer.from(body);
  app.get(pattern, (res) => {
    res.writeStatus(head).end(bytes);
  });
}
app.listen('127.0.0.1', port, (socket) => {
  if (!socket) process.exit(1);
});
