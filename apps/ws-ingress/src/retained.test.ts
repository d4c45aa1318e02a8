import { TriviumError } from '@trivium/contracts';
import type { Bus } from '@trivium/bus';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect, startDoor, type DoorUnderTest, type JsonClient } from './door-under-test.ts';

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

let runs = 0;
let root = '';
beforeEach(() => {
  root = `r${++runs}`;
});

async function retain(topic: string, payload: string, qos = 1): Promise<number> {
  await using client = await connect(one.url);
  const answer = await client.ask({ op: 'pub', topic, payload, qos, retain: true });
  expect(answer).toMatchObject({ op: 'ok', pos: expect.any(Number) });
  return answer['pos'] as number;
}

const subscribe = (client: JsonClient, qos: number, more: object = {}) =>
  client.ask({ op: 'sub', filters: [{ filter: `${root}/#`, qos }], ...more });

/** Waits until everything that was on its way to the client has come. */
async function settled(client: JsonClient): Promise<void> {
  await client.ask({ op: 'pub', topic: `${root}/end`, payload: 'end', qos: 1 });
  await client.seen({ payload: 'end' });
}

describe('publishing with retain', () => {
  test.each([0, 1])('QoS %i: when it is answered, it is stored and retained', async (qos) => {
    const pos = await retain(`${root}/a`, 'on', qos);
    const stored = await one.bus.read('MESSAGES', pos);
    expect(stored!.subject).toMatch(new RegExp(`^tv1\\.m\\.1\\.[^.]+\\.${root}\\.a$`));
    expect([stored!.headers?.get('Tv-Ret'), stored!.headers?.get('Tv-Q')]).toEqual([
      '1',
      qos === 0 ? '0' : '',
    ]);
    const kept = await one.bus.readLast('RETAINED', `tv1.r.${root}.a`);
    expect(kept!.headers?.get('Tv-Pos')).toBe(String(pos));
  });

  test('QoS 0 without an id is not answered, as without retain', async () => {
    await using client = await connect(one.url);
    client.send({ op: 'pub', topic: root, payload: 'on', retain: true });
    await waitFor(() => one.bus.readLast('RETAINED', `tv1.r.${root}`));
    await client.ask({ op: 'ping' });
    expect(client.frames.map((frame) => frame['op'])).toEqual(['ok', 'pong']);
  });

  test('is not acknowledged when it is stored but not retained', async () => {
    const refusing = (real: Bus): Bus =>
      Object.create(real, {
        retain: { value: () => Promise.reject(new TriviumError('bus.timeout')) },
      }) as Bus;
    await using door = await startDoor(nats.url, { bus: refusing });
    await using client = await connect(door.url);
    expect(await client.ask({ op: 'pub', topic: root, payload: 'x', qos: 1, retain: true })).toMatchObject({
      op: 'err',
      code: 'bus.timeout',
      retryAfterMs: expect.any(Number),
    });
    expect([door.door.stats.openPublishes, door.door.stats.publishesFailed]).toEqual([0, 1]);
  });

  test('many in flight to one topic end as the last of them', async () => {
    await using client = await connect(one.url);
    const answers = Array.from({ length: 100 }, (_, i) =>
      client.ask({ op: 'pub', topic: `${root}/a`, payload: `${i}`, qos: i % 2, retain: true }),
    );
    expect((await Promise.all(answers)).every(({ op }) => op === 'ok')).toBe(true);
    await using later = await connect(other.url);
    await subscribe(later, 1);
    expect(await later.seen({ op: 'msg' })).toMatchObject({ payload: '99', retain: true });
  });
});

