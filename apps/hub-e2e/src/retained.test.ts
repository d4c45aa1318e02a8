import { waitFor } from '@trivium/testing';
import { describe, expect, inject, it } from 'vitest';
import type { PublishingDoor, Received, TestQoS } from './clients/client.ts';
import { connectRaw, subscribeRaw } from './clients/raw-mqtt.ts';
import { PUBLISHING, SUBSCRIBING } from './doors.ts';

const hub = inject('hub');
const { host } = hub;
const RETAINING = PUBLISHING.filter(({ retainsNot }) => !retainsNot);
const GIVEN = SUBSCRIBING.filter(({ retainedNot }) => !retainedNot);
const http = RETAINING.find(({ name }) => name === 'HTTP')!;
const trivium = GIVEN.find(({ name }) => name === 'trivium.v1')!;

let runs = 0;
const fresh = (): string => `retained/${process.pid}/${++runs}`;

const retain = (
  topic: string,
  payload: string,
  from: PublishingDoor = http,
  qos: TestQoS = 1,
): Promise<void> => from.publish(hub, [{ topic, payload: Buffer.from(payload), qos, retain: true }]);
const publish = (topic: string, payload: string): Promise<void> =>
  http.publish(hub, [{ topic, payload: Buffer.from(payload), qos: 1 }]);

const seen = (received: readonly Received[]): string[] =>
  received.map(
    ({ topic, payload, retain }) => `${topic} ${Buffer.from(payload).toString()}${retain ? ' kept' : ''}`,
  );

/** What a new subscription brings beside what is published afterwards; `end` is a topic that it matches. */
async function kept(filter: string, end: string, to = GIVEN[0]!): Promise<string[]> {
  await using subscriber = await to.subscribe(hub, filter, 1);
  await publish(end, 'end');
  await waitFor(() => seen(subscriber.received).includes(`${end} end`));
  return seen(subscriber.received)
    .filter((line) => line.endsWith(' kept'))
    .map((line) => line.slice(0, -' kept'.length))
    .sort();
}

