import { once } from 'node:events';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { connect, startDoor, type DoorUnderTest } from './door-under-test.ts';
import { answerTo, upgradeRequest } from './upgrade-request.fixture.ts';

let nats: NatsServer;
let one: DoorUnderTest;
beforeAll(async () => {
  nats = await startNats();
  one = await startDoor(nats.url);
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
  await nats.stop();
});

describe('requests to upgrade', () => {
  test.each([
    ['no subprotocol', [], 400, 'subprotocol.required'],
    ['an unknown subprotocol', ['Sec-WebSocket-Protocol: soap, graphql-ws'], 400, 'subprotocol.required'],
  ])('%s is refused before it becomes a WebSocket', async (_what, headers, status, code) => {
    const answer = await answerTo(one.port, upgradeRequest(headers as string[]));
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('application/problem+json');
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ status, code });
  });

  test('a client id that is none is refused with 400', async () => {
    const headers = ['Sec-WebSocket-Protocol: trivium.v1'];
    const answer = await answerTo(one.port, upgradeRequest(headers, '/?clientId=%FF'));
    expect(answer).toMatch(/^HTTP\/1.1 400 [^]*client-id.invalid/);
  });

  test('the chosen subprotocol is the client’s first that is spoken here, and nothing is compressed', async () => {
    const ws = new WebSocket(one.url, ['soap', 'trivium.v1', 'mqtt'], { perMessageDeflate: true });
    await once(ws, 'open');
    expect([ws.protocol, ws.extensions]).toEqual(['trivium.v1', '']);
    ws.terminate();
  });

  test.each(['mqtt', 'trivium.v1'])(
    '[RFC6455-10.2] %s: pages of origins that are not listed are refused with 403',
    async (protocol) => {
      await using door = await startDoor(nats.url, { config: { origins: ['https://app.example', 'null'] } });
      const open = (origin?: string): Promise<WebSocket> => {
        const ws = new WebSocket(door.url, protocol, origin === undefined ? {} : { origin });
        return once(ws, 'open').then(() => ws);
      };
      for (const origin of ['https://evil.example', 'https://app.example.evil.example', 'http://app.example'])
        await expect(open(origin)).rejects.toThrow('403');
      for (const origin of ['https://app.example', 'null', undefined]) (await open(origin)).terminate();
    },
  );

  test('plain HTTP is told to upgrade', async () => {
    const response = await fetch(`http://127.0.0.1:${one.port}/`);
    expect([response.status, response.headers.get('upgrade')]).toEqual([426, 'websocket']);
    expect(await response.json()).toMatchObject({ code: 'protocol.unsupported' });
  });

  test('more connections than maxConnections are refused with 429 until one goes', async () => {
    await using small = await startDoor(nats.url, { config: { maxConnections: 1 } });
    const first = await connect(small.url);
    await expect(connect(small.url)).rejects.toThrow('429');
    await first[Symbol.asyncDispose]();
    await waitFor(() => small.door.stats.connectionsTrivium === 0);
    await using _again = await connect(small.url);
  });

  test('garbage, a huge header and a broken request line are refused, and the door goes on', async () => {
    expect(await answerTo(one.port, Buffer.from([0x10, 0x0c, 0, 4, 0xff, 0xfe, 0x0d, 0x0a]))).toMatch(
      /^HTTP\/1.1 400/,
    );
    expect(await answerTo(one.port, upgradeRequest([`X: ${'x'.repeat(100_000)}`]))).toMatch(/^HTTP\/1.1 431/);
    expect(await answerTo(one.port, 'NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1.1 400/);
    await using client = await connect(one.url);
    expect(await client.ask({ op: 'ping' })).toMatchObject({ op: 'pong' });
  });

  test('garbage after the upgrade closes with 1002, and the door goes on', async () => {
    const garbage = Buffer.from('this is no frame at all, and it is long enough to be read as one');
    const request = Buffer.from(upgradeRequest(['Sec-WebSocket-Protocol: trivium.v1']));
    const answer = await answerTo(one.port, Buffer.concat([request, garbage]));
    expect(answer).toMatch(/^HTTP\/1.1 101/);
    const close = Buffer.from(answer, 'latin1').subarray(-4);
    expect([close[0], close[1], close.readUInt16BE(2)]).toEqual([0x88, 2, 1002]);
    await using client = await connect(one.url);
    expect(await client.ask({ op: 'ping' })).toMatchObject({ op: 'pong' });
  });
});
