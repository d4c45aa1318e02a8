import { errorCode, parseTopic, TriviumError, type Message, type Properties } from '@trivium/contracts';
import type { FetchedMessage, FetchSink, Publisher, RetainedRecord } from '@trivium/bus';
import { NO_CONTRACTS } from '@trivium/message-contracts';
import type { MessageSpan, MessageTracing } from '@trivium/telemetry';
import { describe, expect, test } from 'vitest';
import { createPublishing } from './publishing.ts';
import { createStats } from './stats.ts';

const SENDERS = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

function setUp(
  sampled: boolean | undefined,
  store: () => Promise<{ pos: number; duplicate: boolean }> = async () => ({ pos: 7, duplicate: false }),
  retain: (record: RetainedRecord) => Promise<void> = async () => undefined,
  inLog: FetchedMessage | undefined = undefined,
) {
  const published: { subject: string; headers: string | undefined }[] = [];
  const ends: (string | undefined)[] = [];
  const span: MessageSpan = {
    traceId: 'a'.repeat(32),
    traceparent: 'of the span',
    tracestate: undefined,
    end: (code) => void ends.push(code),
    run: (work) => work(),
  };
  const tracing: MessageTracing = {
    enabled: sampled !== undefined,
    receive: () => (sampled === true ? span : undefined),
    deliver: () => undefined,
  };
  const note = (subject: string, headers: Uint8Array | undefined): void =>
    void published.push({ subject, headers: headers && new TextDecoder().decode(headers) });
  const publisher: Publisher = {
    live(subject, _payload, headers) {
      note(subject, headers);
      return subject.endsWith('.taken');
    },
    durable(subject, _payload, headers, sink, token) {
      note(subject, headers);
      store().then(
        ({ pos, duplicate }) => sink.stored(token, pos, duplicate),
        (error: unknown) => sink.failed(token, errorCode(error)),
      );
    },
    store: () => Promise.reject(new Error('one by one')),
    open: 0,
    pressed: false,
    onPressure: () => () => undefined,
  };
  const stats = createStats();
  const retained: RetainedRecord[] = [];
  const bus = {
    publisher,
    async retain(record: RetainedRecord) {
      await retain(record);
      retained.push(record);
    },
    fetch: (_stream: string, _pos: number, sink: FetchSink, token: number) =>
      queueMicrotask(() => sink.fetched(token, inLog)),
  };
  return {
    publishing: createPublishing({ bus, contracts: NO_CONTRACTS, tracing, stats }),
    published,
    retained,
    ends,
    stats,
  };
}

function message(name: string, qos: 0 | 1, properties?: Properties, client?: string): Message {
  const topic = parseTopic(name);
  if (!topic.ok) throw new Error();
  return {
    topic: topic.value,
    payload: new Uint8Array(),
    qos,
    retain: false,
    ...(properties === undefined ? {} : { properties }),
    ...(client === undefined ? {} : { client }),
  };
}

test('a message with nothing to say about itself has no headers', async () => {
  const { publishing, published } = setUp(undefined);
  expect(await publishing.publish(message('a/b', 1, {}, 'pump.1'))).toEqual({ pos: 7, traceId: undefined });
  expect(await publishing.publish(message('taken', 0))).toEqual({ pos: undefined, traceId: undefined });
  expect(published).toEqual([
    { subject: 'tv1.m.1.pump%2E1.a.b', headers: undefined },
    { subject: 'tv1.m.0.-.taken', headers: undefined },
  ]);
});

describe('the trace context that a message carries', () => {
  test.each([
    [true, 'of the span'],
    [false, undefined],
    [undefined, SENDERS],
  ])('sampled here: %s', async (sampled, carried) => {
    const { publishing, published, ends } = setUp(sampled);
    await publishing.publish(message('a', 1, { traceparent: SENDERS, tracestate: 'v=1' }));
    const header = /traceparent: (.*)\r\n/.exec(published[0]!.headers ?? '')?.[1];
    expect(header).toBe(carried);
    expect(ends).toEqual(sampled === true ? [undefined] : []);
  });
});

