import { clientSubject } from '@trivium/contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDoor, startOtherDoor, type DoorFixture, type OtherDoor } from './door.fixture.ts';
import {
  connectFrame,
  field,
  id,
  frame,
  publishFrame,
  rawClient,
  subscribeFrame,
  type ConnectFields,
} from './raw-client.fixture.ts';

let nats: NatsServer;
let fixture: DoorFixture;
let other: OtherDoor;
let heard: string[];
beforeAll(async () => {
  nats = await startNats();
  [fixture, other] = await Promise.all([startDoor(nats.url), startOtherDoor(nats.url)]);
  heard = await other.collect('#');
});
afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
  await nats?.stop();
});

const will = (topic: string): Buffer[] => [field(topic), field('gone')];

describe('CONNECT', () => {
  it.each<[string, ConnectFields, string]>([
    ['clean session 0, since sessions would be in memory of this process', { flags: 0 }, '05'],
    ['a will', { flags: 0x06, rest: will('w') }, '05'],
    ['a will with QoS 3 [MQTT3-3.1.2-14]', { flags: 0x1e, rest: will('w') }, '05'],
    ['an empty client id with clean session 0 [MQTT3-3.1.3-8]', { clientId: '', flags: 0 }, '02'],
    ['an empty client id in 3.1', { clientId: '', level: 3 }, '02'],
    ['a client id that is too long', { clientId: 'x'.repeat(101) }, '02'],
    ['a client id with U+0000 [MQTT3-1.5.3-2]', { clientId: 'a\0b' }, '02'],
    ['a client id that is not UTF-8 [MQTT3-1.5.3-1]', { clientId: Buffer.from([0x61, 0xc3, 0x28]) }, '02'],
    ['MQTT 5 [MQTT3-3.1.2-2]', { level: 5, clientId: Buffer.alloc(0), rest: [Buffer.from([0])] }, '01'],
  ])('refuses %s', async (_what, fields, code) => {
    const { refused, sessions } = fixture.door.stats;
    const client = rawClient(fixture.port);
    client.send(connectFrame(fields));
    await client.closed();
    expect(client.packets).toEqual([`200200${code}`]); // session present 0 [MQTT3-3.2.2-4]
    expect(fixture.door.stats).toMatchObject({ refused: refused + 1, sessions });
  });

  it('takes a long client id in 3.1, and an empty one in 3.1.1', async () => {
    for (const fields of [{ clientId: 'x'.repeat(60), level: 3 }, { clientId: '' }]) {
      const client = rawClient(fixture.port);
      client.send(connectFrame(fields));
      expect(await client.packet(0)).toBe('20020000');
      client.socket.destroy();
    }
  });

  it('closes when anything else comes first [MQTT3-3.1.0-1], or a second one [MQTT3-3.1.0-2]', async () => {
    const early = rawClient(fixture.port);
    early.send(publishFrame('a', 'x'));
    const twice = rawClient(fixture.port);
    twice.send(connectFrame({ clientId: 'twice' }), connectFrame({ clientId: 'twice' }));
    await Promise.all([early.closed(), twice.closed()]);
    expect(early.packets).toEqual([]);
    expect(twice.packets).toEqual(['20020000']);
  });
});

describe('PUBLISH', () => {
  it.each<[string, Buffer]>([
    ['at QoS 2', publishFrame('a', 'x', 0x34, 1)],
    ['retained', publishFrame('a', 'x', 0x31)],
    ['retained, at QoS 1', publishFrame('a', 'x', 0x33, 1)],
    ['to an empty topic [MQTT3-4.7.3-1]', publishFrame('', 'x')],
    ['to a topic with + [MQTT3-3.3.2-2]', publishFrame('a/+', 'x')],
    ['to a topic with # [MQTT3-3.3.2-2]', publishFrame('a/#', 'x')],
    ['to a topic with U+0000 [MQTT3-1.5.3-2]', publishFrame('a\0', 'x', 0x32, 1)],
    [
      'to a topic that is not UTF-8 [MQTT3-1.5.3-1]',
      publishFrame(Buffer.from([0x61, 0xed, 0xa0, 0x80]), 'x'),
    ],
    ['to a topic of the broker', publishFrame('$SYS/x/heartbeat', 'x')],
    ['to a topic that is too long', publishFrame('x'.repeat(1_001), 'x')],
    ['to a topic that is too deep', publishFrame('x/'.repeat(100), 'x')],
    ['with packet id 0 [MQTT3-2.3.1-1]', publishFrame('a', 'x', 0x32, 0)],
    ['with QoS 3 [MQTT3-3.3.1-4]', publishFrame('a', 'x', 0x36, 1)],
    ['larger than the door takes', publishFrame('a', 'x'.repeat(262_144))],
  ])('closes on one %s, and nobody hears it', async (_what, bytes) => {
    const client = rawClient(fixture.port);
    client.send(connectFrame({ clientId: 'publisher' }));
    await client.packet(0);
    client.send(bytes);
    await client.closed();
    expect(client.packets).toEqual(['20020000']);
    await other.publish('end', 'x', 1);
    await waitFor(() => heard.length > 0);
    expect(heard.splice(0)).toEqual(['end x q1']);
  });
});

