import { freePort, startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
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

let runs = 0;
let root = '';
beforeEach(() => {
  root = `r${++runs}`;
});

async function retain(topic: string, body: string, query = 'qos=1', init: RequestInit = {}): Promise<number> {
  const url = `${one.url}/topics/${encodeURIComponent(topic)}?retain=true&${query}`;
  const response = await fetch(url, { method: 'POST', body, ...init });
  expect(response.status).toBe(200);
  return Number(response.headers.get('x-trivium-pos'));
}

const get = (topic: string): Promise<Response> =>
  fetch(`${other.url}/retainedMessage/${encodeURIComponent(topic)}`);

interface Listed {
  retainedTopics: { topic: string; payloadSize: number; qos: number; lastModifiedTime: number }[];
  nextToken: string | null;
}

async function list(query = '', door = other): Promise<Listed> {
  const response = await fetch(`${door.url}/retainedMessage?${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Listed;
}

describe('publishing with retain', () => {
  test.each([0, 1])('QoS %i: when it is answered, it is stored and retained', async (qos) => {
    const pos = await retain(`${root}/a b`, 'on', `qos=${qos}`);
    expect(pos).toBeGreaterThan(0);
    const stored = await one.bus.read('MESSAGES', pos);
    expect(stored).toMatchObject({ subject: `tv1.m.1.-.${root}.a%20b` });
    expect([stored!.headers?.get('Tv-Ret'), stored!.headers?.get('Tv-Q')]).toEqual([
      '1',
      qos === 0 ? '0' : '',
    ]);
    const kept = await one.bus.readLast('RETAINED', `tv1.r.${root}.a%20b`);
    expect(kept!.headers?.get('Tv-Pos')).toBe(String(pos));
    expect(await (await get(`${root}/a b`)).json()).toMatchObject({ qos });
  });

  test('those who have subscribed get it as news [MQTT3-3.3.1-9]', async () => {
    await using stream = await openStream(`${other.url}/v1/stream?filter=${root}/%23`);
    const pos = await retain(`${root}/a`, 'one');
    await retain(`${root}/a`, 'zero', 'qos=0');
    expect((await stream.seen({ payload: 'one' })).data).toMatchObject({ retain: false, qos: 1, pos });
    expect((await stream.seen({ payload: 'zero' })).data).toMatchObject({ retain: false, qos: 0 });
  });

  test('an empty body clears what was retained [MQTT3-3.3.1-10]', async () => {
    await retain(root, 'on');
    expect((await get(root)).status).toBe(200);
    await retain(root, '');
    expect((await get(root)).status).toBe(404);
  });

  test('without retain, nothing is kept [MQTT3-3.3.1-12]', async () => {
    await retain(root, 'kept');
    for (const query of ['', 'retain=0', 'retain=false&qos=1'])
      await fetch(`${one.url}/topics/${root}?${query}`, { method: 'POST', body: 'news' });
    const { payload } = (await (await get(root)).json()) as { payload: string };
    expect(Buffer.from(payload, 'base64').toString()).toBe('kept');
  });

  test('without NATS it is refused as retryable, whatever its QoS, and works again afterwards', async () => {
    const port = await freePort();
    await using ownNats = await startNats({ port });
    await using own = await startDoor(ownNats.url);
    const call = (path: string, method = 'GET') => fetch(own.url + path, { method });
    const publish = () => call('/topics/a?retain=1', 'POST');
    await ownNats.kill();
    await waitFor(() => !own.bus.up);
    for (const answer of [
      await publish(),
      await call('/retainedMessage/a'),
      await call('/retainedMessage'),
    ]) {
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
      expect(answer.headers.get('x-amzn-errortype')).toBe('ServiceUnavailableException');
    }
    await ownNats.restart();
    await waitFor(async () => (await publish()).status === 200, { timeoutMs: 45_000 });
  });
});

describe('GET /retainedMessage/{topic}', () => {
  test('answers in the form of the AWS IoT data plane', async () => {
    const before = Date.now();
    const pairs = [{ k: 'ü' }, { k: '2' }];
    const userProperties = Buffer.from(JSON.stringify(pairs)).toString('base64');
    await retain(`${root}/x`, 'ö', 'qos=1', { headers: { 'x-amz-mqtt5-user-properties': userProperties } });
    const answer = (await (await get(`${root}/x`)).json()) as { lastModifiedTime: number };
    expect(answer).toEqual({
      topic: `${root}/x`,
      payload: Buffer.from('ö').toString('base64'),
      qos: 1,
      lastModifiedTime: expect.any(Number),
      userProperties,
    });
    expect(Math.abs(answer.lastModifiedTime - before)).toBeLessThan(60_000);
  });

  test('slashes may be raw, and the newest message counts, at every door', async () => {
    await retain(`${root}//x/`, 'old');
    await retain(`${root}//x/`, 'new', 'qos=0');
    for (const door of [one, other]) {
      const response = await fetch(`${door.url}/retainedMessage/${root}//x/`);
      expect(await response.json()).toMatchObject({
        topic: `${root}//x/`,
        payload: Buffer.from('new').toString('base64'),
        userProperties: null,
      });
    }
  });

  test('one that has expired is gone', async () => {
    await retain(root, 'stale', 'messageExpiry=0');
    expect((await get(root)).status).toBe(404);
    expect((await list()).retainedTopics.map(({ topic }) => topic)).not.toContain(root);
  });

  test.each([
    ['nothing retained', 'nothing/here', 404, 'not-found', 'ResourceNotFoundException'],
    ['a wildcard', 'a/#', 400, 'topic.invalid', 'InvalidRequestException'],
    ['no topic', '', 400, 'topic.invalid', 'InvalidRequestException'],
    ['a topic that is too long', 'x'.repeat(20_000), 414, 'topic.too-long', 'InvalidRequestException'],
  ])('%s is a problem that AWS SDKs know', async (_what, topic, status, code, type) => {
    const response = await get(topic);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(response.headers.get('x-amzn-errortype')).toBe(type);
    expect(await response.json()).toMatchObject({ status, code });
  });
});