describe('the retained message of a topic', () => {
  it('is the last one published, whatever door it came by, at every door', async () => {
    const root = fresh();
    for (const from of RETAINING)
      for (const qos of from.qos) await retain(`${root}/a`, `${from.name} ${qos}`, from, qos);
    const last = RETAINING.at(-1)!;
    for (const to of GIVEN)
      expect(await kept(`${root}/+`, `${root}/end`, to)).toEqual([
        `${root}/a ${last.name} ${last.qos.at(-1)}`,
      ]);
  });

  it('is the one that subscribers saw last, when several doors publish at once', async () => {
    const root = fresh();
    await using watcher = await trivium.subscribe(hub, `${root}/a`, 1);
    const doors = RETAINING.filter(({ name }) => ['MQTT.js 3.1.1', 'trivium.v1', 'HTTP'].includes(name));
    const each = 40;
    await Promise.all(
      doors.map((from) =>
        from.publish(
          hub,
          Array.from({ length: each }, (_, i) => ({
            topic: `${root}/a`,
            payload: Buffer.from(`${from.name} ${i}`),
            qos: 1,
            retain: true,
          })),
        ),
      ),
    );
    await waitFor(() => watcher.received.length === doors.length * each);
    const value = Buffer.from(watcher.received.at(-1)!.payload).toString();
    for (const to of GIVEN)
      expect(await kept(`${root}/+`, `${root}/end`, to)).toEqual([`${root}/a ${value}`]);
  });

  it('stays when something is published without retain, and goes with an empty one, at every door [MQTT3-3.3.1-12] [MQTT3-3.3.1-10]', async () => {
    const root = fresh();
    for (const [i, from] of RETAINING.entries()) {
      const topic = `${root}/${i}`;
      await retain(topic, 'kept', from);
      await publish(topic, 'news');
    }
    const topics = RETAINING.map((_, i) => `${root}/${i} kept`);
    expect(await kept(`${root}/+`, `${root}/end`)).toEqual(topics.sort());
    for (const [i, from] of RETAINING.entries()) await retain(`${root}/${i}`, '', from);
    for (const to of GIVEN) expect(await kept(`${root}/+`, `${root}/end`, to)).toEqual([]);
  });

  it('is sent with the retain flag to a new subscription, and as news to one that is there [MQTT3-3.3.1-8] [MQTT3-3.3.1-9]', async () => {
    const root = fresh();
    const there = await Promise.all(GIVEN.map((to) => to.subscribe(hub, `${root}/+`, 1)));
    await retain(`${root}/a`, 'x');
    await retain(`${root}/a`, '');
    for (const [i, subscriber] of there.entries()) {
      await waitFor(() => subscriber.received.length === 2, { message: GIVEN[i]!.name });
      expect(seen(subscriber.received), GIVEN[i]!.name).toEqual([`${root}/a x`, `${root}/a `]);
      await subscriber[Symbol.asyncDispose]();
    }
  });

  it('comes with each SUBSCRIBE again, and not with a session that goes on [MQTT3-3.8.4-3] [MQTT3-3.3.1-6]', async () => {
    const root = fresh();
    await retain(`${root}/a`, 'x');
    const clientId = root.replaceAll('/', '-');
    await using first = await connectRaw(host, hub.mqtt, clientId);
    for (let i = 0; i < 2; i++) {
      await subscribeRaw(first, `${root}/+`, 1);
      const { payload, retain: flag, messageId } = await first.next('publish');
      expect([payload.toString(), flag]).toEqual(['x', true]);
      first.send({ cmd: 'puback', messageId: messageId! });
    }
    first.send({ cmd: 'disconnect' });
    await first.closed;
    await using second = await connectRaw(host, hub.mqtt2, clientId);
    expect(second.connack.sessionPresent).toBe(true);
    await publish(`${root}/b`, 'news');
    const next = await second.next('publish');
    expect([next.payload.toString(), next.retain]).toEqual(['news', false]);
  });

  it('comes again with DUP and its flag when it was not acknowledged, at the other door [MQTT3-4.4.0-1]', async () => {
    const root = fresh();
    const clientId = root.replaceAll('/', '-');
    await retain(`${root}/a`, 'x');
    await using first = await connectRaw(host, hub.mqtt, clientId);
    await subscribeRaw(first, `${root}/+`, 1);
    const sent = await first.next('publish');
    await first.drop();
    await using second = await connectRaw(host, hub.mqtt2, clientId);
    expect(await second.next('publish')).toMatchObject({
      dup: true,
      retain: true,
      messageId: sent.messageId,
      payload: Buffer.from('x'),
    });
  });
});

describe.each(GIVEN)('to $name', (to) => {
  it('wildcards bring the retained messages that they match, and none of $ topics [MQTT3-4.7.1-2] [MQTT3-4.7.1-3] [MQTT3-4.7.2-1]', async () => {
    const root = fresh();
    const own = root.split('/').at(-1)!;
    const topics = ['', '/a', '/a/b', '/a/b/c', '/x/b', '//b'].map((rest) => `${root}${rest}`);
    for (const topic of topics) await retain(topic, 'v');
    await retain(`$${root}`, 'v');
    await retain(`$${root}/a`, 'v');
    const found = async (filter: string, end: string) =>
      (await kept(filter, end, to)).map((line) => line.split(' ')[0]!.replace(root, '')).sort();
    expect(await found(`${root}/#`, `${root}/end`)).toEqual(['', '//b', '/a', '/a/b', '/a/b/c', '/x/b']);
    expect(await found(`${root}/+`, `${root}/end`)).toEqual(['/a']);
    expect(await found(`${root}/+/b`, `${root}/end/b`)).toEqual(['//b', '/a/b', '/x/b']);
    expect(await found(`${root}/a/b`, `${root}/a/b`)).toEqual(['/a/b']);
    expect(await found(`+/${process.pid}/${own}/a`, `end/${process.pid}/${own}/a`)).toEqual(['/a']);
    expect(await found(`$${root}/#`, `$${root}/end`)).toEqual(['$', '$/a']);
  });
});