it('[MQTT3-3.3.5-2] what is published below cmd/ is acknowledged in its turn, counted, and goes nowhere', async () => {
  const { deniedIn } = fixture.door.stats;
  const client = rawClient(fixture.port);
  client.send(connectFrame({ clientId: 'publisher' }));
  await client.packet(0);
  client.send(
    publishFrame('cmd/d/n', 'x'),
    publishFrame('cmd/d/n', 'x', 0x32, 1),
    publishFrame('cmd/publisher/n/x-1/reply', 'x', 0x32, 2),
    publishFrame('end', 'x', 0x32, 3),
  );
  await client.packet(3);
  expect(client.packets.slice(1)).toEqual(['40020001', '40020002', '40020003']);
  await waitFor(() => heard.length > 0);
  expect(heard.splice(0)).toEqual(['end x q1']);
  expect(fixture.door.stats.deniedIn - deniedIn).toBe(3);
  client.socket.destroy();
});

it('a command to a client here is refused at once: it is offline for these', async () => {
  const client = rawClient(fixture.port);
  client.send(connectFrame({ clientId: 'device' }));
  await client.packet(0);
  await fixture.bus.live.flush();
  const headers = Buffer.from('NATS/1.0\r\nTv-Do: command\r\nTv-Id: x-1\r\nTv-Nm: set\r\n\r\n');
  const subject = clientSubject(fixture.bus.incarnation, 'device');
  await expect(
    other.bus.request(subject, Buffer.from('on'), { timeoutMs: 20_000, headers }),
  ).rejects.toMatchObject({ code: 'device.offline' });
  client.socket.destroy();
  await client.closed();
  expect(client.packets).toEqual(['20020000']);
});

describe('SUBSCRIBE', () => {
  const deep = 'x/'.repeat(99) + 'x';
  it.each<[string, Buffer, string]>([
    ['QoS 2, which aedes would grant', subscribeFrame(1, ['a', 2]), '80'],
    ['a shared subscription', subscribeFrame(1, ['$share/g/a', 1]), '80'],
    ['a filter that is too long', subscribeFrame(1, ['x'.repeat(1_001), 1]), '80'],
    ['some of several', subscribeFrame(1, ['a', 0], ['b', 2], ['c', 1], [deep, 1]), '00800101'],
    [
      'more than the limit',
      subscribeFrame(1, ...Array.from({ length: 22 }, (_, i): [string, number] => [`f${i}`, 1])),
      '01'.repeat(20) + '8080',
    ],
  ])('answers 0x80 for %s', async (_what, bytes, codes) => {
    const client = rawClient(fixture.port);
    client.send(connectFrame({ clientId: 'subscriber' }), bytes);
    expect((await client.packet(1)).slice(4)).toBe(`0001${codes}`);
    client.socket.destroy();
    await client.closed();
  });

  it.each<[string, Buffer]>([
    ['a filter with + beside other characters [MQTT3-4.7.1-3]', subscribeFrame(1, ['a+', 1])],
    ['a filter with # before its end [MQTT3-4.7.1-2]', subscribeFrame(1, ['a/#/b', 1])],
    ['an empty filter [MQTT3-4.7.3-1]', subscribeFrame(1, ['', 1])],
    ['a filter with U+0000 [MQTT3-1.5.3-2]', subscribeFrame(1, ['a\0', 1])],
    ['a filter that is not UTF-8 [MQTT3-1.5.3-1]', subscribeFrame(1, [Buffer.from([0xff]), 1])],
    ['packet id 0 [MQTT3-2.3.1-1]', subscribeFrame(0, ['a', 1])],
    ['no filter [MQTT3-3.8.3-3]', frame(0x82, id(1))],
    ['QoS 3 [MQTT3-3.8.3-4]', subscribeFrame(1, ['a', 3])],
    ['the wrong flags [MQTT3-3.8.1-1]', frame(0x80, id(1), field('a'), [0])],
    ['an UNSUBSCRIBE with packet id 0 [MQTT3-2.3.1-1]', frame(0xa2, id(0), field('a'))],
  ])('closes on %s', async (_what, bytes) => {
    const client = rawClient(fixture.port);
    client.send(connectFrame({ clientId: 'subscriber' }), bytes);
    await client.closed();
    expect(client.packets).toEqual(['20020000']);
  });
});
