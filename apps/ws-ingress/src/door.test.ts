import {
  ConnectedEvent,
  decodeJson,
  DisconnectedEvent,
  eventSubject,
  type ErrorCode,
} from '@trivium/contracts';
import { freePort, startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, startDoor, type DoorUnderTest } from './door-under-test.ts';
import { answerTo, upgradeRequest } from './upgrade-request.fixture.ts';

let nats: NatsServer;
let one: DoorUnderTest;
let other: DoorUnderTest;
beforeAll(async () => {
  nats = await startNats();
  [one, other] = await Promise.all([startDoor(nats.url), startDoor(nats.url)]);
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  await nats.stop();
});

let topics = 0;
const freshTopic = (): string => `t${++topics}`;
const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${from + i}`);

describe('the first word', () => {
  test('the server speaks first: the id that it assigned, and the end of the log', async () => {
    await using publisher = await connect(one.url);
    const { pos } = await publisher.ask({ op: 'pub', topic: freshTopic(), qos: 1 });
    await using client = await connect(`${other.url}/any/path?x=1`);
    const first = await client.seen({ op: 'ok' });
    expect(first).toEqual({ op: 'ok', clientId: expect.stringMatching(/^ws-/), pos: expect.any(Number) });
    expect(first['pos']).toBeGreaterThanOrEqual(pos as number);
  });

  test('a client is called what it asks to be called', async () => {
    await using client = await connect(`${one.url}/?clientId=pump%207`);
    expect(await client.seen({ op: 'ok' })).toMatchObject({ clientId: 'pump 7' });
  });
});

describe('publish and subscribe', () => {
  test.each([0, 1] as const)('QoS %i from a client at one door to one at another', async (qos) => {
    const topic = freshTopic();
    await using subscriber = await connect(one.url);
    await using publisher = await connect(other.url);
    expect(await subscriber.ask({ op: 'sub', filters: [{ filter: `${topic}/+`, qos }] })).toMatchObject({
      op: 'ok',
      granted: [qos],
    });
    const answer = await publisher.ask({ op: 'pub', topic: `${topic}/a`, payload: 'on', qos });
    const message = await subscriber.seen({ op: 'msg' });
    expect(message).toMatchObject({ topic: `${topic}/a`, payload: 'on', qos, retain: false });
    if (qos === 1) expect(answer).toMatchObject({ op: 'ok', pos: message['pos'] });
    else expect([answer['pos'], message['pos']]).toEqual([undefined, undefined]);
  });

  test('what a message says about itself arrives with it', async () => {
    const topic = freshTopic();
    await using client = await connect(one.url);
    await client.ask({ op: 'sub', filters: [{ filter: topic, qos: 1 }] });
    const properties = {
      responseTopic: 'r/ü',
      correlationData: 'AP8=',
      payloadFormat: 1,
      userProperties: [
        ['a=', '%b'],
        ['a=', 'ü'],
      ],
    };
    const contentType = 'application/json; charset=utf-8';
    await client.ask({ op: 'pub', topic, payload: { t: [1, null] }, qos: 1, contentType, properties });
    expect(await client.seen({ op: 'msg' })).toMatchObject({
      payload: { t: [1, null] },
      contentType,
      properties,
    });
  });

  test('a request is answered by a client at another door, by what it says about itself', async () => {
    const topic = freshTopic();
    await using device = await connect(one.url);
    await using caller = await connect(other.url);
    await device.ask({ op: 'sub', filters: [{ filter: `${topic}/ask`, qos: 1 }] });
    await caller.ask({ op: 'sub', filters: [{ filter: `${topic}/answers`, qos: 1 }] });
    const correlationData = 'AP8H';
    const properties = { responseTopic: `${topic}/answers`, correlationData };
    await caller.ask({ op: 'pub', topic: `${topic}/ask`, payload: 'time?', qos: 1, properties });
    const { properties: told } = await device.seen({ op: 'msg', payload: 'time?' });
    const request = told as typeof properties;
    await device.ask({
      op: 'pub',
      topic: request.responseTopic,
      payload: 'noon',
      qos: 1,
      properties: { correlationData: request.correlationData },
    });
    expect(await caller.seen({ op: 'msg', payload: 'noon' })).toMatchObject({
      topic: `${topic}/answers`,
      properties: { correlationData },
    });
  });

  test('bytes that are no text travel as base64, both ways', async () => {
    const topic = freshTopic();
    await using client = await connect(one.url);
    await client.ask({ op: 'sub', filters: [topic] });
    await client.ask({ op: 'pub', topic, payloadBase64: '/wCA' });
    expect(await client.seen({ op: 'msg' })).toMatchObject({ payloadBase64: '/wCA' });
  });

  test('a payload that is JSON keeps every byte of its publisher', async () => {
    const topic = freshTopic();
    await using client = await connect(one.url);
    await client.ask({ op: 'sub', filters: [topic] });
    let text = '';
    client.ws.on('message', (data: Buffer) => (text = data.toString()));
    const payload = '{"big": 12345678901234567890, "b":2.50,\t"a": 1e2}';
    client.send(`{"op":"pub","topic":"${topic}","contentType":"application/json","payload":${payload}}`);
    await client.seen({ op: 'msg' });
    expect(text).toContain(`"payload":${payload}`);
  });

  test('JSON nested a hundred thousand deep is a payload like any other', async () => {
    const topic = freshTopic();
    await using client = await connect(one.url);
    await client.ask({ op: 'sub', filters: [topic] });
    const payload = '['.repeat(1e5) + ']'.repeat(1e5);
    client.send(`{"op":"pub","topic":"${topic}","payload":${payload}}`);
    expect((await client.seen({ op: 'msg' }))['payload']).toBe(payload);
  });

  test('overlapping filters bring one copy', async () => {
    const topic = freshTopic();
    await using client = await connect(one.url);
    const filters = [
      { filter: `${topic}/#`, qos: 0 },
      { filter: `${topic}/a`, qos: 1 },
    ];
    expect(await client.ask({ op: 'sub', filters })).toMatchObject({ granted: [0, 1] });
    await client.ask({ op: 'pub', topic: `${topic}/a`, payload: 'once', qos: 1 });
    await client.ask({ op: 'pub', topic: `${topic}/a`, payload: 'end', qos: 1 });
    await client.seen({ payload: 'end' });
    expect(client.payloads()).toEqual(['once', 'end']);
  });

  test('after unsub nothing comes any more, and an unknown filter is no error', async () => {
    const topic = freshTopic();
    await using client = await connect(one.url);
    await client.ask({ op: 'sub', filters: [`${topic}/a`, `${topic}/b`] });
    expect(await client.ask({ op: 'unsub', filters: [`${topic}/a`, 'never/was'] })).toMatchObject({
      op: 'ok',
    });
    await client.ask({ op: 'pub', topic: `${topic}/a`, payload: 'a' });
    await client.ask({ op: 'pub', topic: `${topic}/b`, payload: 'b' });
    await client.seen({ payload: 'b' });
    expect(client.payloads()).toEqual(['b']);
  });

  test('changes of filters that are sent at once take effect in their order', async () => {
    const topic = freshTopic();
    await using client = await connect(one.url);
    for (let i = 0; i < 40; i++) {
      client.send({ op: 'sub', id: `s${i}`, filters: [{ filter: topic, qos: 1 }] });
      client.send({ op: 'unsub', id: `u${i}`, filters: [topic] });
    }
    client.send({ op: 'sub', id: 'last', filters: [topic] });
    await client.seen({ id: 'last' });
    await client.ask({ op: 'pub', topic, payload: 'here' });
    await client.seen({ payload: 'here' });
    const answers = client.frames
      .filter((frame) => frame['op'] === 'ok' && 'id' in frame)
      .map((frame) => frame['id']);
    expect(answers.slice(0, 4)).toEqual(['s0', 'u0', 's1', 'u1']);
    expect(client.payloads()).toEqual(['here']);
  });

  test('QoS 0 publishes are answered only when they have an id', async () => {
    const topic = freshTopic();
    await using client = await connect(one.url);
    client.send({ op: 'pub', topic, payload: 'x' });
    client.send({ op: 'pub', topic, payload: 'x', qos: 1 });
    expect(await client.ask({ op: 'ping' })).toMatchObject({ op: 'pong' });
    await waitFor(() => client.frames.length === 3);
    expect(client.frames.filter((frame) => frame['op'] === 'ok')).toEqual([
      expect.objectContaining({ clientId: expect.any(String) }),
      { op: 'ok', pos: expect.any(Number) },
    ]);
  });

  test('a message that has expired is not delivered', async () => {
    const topic = freshTopic();
    await using client = await connect(one.url);
    const stale = { expiresAt: Date.now() - 1 };
    await client.ask({ op: 'sub', filters: [{ filter: topic, qos: 1 }] });
    await client.ask({ op: 'pub', topic, payload: 'stale', qos: 1, properties: stale });
    await client.ask({ op: 'pub', topic, payload: 'stale', properties: stale });
    await client.ask({ op: 'pub', topic, payload: 'fresh', qos: 1, properties: { messageExpiry: 60 } });
    await client.seen({ payload: 'fresh' });
    expect(client.payloads()).toEqual(['fresh']);
  });
});

