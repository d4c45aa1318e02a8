import { parseFilter } from '@trivium/contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import type { Delivered } from '@trivium/delivery';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startDoor, type DoorUnderTest } from './door-under-test.ts';
import { codes, NDJSON, numbered, openRequest, postTo } from './testing/batch-client.ts';

let nats: NatsServer;
let door: DoorUnderTest;
let received: {
  topic: string;
  payload: string;
  qos: number;
  client: string | undefined;
  properties: unknown;
}[] = [];
beforeAll(async () => {
  nats = await startNats();
  door = await startDoor(nats.url);
  const take = ({ topic, payload, qos, client, properties }: Delivered): true => {
    received.push({ topic, payload: Buffer.from(payload).toString('latin1'), qos, client, properties });
    return true;
  };
  const filter = parseFilter('#');
  if (!filter.ok) throw new Error();
  await door.delivery
    .attach({ id: 'spy', onLive: take, onDurable: take })
    .subscribe([{ filter: filter.value, qos: 1 }]);
});
afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await nats.stop();
});
/** What the test before has published has come: core and the log bring messages each in their order. */
beforeEach(async () => {
  await post('[{"topic":"settled","payload":"core"},{"topic":"settled","payload":"log","qos":1}]');
  await waitFor(() => received.filter(({ topic }) => topic === 'settled').length === 2);
  received = [];
});

const post = (body: string | Buffer, headers: Record<string, string> = {}, url = door.url) =>
  postTo(url, body, headers);
const payloads = (): string[] => received.map(({ payload }) => payload);