test('what the bus does not take is counted, ends its span with the code, and is told', async () => {
  const failing = setUp(true, () => Promise.reject(new TriviumError('bus.timeout')));
  await expect(failing.publishing.publish(message('a', 1))).rejects.toMatchObject({ code: 'bus.timeout' });
  await expect(failing.publishing.publish(message('not', 0))).rejects.toMatchObject({
    code: 'bus.unavailable',
  });
  expect(failing.ends).toEqual(['bus.timeout', 'bus.unavailable']);
  expect([failing.stats.publishesFailed, failing.stats.openPublishes]).toEqual([2, 0]);
});

describe('a message to be retained', () => {
  test.each([
    [0, 'NATS/1.0\r\nTv-Q: 0\r\nTv-Ret: 1\r\n\r\n'],
    [1, 'NATS/1.0\r\nTv-Ret: 1\r\n\r\n'],
  ] as const)(
    'QoS %i goes by the log first, then is retained with its position there',
    async (qos, headers) => {
      const order: string[] = [];
      const { publishing, published, retained, stats } = setUp(
        undefined,
        async () => {
          await new Promise(setImmediate);
          order.push('stored');
          return { pos: 9, duplicate: false };
        },
        async () => void order.push('retained'),
      );
      const answer = await publishing.publish({ ...message('a/b', qos, {}, 'c'), retain: true });
      expect([answer.pos, order]).toEqual([9, ['stored', 'retained']]);
      expect(published).toEqual([{ subject: 'tv1.m.1.c.a.b', headers }]);
      expect(retained).toEqual([
        { tokens: 'a.b', payload: new Uint8Array(), qos, client: 'c', properties: {}, pos: 9 },
      ]);
      expect([stats.retained, stats.openPublishes]).toEqual([1, 0]);
    },
  );

  test('is not acknowledged when it is stored but not retained', async () => {
    const { publishing, stats } = setUp(undefined, undefined, () =>
      Promise.reject(new TriviumError('bus.timeout')),
    );
    await expect(publishing.publish({ ...message('a', 1), retain: true })).rejects.toMatchObject({
      code: 'bus.timeout',
    });
    expect([stats.publishesFailed, stats.retained, stats.openPublishes]).toEqual([1, 0, 0]);
  });
});

describe('a message with an idempotency key', () => {
  const duplicate = async () => ({ pos: 5, duplicate: true });
  const logged = (subject: string, text: string): FetchedMessage => ({ subject, data: Buffer.from(text) });
  const keyed = { ...message('a/b', 1, {}, 'c.1'), payload: Buffer.from('on') };

  test('is published under an id of its client and its key', async () => {
    const { publishing, published } = setUp(undefined);
    await publishing.publish(keyed, 'k-1');
    await publishing.publish(message('a', 1), 'k-1');
    expect(published.map(({ headers }) => headers)).toEqual([
      'NATS/1.0\r\nNats-Msg-Id: http/c%252E1/k-1\r\n\r\n',
      'NATS/1.0\r\nNats-Msg-Id: http/-/k-1\r\n\r\n',
    ]);
  });

  test.each([
    ['is answered with the position of the first try', logged('tv1.m.1.c%2E1.a.b', 'on')],
    ['that the log has no more is taken for the same', undefined],
  ])('when tried again %s', async (_what, inLog) => {
    const { publishing } = setUp(undefined, duplicate, undefined, inLog);
    expect(await publishing.publish(keyed, 'k')).toMatchObject({ pos: 5 });
  });

  test.each([
    ['topic', logged('tv1.m.1.c%2E1.a.c', 'on')],
    ['payload', logged('tv1.m.1.c%2E1.a.b', 'off')],
  ])('is refused when another %s was stored under it', async (_what, inLog) => {
    const { publishing, stats } = setUp(undefined, duplicate, undefined, inLog);
    await expect(publishing.publish(keyed, 'k')).rejects.toMatchObject({ code: 'idempotency.mismatch' });
    expect([stats.publishesFailed, stats.openPublishes]).toEqual([1, 0]);
  });

  test('that was stored but not retained is retained by the next try', async () => {
    const { publishing, retained } = setUp(
      undefined,
      duplicate,
      undefined,
      logged('tv1.m.1.c%2E1.a.b', 'on'),
    );
    await publishing.publish({ ...keyed, retain: true }, 'k');
    expect(retained).toMatchObject([{ tokens: 'a.b', pos: 5 }]);
  });
});