describe('resuming', () => {
  test('a client that was away gets what it missed, in order, at another door, then what follows', async () => {
    const topic = freshTopic();
    const sub = { op: 'sub', filters: [{ filter: `${topic}/#`, qos: 1 }] };
    await using publisher = await connect(one.url);
    let last = 0;
    {
      await using client = await connect(one.url);
      await client.ask(sub);
      for (const n of numbers(0, 10))
        await publisher.ask({ op: 'pub', topic: `${topic}/x`, payload: n, qos: 1 });
      last = (await client.seen({ payload: '9' }))['pos'] as number;
    }
    for (const n of numbers(10, 30))
      await publisher.ask({ op: 'pub', topic: `${topic}/x`, payload: n, qos: 1 });
    await using back = await connect(other.url);
    expect(await back.ask({ ...sub, from: last })).toMatchObject({ granted: [1] });
    for (const n of numbers(30, 40))
      await publisher.ask({ op: 'pub', topic: `${topic}/x`, payload: n, qos: 1 });
    await back.seen({ payload: '39' });
    expect(back.payloads()).toEqual(numbers(10, 40));
  });

  test('a filter added later goes back by itself, the ones that are there do not repeat', async () => {
    const topic = freshTopic();
    await using client = await connect(one.url);
    const { pos } = await client.seen({ op: 'ok' });
    await client.ask({ op: 'sub', filters: [{ filter: `${topic}/a`, qos: 1 }] });
    for (const name of ['a', 'b', 'a', 'b'])
      await client.ask({ op: 'pub', topic: `${topic}/${name}`, payload: name, qos: 1 });
    await waitFor(() => client.payloads().length === 2);
    await client.ask({ op: 'sub', filters: [{ filter: `${topic}/b`, qos: 1 }], from: pos });
    await client.ask({ op: 'pub', topic: `${topic}/a`, payload: 'end', qos: 1 });
    await client.seen({ payload: 'end' });
    expect(client.payloads()).toEqual(['a', 'a', 'b', 'b', 'end']);
  });
});

