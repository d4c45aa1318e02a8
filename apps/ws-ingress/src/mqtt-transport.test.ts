import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Transport, TransportSink } from '@trivium/mqtt';
import { waitFor } from '@trivium/testing';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createMqttTransport } from './mqtt-transport.ts';

interface Pair extends AsyncDisposable {
  client: WebSocket;
  transport: Transport;
  chunks: Buffer[];
  events: string[];
  /** Binary messages that the client has received. */
  received: Buffer[];
}

/** A WebSocket on loopback: a plain client at one end, the transport at the other. */
async function pair(compress = false): Promise<Pair> {
  const server = createServer();
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: 1 << 20,
    perMessageDeflate: compress && { threshold: 0 },
  });
  const chunks: Buffer[] = [];
  const events: string[] = [];
  const sink: TransportSink = {
    onData: (chunk) => void chunks.push(chunk),
    onDrain: () => void events.push('drain'),
    onEnd: () => void events.push('end'),
    onClose: () => void events.push('close'),
  };
  const upgraded = new Promise<Transport>((resolve) =>
    server.on('upgrade', (request, socket: Socket, head) =>
      webSockets.handleUpgrade(request, socket, head, (ws) => {
        ws.on('error', () => undefined);
        const transport = createMqttTransport(ws, socket, () => 1012);
        transport.open(sink);
        resolve(transport);
      }),
    ),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, 'mqtt');
  const received: Buffer[] = [];
  client.on('message', (data: Buffer) => void received.push(data));
  await once(client, 'open');
  return {
    client,
    transport: await upgraded,
    chunks,
    events,
    received,
    async [Symbol.asyncDispose]() {
      client.terminate();
      await waitFor(() => events.includes('close'));
      server.close();
    },
  };
}

test('[MQTT3-6.0.0-2] [MQTT-6.0.0-2] bytes arrive in order however they are cut into messages and fragments', async () => {
  await using to = await pair();
  to.client.send(Buffer.from([1, 2, 3]));
  to.client.send(Buffer.from([4]), { fin: false });
  to.client.send(Buffer.from([5, 6]), { fin: false });
  to.client.send(Buffer.from([7]));
  to.client.send(Buffer.alloc(0));
  to.client.send(Buffer.from([8]));
  await waitFor(() => Buffer.concat(to.chunks).length === 8);
  expect([...Buffer.concat(to.chunks)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('[MQTT3-6.0.0-1] [MQTT-6.0.0-1] a text message closes with 1003 and is not handed on', async () => {
  await using to = await pair();
  to.client.send('text');
  to.client.send(Buffer.from([1]));
  const [code] = (await once(to.client, 'close')) as [number];
  expect(code).toBe(1003);
  expect(to.chunks).toEqual([]);
});

test('what is written at once leaves as one binary message', async () => {
  await using to = await pair();
  to.transport.write([Buffer.from([0x20, 2, 0, 0])]);
  to.transport.write([Buffer.from([0x40, 2]), Buffer.from([0, 1]), Buffer.from([0xd0, 0])]);
  await waitFor(() => to.received.length === 2);
  expect(to.received.map((message) => [...message])).toEqual([
    [0x20, 2, 0, 0],
    [0x40, 2, 0, 1, 0xd0, 0],
  ]);
});

test.each([
  ['plain', false],
  ['compressed', true],
])(
  '%s: a client that does not read makes write say false, and drain follows when it has read',
  async (_how, compress) => {
    await using to = await pair(compress);
    to.client.pause();
    const block = randomBytes(compress ? 10_000 : 1 << 20);
    let blocks = 1;
    while (to.transport.write([block])) blocks++;
    expect(to.events).toEqual([]);
    to.client.resume();
    await waitFor(() => to.events.includes('drain'));
    await waitFor(() => to.received.length === blocks);
    expect(to.events).toEqual(['drain']);
  },
);

test('compressed: what is written leaves in order, one message a write', async () => {
  await using to = await pair(true);
  expect(to.client.extensions).toContain('permessage-deflate');
  const written = Array.from({ length: 50 }, (_, i) => Buffer.alloc(500, i));
  for (const block of written) expect(to.transport.write([block])).toBe(true);
  await waitFor(() => to.received.length === written.length);
  expect(to.received).toEqual(written);
});

test('paused it hands nothing on until it is resumed', async () => {
  await using to = await pair();
  to.transport.pause();
  to.client.send(Buffer.from([1]));
  to.client.ping();
  await waitFor(() => to.client.bufferedAmount === 0);
  expect(to.chunks).toEqual([]);
  to.transport.resume();
  await waitFor(() => to.chunks.length === 1);
});

test('end lets what was written arrive, closes with the given code, and ends with onClose, even while paused', async () => {
  await using to = await pair();
  to.transport.pause();
  to.transport.write([Buffer.from([0xe0, 0])]);
  to.transport.end();
  to.transport.end();
  const [code] = (await once(to.client, 'close')) as [number];
  expect([code, to.received.map((message) => [...message])]).toEqual([1012, [[0xe0, 0]]]);
  await waitFor(() => to.events.includes('close'));
  expect(to.events).toEqual(['close']);
});

test('destroy cuts off; writing afterwards does nothing', async () => {
  await using to = await pair();
  to.transport.destroy();
  await waitFor(() => to.events.includes('close'));
  to.transport.write([Buffer.from([1])]);
  to.transport.end();
  to.transport.destroy();
  expect(to.events).toEqual(['close']);
});