describe('POST /v1/messages', () => {
  test('a JSON array: a result for each in order, stored ones with their positions', async () => {
    const { status, results, headers } = await post(
      JSON.stringify([
        { topic: 'b/1', payload: 'text', qos: 1 },
        { topic: 'b/2', payload: { a: [1, 'ü'] }, qos: 1, contentType: 'application/json' },
        { topic: 'b/3', payloadBase64: 'AP8=', qos: 1, properties: { userProperties: [['k', 'v']] } },
        { topic: 'b/4' },
        { topic: 'b/5', payload: 7, qos: 0, retain: true },
      ]),
      { 'x-client-id': 'pump.7' },
    );
    expect([status, headers.get('content-type')]).toEqual([207, 'application/json']);
    expect(headers.get('x-request-id')).toBeTruthy();
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true, true, true]);
    const [first] = results.map(({ pos }) => pos!);
    expect(results.map(({ pos }) => pos)).toEqual([first, first! + 1, first! + 2, undefined, first! + 3]);
    await waitFor(() => received.length === 5);
    const byTopic = received.toSorted((a, b) => (a.topic < b.topic ? -1 : 1));
    expect(byTopic).toEqual([
      { topic: 'b/1', payload: 'text', qos: 1, client: 'pump.7', properties: undefined },
      {
        topic: 'b/2',
        payload: Buffer.from('{"a":[1,"ü"]}').toString('latin1'),
        qos: 1,
        client: 'pump.7',
        properties: { contentType: 'application/json' },
      },
      {
        topic: 'b/3',
        payload: '\0\xff',
        qos: 1,
        client: 'pump.7',
        properties: { userProperties: [['k', 'v']] },
      },
      { topic: 'b/4', payload: '', qos: 0, client: 'pump.7', properties: undefined },
      { topic: 'b/5', payload: '7', qos: 0, client: 'pump.7', properties: undefined },
    ]);
    const kept = await fetch(`${door.url}/retainedMessage/b/5`);
    expect(await kept.json()).toMatchObject({ payload: Buffer.from('7').toString('base64') });
  });

  test('a payload that is JSON stays byte for byte', async () => {
    await post('[{"topic":"raw","qos":1,"payload":{"n": 1.10, "big":12345678901234567890}}]');
    await waitFor(() => received.length === 1);
    expect(payloads()).toEqual(['{"n": 1.10, "big":12345678901234567890}']);
  });

  test('lines in, lines out', async () => {
    const body = numbered(3)
      .map((message) => `${JSON.stringify(message)}\n`)
      .join('\r\n');
    const { status, results, headers } = await post(body, { 'content-type': `${NDJSON}; charset=utf-8` });
    expect([status, headers.get('content-type')]).toEqual([207, NDJSON]);
    expect(codes(results)).toEqual(['ok', 'ok', 'ok']);
    await waitFor(() => received.length === 3);
    expect(payloads()).toEqual(['0', '1', '2']);
  });

  test('an empty batch has no results; an empty body is no array', async () => {
    expect(await post('[]')).toMatchObject({ status: 207, text: '{"results":[]}' });
    expect(await post('', { 'content-type': NDJSON })).toMatchObject({ status: 207, text: '' });
    expect(await post('')).toMatchObject({ status: 400 });
  });

  test('one trace for all that have none of their own', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const own = traceparent.replace('4bf9', 'aaaa');
    await post(
      JSON.stringify([
        { topic: 't', qos: 1 },
        { topic: 't', qos: 1, properties: { traceparent: own } },
      ]),
      {
        traceparent,
      },
    );
    await waitFor(() => received.length === 2);
    expect(received.map(({ properties }) => properties)).toEqual([{ traceparent }, { traceparent: own }]);
  });

  test.each(['application/json', NDJSON])('%s: a bad item has its error, the others go on', async (type) => {
    const items = [
      { topic: 'ok', payload: '0', qos: 1 },
      { topic: 'a/#', qos: 1 },
      { payload: 'no topic' },
      'no object',
      { topic: 'a', qos: 2 },
      { topic: 'a', payload: 'x', payloadBase64: 'eA==' },
      { topic: 'a', payload: 'x'.repeat(1_048_577) },
      { topic: 'a', payload: 'x'.repeat(3_000_000) },
      { topic: 'ok', payload: '1', qos: 1 },
    ].map((item) => JSON.stringify(item));
    const { status, results } = await post(type === NDJSON ? items.join('\n') : `[${items.join()}]`, {
      'content-type': type,
    });
    expect(status).toBe(207);
    expect(codes(results)).toEqual([
      'ok',
      'topic.invalid',
      'payload.invalid',
      'payload.invalid',
      'qos.unsupported',
      'payload.invalid',
      'payload.too-large',
      'payload.too-large',
      'ok',
    ]);
    expect(results[1]!.message).toEqual(expect.any(String));
    await waitFor(() => received.length === 2);
    expect(payloads()).toEqual(['0', '1']);
  });

  test('a line that is no JSON is refused alone', async () => {
    const body = Buffer.concat([
      Buffer.from('{"topic":"ok","qos":1}\n{"topic"\n'),
      Buffer.from([0xff, 0x0a]),
      Buffer.from('{"topic":"ok","qos":1}'),
    ]);
    const { results } = await post(body, { 'content-type': NDJSON });
    expect(codes(results)).toEqual(['ok', 'protocol.malformed', 'protocol.malformed', 'ok']);
  });

  test.each([
    ['an element that is no JSON', '[{"topic":"ok","qos":1},{"topic"},{"topic":"never","qos":1}]'],
    ['an end that is missing', '[{"topic":"ok","qos":1},{"topic":"never","qos":1'],
    ['a comma at the end', '[{"topic":"ok","qos":1},]'],
    ['something after the array', '[{"topic":"ok","qos":1}] {"topic":"never","qos":1}'],
  ])('%s breaks the array: an error result, and nothing after it', async (_what, body) => {
    const { status, results } = await post(body);
    expect([status, codes(results)]).toEqual([207, ['ok', 'protocol.malformed']]);
    await post('[{"topic":"end","qos":1}]');
    await waitFor(() => received.some(({ topic }) => topic === 'end'));
    expect(received.map(({ topic }) => topic)).toEqual(['ok', 'end']);
  });

  test.each(['{"topic":"a"}', 'nonsense', '"a"'])('%s is no batch: 400', async (body) => {
    const { status, text } = await post(body);
    expect([status, JSON.parse(text)]).toMatchObject([400, { code: 'protocol.malformed', status: 400 }]);
  });

  test.each([
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
  ])('a body of type %s is refused with %i', async (type, status) => {
    const answer = await post('[]', { 'content-type': type });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      status,
      expect.stringMatching(/^application\/problem\+json/),
    ]);
  });

  test('a connection goes on after a batch that was given up', async () => {
    const junk = `{${'x'.repeat(2_000_000)}`;
    for (let i = 0; i < 3; i++) expect((await post(junk)).status).toBe(400);
    expect((await post('[{"topic":"a","qos":1}]')).status).toBe(207);
  });
});