describe('bad frames', () => {
  test.each<[string, string, ErrorCode]>([
    ['no JSON', 'nonsense', 'protocol.malformed'],
    ['no op', '{"id":"x"}', 'protocol.malformed'],
    ['a wildcard in a topic', '{"op":"pub","id":"x","topic":"a/#"}', 'topic.invalid'],
    ['a bad filter', '{"op":"sub","id":"x","filters":["a/#/b"]}', 'filter.invalid'],
    ['a command to nobody', '{"op":"cmd","id":"x","name":"n"}', 'protocol.malformed'],
  ])('%s is answered with err, and the connection goes on', async (_what, text, code) => {
    await using client = await connect(one.url);
    client.send(text);
    const error = await client.seen({ op: 'err' });
    expect(error).toMatchObject({ code, message: expect.any(String) });
    if (text.includes('"id"')) expect(error['id']).toBe('x');
    expect(await client.ask({ op: 'ping' })).toMatchObject({ op: 'pong' });
  });

  test('too many in a row close with 1008 and a reason', async () => {
    await using client = await connect(one.url);
    for (let i = 0; i < 100; i++) client.send('{');
    expect(await client.closing()).toEqual({ code: 1008, reason: '32 frames in a row were refused' });
    expect(client.frames.filter((frame) => frame['op'] === 'err')).toHaveLength(32);
  });

  test('[RFC6455-7.4.1] a binary frame closes with 1003', async () => {
    await using client = await connect(one.url);
    client.ws.send(Buffer.from('{"op":"ping"}'));
    expect(await client.closing()).toMatchObject({ code: 1003 });
  });

  test('[RFC6455-8.1] text that is not UTF-8 closes with 1007', async () => {
    await using client = await connect(one.url);
    client.ws.send(Buffer.from([0x22, 0xff, 0x22]), { binary: false });
    expect(await client.closing()).toMatchObject({ code: 1007 });
  });

  test('a message beyond maxMessageBytes closes with 1009', async () => {
    await using small = await startDoor(nats.url, { config: { maxMessageBytes: 1_024 } });
    await using client = await connect(small.url);
    client.send({ op: 'pub', topic: 'a', payload: 'x'.repeat(2_000) });
    expect(await client.closing()).toMatchObject({ code: 1009 });
  });

  test('a message in endless tiny pieces closes with 1008 before it fills the memory', async () => {
    await using client = await connect(one.url);
    client.ws.on('error', () => undefined);
    client.ws.send('{', { fin: false });
    for (let i = 0; i < 17_000; i++) client.ws.send(' ', { fin: false });
    expect(await client.closing()).toMatchObject({ code: 1008 });
  });

  test('a client may have maxSubscriptions filters and no more', async () => {
    await using small = await startDoor(nats.url, { config: { maxSubscriptions: 2 } });
    await using client = await connect(small.url);
    await client.ask({ op: 'sub', filters: ['a', 'b'] });
    expect(await client.ask({ op: 'sub', filters: ['a', 'c'] })).toMatchObject({ code: 'quota.exceeded' });
    await client.ask({ op: 'unsub', filters: ['a'] });
    expect(await client.ask({ op: 'sub', filters: ['c'] })).toMatchObject({ op: 'ok' });
  });
});