describe('GET /retainedMessage', () => {
  test('lists them page by page, each once, without what was cleared', async () => {
    const topics = Array.from({ length: 25 }, (_, i) => `${root}/${i}`);
    for (const topic of topics) await retain(topic, 'x'.repeat(topics.indexOf(topic) + 1), 'qos=0');
    for (const i of [3, 4, 24]) await retain(`${root}/${i}`, '');
    await retain(`${root}/0`, 'again');
    const found: Listed['retainedTopics'] = [];
    let token: string | null = '0';
    let pages = 0;
    for (; token !== null; pages++) {
      const page: Listed = await list(`nextToken=${token}&maxResults=10`);
      expect(page.retainedTopics.length).toBeLessThanOrEqual(10);
      found.push(...page.retainedTopics.filter(({ topic }) => topic.startsWith(`${root}/`)));
      token = page.nextToken;
    }
    const expected = topics.filter((_, i) => ![0, 3, 4, 24].includes(i)).concat(`${root}/0`);
    expect(found.map(({ topic }) => topic)).toEqual(expected);
    expect(found[0]).toEqual({
      topic: `${root}/1`,
      payloadSize: 2,
      qos: 0,
      lastModifiedTime: expect.any(Number),
    });
    expect(pages).toBeGreaterThanOrEqual(3);
  });

  test('the page that ends with the last one says that there are no more', async () => {
    await using ownNats = await startNats();
    await using own = await startDoor(ownNats.url);
    expect(await list('', own)).toEqual({ retainedTopics: [], nextToken: null });
    for (const topic of ['a', 'b'])
      await fetch(`${own.url}/topics/${topic}?retain=1`, { method: 'POST', body: 'x' });
    const first = await list('maxResults=1', own);
    expect([first.retainedTopics.length, first.nextToken]).toEqual([1, expect.any(String)]);
    const rest = await list(`maxResults=1&nextToken=${first.nextToken}`, own);
    expect([rest.retainedTopics.map(({ topic }) => topic), rest.nextToken]).toEqual([['b'], null]);
    expect((await list('maxResults=2', own)).nextToken).toBeNull();
  });

  test.each(['maxResults=0', 'maxResults=201', 'maxResults=x', 'nextToken=x', 'nextToken=-1'])(
    '%s is refused',
    async (query) => {
      const response = await fetch(`${one.url}/retainedMessage?${query}`);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: 'protocol.malformed' });
    },
  );
});

