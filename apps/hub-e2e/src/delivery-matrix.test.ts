import { randomBytes } from 'node:crypto';
import { waitFor } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type {
  PublishingDoor,
  Received,
  Sent,
  Subscriber,
  SubscribingDoor,
  TestProperties,
  TestQoS,
} from './clients/client.ts';
import { PUBLISHING, SUBSCRIBING } from './doors.ts';

const hub = inject('hub');

/** Payloads that a careless door would change: empty, text, every byte value, JSON, larger than a chunk. */
const PAYLOADS: readonly Uint8Array[] = [
  new Uint8Array(0),
  Buffer.from('grüße 😀'),
  Uint8Array.from({ length: 256 }, (_, byte) => byte),
  Buffer.from('{"a": [1, 2.50, null]}'),
  randomBytes(100_000),
];

/** Sent last: when it has come, everything before it on the same path has. */
const END = Buffer.from('end');

const ROOT = `matrix/${process.pid}`;

/** One way out with one QoS: it is subscribed once, for all publishers. */
interface Column {
  readonly to: SubscribingDoor;
  readonly granted: TestQoS;
}
const COLUMNS: readonly Column[] = SUBSCRIBING.flatMap((to) => to.qos.map((granted) => ({ to, granted })));
const ROWS = PUBLISHING.flatMap((from) => from.qos.map((published) => ({ from, published })));

const hex = (payload: Uint8Array): string => Buffer.from(payload).toString('hex');
const isText = (payload: Uint8Array): boolean => Buffer.from(Buffer.from(payload).toString()).equals(payload);

describe('a message that is published', () => {
  /** By column. */
  let subscribers: Subscriber[] = [];
  let total = 0;
  beforeAll(async () => {
    const filters = [`${ROOT}/live/+/+`, `${ROOT}/live/#`];
    subscribers = await Promise.all(
      COLUMNS.map(({ to, granted }, i) => to.subscribe(hub, filters[i % filters.length]!, granted)),
    );
  });
  afterAll(async () => {
    await Promise.all(subscribers.map((each) => each[Symbol.asyncDispose]()));
  });

  describe.each(ROWS)('from $from.name with QoS $published', ({ from, published }) => {
    const row = ROWS.findIndex((each) => each.from === from && each.published === published);
    const root = `${ROOT}/live/${row}`;
    const payloads = from.textOnly ? PAYLOADS.filter(isText) : PAYLOADS;
    const sent: Sent[] = [...payloads, END].map((payload, i) => ({
      topic: `${root}/m${i}`,
      payload,
      qos: published,
    }));
    beforeAll(async () => {
      await from.publish(hub, sent);
      total += sent.length;
    });

    it.each(COLUMNS)(
      'reaches $to.name with QoS $granted: every message once, bytes untouched, in order',
      async (column) => {
        const subscriber = subscribers[COLUMNS.indexOf(column)]!;
        const came = (): Received[] =>
          subscriber.received.filter(({ topic }) => topic.startsWith(`${root}/`));
        await waitFor(() => came().length >= sent.length, {
          timeoutMs: 45_000,
          message: () => `${sent.length} messages; came: ${JSON.stringify(came().map(({ topic }) => topic))}`,
        });
        expect(came().map(({ topic, payload }) => [topic, hex(payload)])).toEqual(
          sent.map(({ topic, payload }) => [topic, hex(payload)]),
        );
        expect([...new Set(came().map(({ qos }) => qos))]).toEqual([Math.min(published, column.granted)]);
        expect(came().some(({ retain }) => retain)).toBe(false);
      },
    );
  });

  it.each(COLUMNS)('comes to $to.name with QoS $granted no second time later', (column) => {
    expect(subscribers[COLUMNS.indexOf(column)]!.received).toHaveLength(total);
  });
});

/** What a message says about itself beside topic and payload. */
const PROPERTIES: TestProperties = {
  contentType: 'text/x; charset=utf-8',
  responseTopic: `${ROOT}/answer`,
  correlationData: Buffer.from([0, 1, 0xff]).toString('base64'),
  userProperties: [
    ['site', 'grüße'],
    ['line', '7'],
  ],
};

describe('the properties of a message', () => {
  const carrying = ROWS.filter(({ from }) => from.carriesProperties === true);
  const telling = COLUMNS.filter(({ to }) => to.tellsProperties === true);
  let subscribers: Subscriber[] = [];
  beforeAll(async () => {
    subscribers = await Promise.all(
      telling.map(({ to, granted }) => to.subscribe(hub, `${ROOT}/told/#`, granted)),
    );
  });
  afterAll(async () => {
    await Promise.all(subscribers.map((each) => each[Symbol.asyncDispose]()));
  });

  describe.each(carrying)('from $from.name with QoS $published', ({ from, published }) => {
    const topic = `${ROOT}/told/${PUBLISHING.indexOf(from)}/${published}`;
    beforeAll(() =>
      from.publish(hub, [
        { topic, payload: Buffer.from('x'), qos: published, properties: PROPERTIES },
        { topic, payload: Buffer.from('plain'), qos: published },
      ]),
    );

    it.each(telling)('are told to $to.name with QoS $granted', async (column) => {
      const subscriber = subscribers[telling.indexOf(column)]!;
      const came = (): Received[] => subscriber.received.filter((message) => message.topic === topic);
      await waitFor(() => came().length >= 2, { timeoutMs: 45_000 });
      expect(came().map(({ properties = {} }) => properties)).toEqual([PROPERTIES, {}]);
    });
  });
});

describe('a message that is retained', () => {
  const retaining = ROWS.filter(({ from }) => !from.retainsNot);
  const topicOf = (from: PublishingDoor, qos: TestQoS): string =>
    `${ROOT}/kept/${PUBLISHING.indexOf(from)}/${qos}`;

  beforeAll(async () => {
    for (const { from, published } of retaining) {
      const topic = topicOf(from, published);
      const message = { topic, qos: published, retain: true };
      await from.publish(hub, [
        { ...message, payload: Buffer.from('old') },
        { ...message, payload: Buffer.from(`of ${from.name}`) },
      ]);
    }
  });

  describe.each(COLUMNS.filter(({ to }) => !to.retainedNot))(
    'is there for $to.name with QoS $granted',
    (column) => {
      const { to, granted } = column;
      let subscriber: Subscriber;
      beforeAll(async () => {
        subscriber = await to.subscribe(hub, `${ROOT}/kept/#`, granted);
      });
      afterAll(() => subscriber[Symbol.asyncDispose]());

      it.each(retaining)('from $from.name with QoS $published', async ({ from, published }) => {
        const came = (): Received[] =>
          subscriber.received.filter(({ topic }) => topic === topicOf(from, published));
        await waitFor(() => came().length > 0, { timeoutMs: 45_000 });
        expect(came()).toMatchObject([
          {
            topic: topicOf(from, published),
            payload: expect.anything(),
            qos: Math.min(published, granted),
            retain: true,
          },
        ]);
        expect(Buffer.from(came()[0]!.payload).toString()).toBe(`of ${from.name}`);
      });
    },
  );
});
