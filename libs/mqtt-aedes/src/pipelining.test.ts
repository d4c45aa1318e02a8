import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDoor, startOtherDoor, type DoorFixture, type OtherDoor } from './door.fixture.ts';
import {
  connectFrame,
  DISCONNECT,
  PINGREQ,
  publishFrame,
  rawClient,
  subscribeFrame,
  unsubscribeFrame,
} from './raw-client.fixture.ts';

let nats: NatsServer;
let fixture: DoorFixture;
let other: OtherDoor;
beforeAll(async () => {
  nats = await startNats();
  [fixture, other] = await Promise.all([startDoor(nats.url), startOtherDoor(nats.url)]);
});
afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
  await nats?.stop();
});

describe('packets in one chunk are served one after the other', () => {
  it('CONNECT, PUBLISH and DISCONNECT: the message arrives', async () => {
    const seen = await other.collect('p1');
    rawClient(fixture.port).send(connectFrame(), publishFrame('p1', 'x'), DISCONNECT);
    await waitFor(() => seen.length > 0);
    expect(seen).toEqual(['p1 x q0']);
  });

  it('CONNECT and 60 SUBSCRIBEs, though aedes keeps no more than 42 packets', async () => {
    const client = rawClient(fixture.port);
    const filters = Array.from({ length: 60 }, (_, i) => subscribeFrame(i + 1, [`p2/${i % 10}`, 0]));
    client.send(connectFrame({ clientId: 'p2' }), ...filters);
    await client.packet(60);
    expect(client.packets.slice(1)).toEqual(
      filters.map((_, i) => `9003${(i + 1).toString(16).padStart(4, '0')}00`),
    );
  });

  it('PINGRESP does not overtake SUBACK, nor UNSUBSCRIBE its SUBSCRIBE', async () => {
    const client = rawClient(fixture.port);
    client.send(
      connectFrame({ clientId: 'p3' }),
      subscribeFrame(1, ['p3', 1]),
      PINGREQ,
      unsubscribeFrame(2, 'p3'),
      PINGREQ,
      subscribeFrame(3, ['p3/end', 1]),
    );
    await client.packet(5);
    expect(client.packets).toEqual(['20020000', '9003000101', 'd000', 'b0020002', 'd000', '9003000301']);
    await other.publish('p3', 'x', 1);
    await other.publish('p3/end', 'y', 1);
    expect(await client.packet(6)).toMatch(/^320b00067033/);
    expect(client.packets).toHaveLength(7);
  });

  it('what a client sent before it closed its side is acknowledged', async () => {
    const client = rawClient(fixture.port);
    client.send(connectFrame({ clientId: 'p4' }), publishFrame('p4', 'x', 0x32, 7));
    client.socket.end();
    await client.closed();
    expect(client.packets).toEqual(['20020000', '40020007']);
  });

  it('a thousand publishes in one write, in order', async () => {
    const seen = await other.collect('p5');
    const client = rawClient(fixture.port);
    const count = 1_000;
    const frames = Array.from({ length: count }, (_, i) => publishFrame('p5', String(i), 0x32, i + 1));
    client.send(connectFrame({ clientId: 'p5' }), ...frames);
    await client.packet(count);
    await waitFor(() => seen.length === count);
    expect(seen).toEqual(frames.map((_, i) => `p5 ${i} q1`));
    expect(client.packets.slice(1)).toEqual(
      frames.map((_, i) => `4002${(i + 1).toString(16).padStart(4, '0')}`),
    );
  });
});