describe('the limits of a batch', () => {
  test('more items than allowed: an error result after those that are', async () => {
    await using small = await startDoor(nats.url, { config: { maxBatchItems: 5 } });
    for (const type of ['application/json', NDJSON]) {
      const items = numbered(2_000).map((message) => JSON.stringify(message));
      const body = type === NDJSON ? items.join('\n') : `[${items.join()}]`;
      const { status, results } = await post(body, { 'content-type': type }, small.url);
      expect([status, codes(results)]).toEqual([207, ['ok', 'ok', 'ok', 'ok', 'ok', 'payload.too-large']]);
    }
  });

  test('more bytes than allowed: 413 when it is said before, else an error result', async () => {
    await using small = await startDoor(nats.url, { config: { maxBatchBytes: 100_000 } });
    const line = `${JSON.stringify({ topic: 'a', payload: 'x'.repeat(10_000), qos: 1 })}\n`;
    const said = await post(line.repeat(20), { 'content-type': NDJSON }, small.url);
    expect([said.status, JSON.parse(said.text)]).toMatchObject([413, { code: 'payload.too-large' }]);
    const unsaid = await openRequest(small.url);
    for (let i = 0; i < 20; i++) {
      unsaid.request.write(line);
      await waitFor(() => unsaid.lines.length > Math.min(i, 8));
    }
    unsaid.request.end();
    await waitFor(() => unsaid.ended);
    expect(codes(unsaid.lines)).toEqual([...Array<string>(9).fill('ok'), 'payload.too-large']);
  });

  test('no more than maxOpenPublishes wait to be stored, and all are stored in order', async () => {
    await using small = await startDoor(nats.url, { config: { maxOpenPublishes: 10 } });
    const publish = small.bus.publisher.durable.bind(small.bus.publisher);
    let most = 0;
    small.bus.publisher.durable = (...args: Parameters<typeof publish>) => {
      publish(...args);
      most = Math.max(most, small.bus.publisher.open);
    };
    const { results } = await post(JSON.stringify(numbered(2_000)), {}, small.url);
    expect(codes(results)).toEqual(Array(2_000).fill('ok'));
    expect(most).toBe(10);
    await waitFor(() => received.length === 2_000);
    expect(payloads()).toEqual(numbered(2_000).map(({ payload }) => payload));
  });
});

describe('a batch that is tried again', () => {
  test('is stored once, also what the first try did not come to, at another door', async () => {
    await using other = await startDoor(nats.url);
    const before = await door.bus.lastPos('MESSAGES');
    const headers = { 'idempotency-key': 'batch-1' };
    const first = await post(JSON.stringify(numbered(10)), headers);
    const again = await post(JSON.stringify(numbered(20)), headers, other.url);
    expect(again.results.slice(0, 10)).toEqual(first.results);
    expect(codes(again.results)).toEqual(Array(20).fill('ok'));
    expect(await door.bus.lastPos('MESSAGES')).toBe(before + 20);
    const changed = numbered(2).map((message) => ({ ...message, payload: 'other' }));
    const other2 = await post(JSON.stringify(changed), headers);
    expect(codes(other2.results)).toEqual(['idempotency.mismatch', 'idempotency.mismatch']);
  });
});