describe('when NATS is away', () => {
  test('upgrades are refused with 503 and publishes with a retryable err; afterwards both work', async () => {
    const port = await freePort();
    await using ownNats = await startNats({ port });
    await using door = await startDoor(ownNats.url);
    await using client = await connect(door.url);
    await ownNats.kill();
    await waitFor(() => !door.bus.up);
    expect(await client.ask({ op: 'pub', topic: 'a', qos: 1 })).toMatchObject({
      op: 'err',
      code: 'bus.unavailable',
      retryAfterMs: expect.any(Number),
    });
    expect(await client.ask({ op: 'pub', topic: 'a', qos: 0 })).toMatchObject({ code: 'bus.unavailable' });
    expect(await client.ask({ op: 'sub', filters: [{ filter: 'a', qos: 1 }] })).toMatchObject({ op: 'err' });
    const answer = await answerTo(door.port, upgradeRequest(['Sec-WebSocket-Protocol: trivium.v1']));
    expect(answer).toMatch(/^HTTP\/1.1 50[34] [^]*Retry-After: \d/);
    await ownNats.restart();
    await waitFor(() => door.bus.up, { timeoutMs: 45_000 });
    expect(await client.ask({ op: 'sub', filters: [{ filter: 'a', qos: 1 }] })).toMatchObject({
      granted: [1],
    });
    expect(await client.ask({ op: 'pub', topic: 'a', payload: 'back', qos: 1 })).toMatchObject({ op: 'ok' });
    await client.seen({ payload: 'back' });
  });
});

test('a client that named itself is announced when it comes and when it goes, with the reason', async () => {
  const seen: { subject: string; data: Uint8Array }[] = [];
  const subscription = one.bus.live.subscribe('tv1.e.*.*', ({ subject, data }) =>
    seen.push({ subject, data: data.slice() }),
  );
  await one.bus.live.flush();
  const named = await connect(`${one.url}/?clientId=pump.1`);
  await using _nameless = await connect(one.url);
  await waitFor(() => seen.length === 1);
  named.ws.close(1000);
  await waitFor(() => seen.length === 2);
  subscription.close();
  const [connected, disconnected] = seen;
  expect([connected!.subject, disconnected!.subject]).toEqual([
    eventSubject('connected', 'pump.1'),
    eventSubject('disconnected', 'pump.1'),
  ]);
  const came = decodeJson(ConnectedEvent, connected!.data);
  const went = decodeJson(DisconnectedEvent, disconnected!.data);
  expect(came).toMatchObject({
    value: {
      client: 'pump.1',
      service: 'ws',
      protocol: 'trivium.v1',
      door: one.bus.incarnation,
      address: '127.0.0.1',
    },
  });
  expect(went).toMatchObject({
    value: {
      connection: came.ok ? came.value.connection : '',
      reason: 'closed by the client (1000)',
    },
  });
});
