// Long bodies that are made as their readers take them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { formatRequest, withKey } from '../../fixtures/http-request.ts';
import { connect, type RawClient } from '../../fixtures/raw-client.ts';
import { startToyServer } from '../../fixtures/toy-server.ts';
import { until } from '../../fixtures/until.ts';

const askForPieces = formatRequest({ target: '/pieces', headers: [withKey] });
const megabyte = 1_000_000;

/** Pieces of 80,000 characters up to a length, and what became of them. */
function countedPieces(length: number) {
  const seen = { made: 0, ended: false };
  function* make(): Iterable<string> {
    try {
      while (seen.made < length) {
        seen.made += 80_000;
        yield 'x'.repeat(80_000);
      }
    } finally {
      seen.ended = true;
    }
  }
  return { seen, make };
}

test('a long body arrives whole, and the connection goes on', async (context) => {
  const { port, toys, clock } = await startToyServer(context);
  toys.pieces = function* () {
    yield '[';
    for (let count = 0; count < 100_000; count++) yield `${count},"é",`;
    yield 'null]';
  };
  const client = await connect(port);
  const response = await client.send(askForPieces).response();
  assert.equal(response?.headers.get('transfer-encoding'), 'chunked');
  const items = JSON.parse(response?.body ?? '') as unknown[];
  assert.deepEqual([items.length, items[199_998], items[199_999]], [200_001, 99_999, 'é']);
  assert.equal((await client.send(formatRequest({ target: '/alive' })).response())?.status, 200);
  assert.equal(clock.timers, 0);
  client.close();
});

test('an empty body in pieces is an empty body', async (context) => {
  const { port, toys } = await startToyServer(context);
  toys.pieces = () => [];
  const client = await connect(port);
  assert.equal((await client.send(askForPieces).response())?.body, '');
  client.close();
});

test('for slow readers no more is made than the system has taken', async (context) => {
  const { port, toys } = await startToyServer(context);
  const bodies = [0, 1, 2].map(() => countedPieces(64 * megabyte));
  const waiting = bodies.map(({ make }) => make);
  toys.pieces = () => waiting.shift()?.() ?? [];
  const clients: RawClient[] = [];
  for (const _ of bodies) {
    const client = await connect(port);
    client.socket.pause();
    clients.push(client.send(askForPieces));
  }
  await until('every body was begun', () => bodies.every(({ seen }) => seen.made > 0));
  for (const [index, client] of clients.entries()) {
    const { seen } = bodies[index] ?? assert.fail();
    let taken = 0;
    client.socket.removeAllListeners('data').on('readable', () => {});
    while (!seen.ended || taken < seen.made) {
      taken +=
        (client.socket.read(Math.min(client.socket.readableLength, 65_536)) as Buffer | null)?.length ?? 0;
      // The system's own buffers hold up to some 10 MB a connection; beyond them there is one piece.
      assert.ok(seen.made - taken < 20 * megabyte, `${seen.made} made, ${taken} taken`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.close();
  }
});

test('a reader that takes nothing is cut after 10 s, and its body is given up', async (context) => {
  const { port, toys, clock, server } = await startToyServer(context);
  const { seen, make } = countedPieces(640 * megabyte);
  toys.pieces = make;
  const client = await connect(port);
  client.socket.pause();
  client.send(askForPieces);
  await until('the system takes no more', async () => {
    const { made } = seen;
    await clock.settle();
    // Two timers: the one for the whole body, and the one that runs while the reader takes nothing.
    return made > 0 && made === seen.made && clock.timers === 2;
  });
  await clock.advance(9_999);
  assert.equal(seen.ended, false);
  await clock.advance(1);
  assert.equal(seen.ended, true);
  assert.equal(server.connections(), 0);
  assert.equal(clock.timers, 0);
  client.close();
});

test('a reader that goes away gives its body up', async (context) => {
  const { port, toys, clock, server } = await startToyServer(context);
  const { seen, make } = countedPieces(640 * megabyte);
  toys.pieces = make;
  const client = await connect(port);
  client.socket.pause();
  client.send(askForPieces);
  await until('the body was begun', () => seen.made > 0);
  client.close();
  await until('the connection is gone', () => server.connections() === 0);
  assert.equal(seen.ended, true);
  assert.equal(clock.timers, 0);
});

test('a body that fails half-way ends the connection without its end', async (context) => {
  const { port, toys, log } = await startToyServer(context);
  toys.pieces = function* () {
    yield 'x'.repeat(50_000);
    throw new Error('a bug in a piece');
  };
  const client = await connect(port);
  client.send(askForPieces);
  assert.equal(await client.response(), null);
  assert.match(String(log.lines[0]?.fields['trace']), /a bug in a piece/);
});

test('64 long bodies may be on their way, one more is refused', async (context) => {
  const { port, toys } = await startToyServer(context);
  let begun = 0;
  toys.pieces = function* () {
    begun++;
    for (;;) yield 'x'.repeat(80_000);
  };
  const clients: RawClient[] = [];
  for (let count = 0; count < 64; count++) {
    // From addresses of their own, since one address may not ask so often.
    const client = await connect(port, { localAddress: `127.0.0.${count + 2}` });
    client.socket.pause();
    clients.push(client.send(askForPieces));
  }
  await until('all are begun', () => begun === 64);
  const extra = await connect(port);
  const refused = await extra.send(askForPieces).response();
  assert.equal(refused?.status, 503);
  assert.equal(JSON.parse(refused?.body ?? '').code, 'overloaded');
  assert.equal(refused?.headers.get('retry-after'), '1');
  assert.equal(begun, 64);
  clients.shift()?.close();
  await until('there is room again', async () => {
    const status = (await extra.send(formatRequest({ target: '/ready' })).response())?.status;
    return status === 503;
  });
  for (const client of [...clients, extra]) client.close();
});