describe('subscribing', () => {
  test.each([0, 1])('with QoS %i: what is retained comes after the ok, and says so', async (qos) => {
    await retain(`${root}/a`, 'one');
    await retain(`${root}/b`, 'zero', 0);
    await retain(`${root}/gone`, 'x');
    await retain(`${root}/gone`, '');
    await using client = await connect(other.url);
    await subscribe(client, qos);
    await client.seen({ payload: 'one' });
    await client.seen({ payload: 'zero' });
    expect(client.frames.map((frame) => frame['op'])).toEqual(['ok', 'ok', 'msg', 'msg']);
    const kept = client.frames.slice(2).sort((a, b) => (String(a['topic']) < String(b['topic']) ? -1 : 1));
    expect(kept).toEqual([
      { op: 'msg', topic: `${root}/a`, payload: 'one', qos, retain: true },
      { op: 'msg', topic: `${root}/b`, payload: 'zero', qos: 0, retain: true },
    ]);
    await retain(`${root}/a`, 'news', qos);
    expect(await client.seen({ payload: 'news' })).toMatchObject({ retain: false });
    await settled(client);
    expect(client.payloads()).toHaveLength(4);
  });

  test('again brings them again [MQTT3-3.8.4-3]; going on from a position does not, unless asked', async () => {
    const pos = await retain(`${root}/a`, 'kept');
    await using client = await connect(other.url);
    for (const more of [{}, {}, { retained: true }, { from: pos, retained: true }])
      await subscribe(client, 1, more);
    await waitFor(() => client.payloads().length === 4);
    await subscribe(client, 1, { from: pos });
    await subscribe(client, 1, { retained: false });
    await settled(client);
    expect(client.payloads()).toEqual(['kept', 'kept', 'kept', 'kept', 'end']);
  });

  test('that goes on from a position and asks gets each value once: up to there what is retained, then the log', async () => {
    const pos = await retain(`${root}/a`, 'before');
    await retain(`${root}/b`, 'after');
    await using client = await connect(other.url);
    await subscribe(client, 1, { from: pos, retained: true });
    expect(await client.seen({ payload: 'before' })).toMatchObject({ retain: true });
    expect(await client.seen({ payload: 'after' })).toMatchObject({ retain: false });
    await settled(client);
    expect(client.payloads().sort()).toEqual(['after', 'before', 'end']);
  });
});

describe('a client that does not read', () => {
  const config = { maxOutputBytes: 65_536 };
  const payload = Buffer.alloc(20_000, 'x');

  async function fill(total: number): Promise<void> {
    const store = async (i: number): Promise<void> => {
      const tokens = `${root}.${i}`;
      const { pos } = await one.bus.publisher.store(`tv1.m.1.-.${tokens}`, payload);
      await one.bus.retain({ tokens, payload, qos: 1, pos });
    };
    await Promise.all(Array.from({ length: total }, (_, i) => store(i)));
  }

  test('gets them in its own pace, in bounded memory', async () => {
    const total = 1_000;
    await fill(total);
    await using door = await startDoor(nats.url, { config });
    await using client = await connect(door.url);
    await subscribe(client, 1);
    client.ws.pause();
    let sent = -1;
    await waitFor(
      () => {
        const still = sent === door.door.stats.deliveredRetained && sent > 0;
        sent = door.door.stats.deliveredRetained;
        return still;
      },
      { intervalMs: 200 },
    );
    expect(sent).toBeLessThan(total);
    client.ws.resume();
    await waitFor(() => client.payloads().length === total, { timeoutMs: 45_000 });
    expect(new Set(client.frames.slice(2).map((frame) => frame['topic'])).size).toBe(total);
  });

  test('and owes acknowledgements gets them all the same: only messages of the log wait for these', async () => {
    const total = 1_000;
    await fill(total);
    await using door = await startDoor(nats.url, { config: { ...config, maxUnacknowledged: 1 } });
    await using client = await connect(door.url);
    await client.ask({ op: 'sub', filters: [{ filter: `w/${root}`, qos: 1 }] });
    for (const n of ['1', '2']) await client.ask({ op: 'pub', topic: `w/${root}`, payload: n, qos: 1 });
    await waitFor(() => door.door.stats.stalls > 0);
    await subscribe(client, 0);
    client.ws.pause();
    await waitFor(() => door.door.stats.deliveredRetained > 0);
    client.ws.resume();
    await waitFor(() => client.payloads().length === total + 1, { timeoutMs: 45_000 });
    expect(client.payloads()).not.toContain('2');
  });
});
