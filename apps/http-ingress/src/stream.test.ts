import { connect, createServer } from 'node:net';
import { EventSource } from 'eventsource';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { handClock } from '@trivium/clock';
import { openStream, startDoor, type DoorUnderTest } from './door-under-test.ts';

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
const freshTopic = (): string => `s${++topics}`;
const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${from + i}`);

async function publish(
  topic: string,
  payload: string,
  query = 'qos=1',
  init: RequestInit = {},
): Promise<number> {
  const response = await fetch(`${one.url}/topics/${topic}?${query}`, {
    method: 'POST',
    body: payload,
    ...init,
  });
  expect(response.status).toBe(200);
  return Number(response.headers.get('x-trivium-pos'));
}

describe('GET /v1/stream', () => {
  test('who has seen the headers misses nothing that is published from then on', async () => {
    for (let i = 0; i < 20; i++) {
      const topic = freshTopic();
      await using stream = await openStream(`${other.url}/v1/stream?filter=${topic}`);
      await publish(topic, 'live', 'qos=0');
      await publish(topic, 'stored');
      await stream.seen({ payload: 'live' });
      await stream.seen({ payload: 'stored' });
    }
  });

  test('it answers as an event stream that proxies leave alone, and says when to come back', async () => {
    await using stream = await openStream(`${one.url}/v1/stream?filter=${freshTopic()}`);
    const { status, headers } = stream.response;
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
      'no-cache, no-transform',
    ]);
    expect(headers.get('x-request-id')).toBeTruthy();
    const first = await waitFor(() => stream.events[0]);
    expect(first).toMatchObject({ comment: 'connected', retry: '2000', data: undefined });
  });

  test('a durable message has its log position as id, a live one has none; the data is the msg of trivium.v1', async () => {
    const topic = freshTopic();
    await using stream = await openStream(`${one.url}/v1/stream?filter=${topic}/%2B`);
    const pos = await publish(`${topic}/a`, 'one', 'qos=1&contentType=text/plain');
    await publish(`${topic}/b`, 'two', 'qos=0&contentType=');
    const [stored, live] = [await stream.seen({ payload: 'one' }), await stream.seen({ payload: 'two' })];
    expect(stored).toMatchObject({ event: 'message', id: String(pos) });
    expect(stored.data).toEqual({
      op: 'msg',
      topic: `${topic}/a`,
      payload: 'one',
      qos: 1,
      retain: false,
      contentType: 'text/plain',
      pos,
    });
    expect(live).toMatchObject({ event: 'message', id: undefined });
    expect(live.data).toEqual({ op: 'msg', topic: `${topic}/b`, payload: 'two', qos: 0, retain: false });
  });

  test('several filters bring each message once', async () => {
    const topic = freshTopic();
    await using stream = await openStream(
      `${one.url}/v1/stream?filter=${topic}/%23&filter=${topic}/a&filter=x`,
    );
    for (const n of numbers(0, 3)) await publish(`${topic}/a`, n);
    await publish(topic, 'end');
    await stream.seen({ payload: 'end' });
    expect(stream.payloads()).toEqual(['0', '1', '2', 'end']);
  });

  test('embedded JSON keeps its line breaks; other bytes are text or base64', async () => {
    const topic = freshTopic();
    await using stream = await openStream(`${one.url}/v1/stream?filter=${topic}`);
    await publish(topic, '{\r\n  "t": [1,\r 2]\n}', 'qos=1&contentType=application/json');
    await publish(topic, 'line\nline');
    await fetch(`${one.url}/topics/${topic}?qos=1`, { method: 'POST', body: Buffer.from([0xff, 0, 0x80]) });
    await stream.seen({ payloadBase64: '/wCA' });
    expect(stream.events.flatMap(({ data }) => (data === undefined ? [] : [data['payload']]))).toEqual([
      { t: [1, 2] },
      'line\nline',
      undefined,
    ]);
  });

  test('qos=0 brings live messages only, without ids', async () => {
    const topic = freshTopic();
    await using stream = await openStream(`${one.url}/v1/stream?filter=${topic}&qos=0`);
    await publish(topic, 'x');
    expect(await stream.seen({ payload: 'x' })).toMatchObject({ id: undefined, data: { qos: 0 } });
    expect(stream.events.every(({ id }) => id === undefined)).toBe(true);
  });

  test.each([
    ['', 400, 'protocol.malformed'],
    ['?filter=', 400, 'filter.invalid'],
    ['?filter=a%2F%23%2Fb', 400, 'filter.invalid'],
    ['?filter=a&filter=b%2B', 400, 'filter.invalid'],
    ['?filter=$share%2Fg%2Fa', 501, 'share.unsupported'],
    ['?filter=a&qos=2', 400, 'qos.unsupported'],
    ['?filter=a&from=x', 400, 'protocol.malformed'],
    ['?filter=a&from=-1', 400, 'protocol.malformed'],
    [`?${'filter=a&'.repeat(101)}`, 400, 'protocol.malformed'],
  ])('%s is refused with %i %s', async (query, status, code) => {
    const response = await fetch(`${one.url}/v1/stream${query}`);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });

  test('a Last-Event-ID that is no position is refused', async () => {
    for (const id of ['abc', '9'.repeat(16)]) {
      const response = await fetch(`${one.url}/v1/stream?filter=a`, { headers: { 'last-event-id': id } });
      expect(response.status).toBe(400);
      await response.body?.cancel();
    }
  });

  test('more than maxStreams are refused with 429 until one goes', async () => {
    await using small = await startDoor(nats.url, { config: { maxStreams: 1 } });
    const url = `${small.url}/v1/stream?filter=a`;
    {
      await using _first = await openStream(url);
      const response = await fetch(url);
      expect([response.status, response.headers.get('retry-after')]).toEqual([429, '1']);
    }
    await waitFor(() => small.door.stats.streams === 0);
    await using _second = await openStream(url);
    expect(small.delivery.stats.receivers).toBe(1);
  });

  test('more than maxStreamsPerClient are refused to that client, and to no other', async () => {
    await using small = await startDoor(nats.url, { config: { maxStreamsPerClient: 1 } });
    const url = `${small.url}/v1/stream?filter=a`;
    const as = (id: string) => ({ 'x-client-id': id });
    await using _named = await openStream(url, as('one'));
    await using _other = await openStream(url, as('two'));
    {
      await using _unnamed = await openStream(url);
      for (const headers of [as('one'), {}]) {
        const response = await fetch(url, { headers });
        expect([response.status, response.headers.get('retry-after')]).toEqual([429, '1']);
        expect(await response.json()).toMatchObject({ code: 'rate.limited' });
      }
    }
    await waitFor(() => small.door.stats.streams === 2);
    await using _again = await openStream(url);
  });

  test('a reader that goes leaves nothing behind', async () => {
    const before = one.delivery.stats.receivers;
    for (let i = 0; i < 5; i++) {
      const stream = await openStream(`${one.url}/v1/stream?filter=gone/%23`);
      await stream[Symbol.asyncDispose]();
    }
    await waitFor(() => one.delivery.stats.receivers === before && one.door.stats.streams === 0);
  });
});

describe('resuming', () => {
  test.each(['header', 'query'])(
    'by %s at another door: what was missed, in order, then what follows',
    async (way) => {
      const topic = freshTopic();
      const url = (door: DoorUnderTest): string => `${door.url}/v1/stream?filter=${topic}/%23`;
      let last = '';
      {
        await using stream = await openStream(url(one));
        for (const n of numbers(0, 5)) await publish(`${topic}/x`, n);
        last = (await stream.seen({ payload: '4' })).id!;
      }
      for (const n of numbers(5, 15)) await publish(`${topic}/x`, n);
      await using back = await (way === 'header'
        ? openStream(`${url(other)}&from=0`, { 'last-event-id': last })
        : openStream(`${url(other)}&from=${last}`));
      for (const n of numbers(15, 20)) await publish(`${topic}/x`, n);
      await back.seen({ payload: '19' });
      expect(back.payloads()).toEqual(numbers(5, 20));
    },
  );

  test('one that has received nothing yet knows where it began', async () => {
    const topic = freshTopic();
    let began: string | undefined;
    {
      await using stream = await openStream(`${one.url}/v1/stream?filter=${topic}`);
      began = (await waitFor(() => stream.events[0])).id;
    }
    await publish(topic, 'meanwhile');
    await using back = await openStream(`${other.url}/v1/stream?filter=${topic}`, {
      'last-event-id': began!,
    });
    await back.seen({ payload: 'meanwhile' });
  });

  test('an EventSource whose door is killed goes on at the next one without loss or duplicate', async () => {
    const topic = freshTopic();
    const first = await startDoor(nats.url, { config: { retryMs: 50 } });
    const source = new EventSource(`${first.url}/v1/stream?filter=${topic}`);
    const seen: string[] = [];
    source.addEventListener('message', ({ data }) =>
      seen.push((JSON.parse(data as string) as { payload: string }).payload),
    );
    await waitFor(() => source.readyState === source.OPEN);
    for (const n of numbers(0, 10)) await publish(topic, n);
    await waitFor(() => seen.length === 10);
    await first[Symbol.asyncDispose]();
    for (const n of numbers(10, 20)) await publish(topic, n);
    await using second = await startDoor(nats.url);
    await using _proxy = await relay(first.port, second.port);
    await waitFor(() => seen.length >= 20, { timeoutMs: 45_000 });
    for (const n of numbers(20, 25)) await publish(topic, n);
    await waitFor(() => seen.length >= 25);
    expect(seen).toEqual(numbers(0, 25));
    source.close();
  });
});

/** Makes another door answer on the port of one that is gone. */
async function relay(from: number, to: number): Promise<AsyncDisposable> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    const onward = connect(to, '127.0.0.1');
    for (const each of [socket, onward]) {
      sockets.add(each);
      each.on('error', () => undefined);
    }
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(from, '127.0.0.1', resolve));
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a reader that does not read', () => {
  const config = { maxOutputBytes: 65_536, slowTimeoutMs: 5_000 };
  const filler = ' '.repeat(10_000);

  async function store(door: DoorUnderTest, topic: string, payloads: string[]): Promise<void> {
    for (const payload of payloads)
      await door.bus.publisher.store(`tv1.m.1.-.${topic}`, Buffer.from(payload + filler));
  }

  test('costs a bounded number of bytes; live messages are dropped, counted and told; durable ones come later', async () => {
    await using door = await startDoor(nats.url, { config });
    const topic = freshTopic();
    await using stream = await openStream(`${door.url}/v1/stream?filter=${topic}`);
    stream.pause();
    const total = 2_000;
    await store(door, topic, numbers(0, total));
    await waitFor(() => door.door.stats.stalls > 0);
    const sent = door.door.stats.deliveredDurable;
    expect(sent).toBeLessThan(total);
    for (let i = 0; i < 50; i++) door.bus.publisher.live(`tv1.m.0.-.${topic}`, Buffer.from('live'));
    await waitFor(() => door.door.stats.droppedLive === 50);
    expect(door.door.stats.deliveredDurable).toBe(sent);
    stream.resume();
    await waitFor(() => stream.payloads().length === total, { timeoutMs: 45_000 });
    expect(stream.payloads().map((payload) => String(payload).trim())).toEqual(numbers(0, total));
    expect(stream.events.filter(({ event }) => event === 'dropped').map(({ data }) => data)).toEqual([
      { live: 50 },
    ]);
  });

  /** A stream whose buffers are full, and a clock that is one tick short of `slowTimeoutMs`. */
  async function stalled(clock: ReturnType<typeof handClock>, door: DoorUnderTest) {
    const topic = freshTopic();
    const stream = await openStream(`${door.url}/v1/stream?filter=${topic}`);
    stream.pause();
    await store(door, topic, numbers(0, 1_000));
    await waitFor(() => door.door.stats.stalls > 0);
    door.bus.publisher.live(`tv1.m.0.-.${topic}`, Buffer.from('live'));
    await waitFor(() => door.door.stats.droppedLive === 1);
    clock.advance(4_999);
    expect(door.door.stats.slowStreams).toBe(0);
    clock.advance(1);
    expect([door.door.stats.slowStreams, door.delivery.stats.receivers]).toEqual([1, 0]);
    return { topic, stream };
  }

  test('for slowTimeoutMs is told so before the end, and may go on from where it was', async () => {
    const clock = handClock();
    await using door = await startDoor(nats.url, { config, clock });
    const { topic, stream } = await stalled(clock, door);
    await using reader = stream;
    reader.resume();
    await waitFor(() => reader.ended);
    const [told, last] = reader.events.slice(-2);
    expect(told).toMatchObject({ event: 'slow', data: { code: 'slow-consumer', dropped: 1 } });
    expect(last).toMatchObject({ retry: '2000' });
    const got = reader.events.filter(({ event }) => event === 'message').at(-1)!;
    await using back = await openStream(`${door.url}/v1/stream?filter=${topic}`, {
      'last-event-id': got.id!,
    });
    const rest = 1_000 - reader.payloads().length;
    await waitFor(() => back.payloads().length === rest, { timeoutMs: 45_000 });
    expect([...reader.payloads(), ...back.payloads()].map((payload) => String(payload).trim())).toEqual(
      numbers(0, 1_000),
    );
    await waitFor(() => door.door.stats.streams === 1);
  });

  test('for slowTimeoutMs more is cut off', async () => {
    const clock = handClock();
    await using door = await startDoor(nats.url, { config, clock });
    await using _reader = (await stalled(clock, door)).stream;
    clock.advance(4_999);
    expect(door.door.stats.streams).toBe(1);
    clock.advance(1);
    await waitFor(() => door.door.stats.streams === 0);
    expect(door.door.stats.slowStreams).toBe(1);
  });
});

test('heartbeats keep an idle stream alive and carry the position on', async () => {
  const clock = handClock();
  await using door = await startDoor(nats.url, { clock });
  await using stream = await openStream(`${door.url}/v1/stream?filter=${freshTopic()}`);
  const pos = await publish('somewhere/else', 'x');
  await waitFor(async () => {
    clock.advance(15_000);
    return stream.events.some(({ id }) => Number(id) >= pos);
  });
  const beats = stream.events.slice(1);
  expect(beats.every(({ comment, data }) => comment === 'heartbeat' && data === undefined)).toBe(true);
});

describe('drain', () => {
  test('streams end, told when to come back; requests are refused; then every connection is gone', async () => {
    await using door = await startDoor(nats.url, { config: { retryMs: 100 } });
    await using stream = await openStream(`${door.url}/v1/stream?filter=a`);
    const keptAlive = await fetch(`${door.url}/v1/devices`);
    await keptAlive.text();
    door.door.stopAccepting();
    await door.door.drain({ signal: new AbortController().signal, graceMs: 1_000 });
    await waitFor(() => stream.ended);
    const retry = Number(stream.events.at(-1)!.retry);
    expect(retry).toBeGreaterThanOrEqual(100);
    expect(retry).toBeLessThanOrEqual(200);
    await expect(fetch(`${door.url}/v1/devices`)).rejects.toThrow();
    expect(door.delivery.stats.receivers).toBe(0);
  });

  test('past the signal the rest is cut off', async () => {
    await using door = await startDoor(nats.url);
    await using stream = await openStream(`${door.url}/v1/stream?filter=a`);
    const grace = new AbortController();
    door.door.stopAccepting();
    const drained = door.door.drain({ signal: grace.signal, graceMs: 600_000 });
    grace.abort();
    await drained;
    await waitFor(() => stream.ended);
  });
});