describe('a stream', () => {
  const open = (query: string, headers: Record<string, string> = {}) =>
    openStream(`${other.url}/v1/stream?filter=${root}/%23&${query}`, headers);

  test('does not begin with what is retained, unless it asks for it', async () => {
    await retain(`${root}/a`, 'kept');
    for (const query of ['', 'retained=false', 'retained=0']) {
      await using stream = await open(query);
      await fetch(`${one.url}/topics/${root}/end?qos=1`, { method: 'POST', body: 'end' });
      await stream.seen({ payload: 'end' });
      expect(stream.payloads()).toEqual(['end']);
    }
  });

  test.each([0, 1])('with retained=true and qos=%i it does, and says so', async (qos) => {
    await retain(`${root}/a`, 'one');
    await retain(`${root}/b`, 'zero', 'qos=0');
    await retain(`${root}/gone`, 'x');
    await retain(`${root}/gone`, '');
    await using stream = await open(`retained=true&qos=${qos}`);
    const kept = [await stream.seen({ payload: 'one' }), await stream.seen({ payload: 'zero' })];
    expect(kept.map(({ data }) => [data!['qos'], data!['retain']])).toEqual([
      [qos, true],
      [0, true],
    ]);
    await retain(`${root}/a`, 'news', `qos=${qos}`);
    expect((await stream.seen({ payload: 'news' })).data).toMatchObject({ retain: false });
    expect(stream.payloads().sort()).toEqual(['news', 'one', 'zero']);
  });

  test('what is retained has no id, so that a reader that comes back does not go back', async () => {
    await retain(`${root}/a`, 'kept');
    const pos = await retain('elsewhere', 'later');
    await using stream = await open('retained=1');
    const { id, data } = await stream.seen({ payload: 'kept' });
    expect([id, data!['pos']]).toEqual([undefined, undefined]);
    expect(Number(stream.events[0]!.id)).toBeGreaterThanOrEqual(pos);
  });

  test('that goes on from a position gets each value once: up to there what is retained, then the log', async () => {
    const begin = await retain(`${root}/a`, 'before');
    await retain(`${root}/b`, 'after');
    await using stream = await open('retained=true', { 'last-event-id': String(begin) });
    expect((await stream.seen({ payload: 'before' })).data).toMatchObject({ retain: true });
    expect((await stream.seen({ payload: 'after' })).data).toMatchObject({ retain: false });
    await retain(`${root}/c`, 'end');
    await stream.seen({ payload: 'end' });
    expect(stream.payloads().sort()).toEqual(['after', 'before', 'end']);
  });

  test('that does not read gets them in its own pace, in bounded memory', async () => {
    const config = { maxOutputBytes: 65_536 };
    await using slow = await startDoor(nats.url, { config });
    const total = 1_000;
    const payload = Buffer.alloc(20_000, 'x');
    const store = async (i: number): Promise<void> => {
      const tokens = `${root}.${i}`;
      const { pos } = await one.bus.publisher.store(`tv1.m.1.-.${tokens}`, payload);
      await one.bus.retain({ tokens, payload, qos: 1, pos });
    };
    await Promise.all(Array.from({ length: total }, (_, i) => store(i)));
    await using stream = await openStream(`${slow.url}/v1/stream?filter=${root}/%2B&retained=true`);
    stream.pause();
    let sent = -1;
    await waitFor(
      () => {
        const still = sent === slow.door.stats.deliveredRetained && sent > 0;
        sent = slow.door.stats.deliveredRetained;
        return still;
      },
      { intervalMs: 200 },
    );
    expect(sent).toBeLessThan(total);
    stream.resume();
    await waitFor(() => stream.payloads().length === total, { timeoutMs: 45_000 });
    expect(new Set(stream.events.map(({ data }) => data?.['topic'])).size).toBe(total + 1);
  });
});
