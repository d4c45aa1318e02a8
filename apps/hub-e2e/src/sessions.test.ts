import { waitFor } from '@trivium/testing';
import { describe, expect, inject, it } from 'vitest';
import type { Received, TestQoS } from './clients/client.ts';
import { mosquittoSession } from './clients/mosquitto.ts';
import { mqttJsPublisher, mqttJsSession } from './clients/mqtt-js.ts';
import { pahoSession } from './clients/paho.ts';
import { connectRaw, subscribeRaw, type RawMqtt } from './clients/raw-mqtt.ts';

const hub = inject('hub');
const { host } = hub;
const publisher = mqttJsPublisher('MQTT.js', () => `mqtt://${host}:${hub.mqtt}`);

let runs = 0;
/** A topic level and client id that nothing else uses. */
const fresh = (): string => `session-${process.pid}-${++runs}`;
const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${from + i}`);
const texts = (received: readonly Received[]): string[] =>
  received.map(({ payload }) => Buffer.from(payload).toString());

function publish(topic: string, payloads: readonly string[], qos: TestQoS): Promise<void> {
  return publisher.publish(
    hub,
    payloads.map((payload) => ({ topic, payload: Buffer.from(payload), qos })),
  );
}

describe.each([mqttJsSession(), mosquittoSession(), pahoSession()])(
  '$name with clean session 0',
  (client) => {
    it.each([1, 2] as const)(
      'QoS %i: what came while it was away comes at the other door, once and in order [MQTT3-3.1.2-5] [MQTT3-4.6.0-6]',
      async (qos) => {
        const id = fresh();
        const at = { host, id, filter: `${id}/+`, qos };
        const first = await client.open({ ...at, port: hub.mqtt });
        await publish(`${id}/a`, ['before'], qos);
        await waitFor(() => first.received.length === 1);
        await first.leave();
        await publish(`${id}/a`, numbers(0, 100), qos);
        const second = await client.open({ ...at, port: hub.mqtt2 });
        await publish(`${id}/a`, numbers(100, 110), qos);
        await waitFor(() => second.received.length >= 110, { timeoutMs: 45_000 });
        await second.leave();
        await publish(`${id}/a`, ['end'], qos);
        const third = await client.open({ ...at, port: hub.mqtt });
        await waitFor(() => third.received.length >= 1);
        await third.leave();
        expect(texts(first.received)).toEqual(['before']);
        expect(texts(second.received)).toEqual(numbers(0, 110));
        expect(texts(third.received)).toEqual(['end']);
        expect(new Set([...second.received, ...third.received].map((message) => message.qos))).toEqual(
          new Set([qos]),
        );
        // [MQTT3-3.2.2-3] [MQTT3-3.2.2-2]
        if (first.present !== undefined)
          expect([first.present, second.present, third.present]).toEqual([false, true, true]);
      },
    );

    it('goes on after an end without DISCONNECT', async () => {
      const id = fresh();
      const at = { host, id, filter: `${id}/+`, qos: 1 as const };
      const first = await client.open({ ...at, port: hub.mqtt });
      await first.drop();
      await publish(`${id}/a`, numbers(0, 10), 1);
      const second = await client.open({ ...at, port: hub.mqtt2 });
      await waitFor(() => second.received.length >= 10);
      expect(texts(second.received)).toEqual(numbers(0, 10));
      await second.leave();
    });
  },
);

/** The messages that the client is sent next, each acknowledged as its QoS wants it. */
async function take(raw: RawMqtt, count: number): Promise<string[]> {
  const taken: string[] = [];
  while (taken.length < count) {
    const { messageId, qos, payload } = await raw.next('publish');
    taken.push(payload.toString());
    if (qos === 1) raw.send({ cmd: 'puback', messageId: messageId! });
    if (qos < 2) continue;
    raw.send({ cmd: 'pubrec', messageId: messageId! });
    await raw.next('pubrel');
    raw.send({ cmd: 'pubcomp', messageId: messageId! });
  }
  return taken;
}

describe('a session', () => {
  it.each([1, 2] as const)('QoS %i: goes from TCP to WebSocket and back', async (qos) => {
    const id = fresh();
    const at = { host, id, filter: `${id}/+`, qos };
    const [tcp, webSocket] = [mqttJsSession('mqtt'), mqttJsSession('ws')];
    const first = await tcp.open({ ...at, port: hub.mqtt });
    await first.leave();
    await publish(`${id}/a`, numbers(0, 10), qos);
    const second = await webSocket.open({ ...at, port: hub.ws });
    await waitFor(() => second.received.length >= 10);
    await second.drop();
    await publish(`${id}/a`, numbers(10, 20), qos);
    const third = await tcp.open({ ...at, port: hub.mqtt2 });
    await waitFor(() => third.received.length >= 10);
    await third.leave();
    expect([second.present, third.present]).toEqual([true, true]);
    expect(texts([...second.received, ...third.received])).toEqual(numbers(0, 20));
  });

  it('goes with clean session 1, and is not there afterwards [MQTT3-3.1.2-6] [MQTT3-3.2.2-1]', async () => {
    const id = fresh();
    await using first = await connectRaw(host, hub.mqtt, id);
    await subscribeRaw(first, `${id}/a`, 1);
    await first.drop();
    await publish(`${id}/a`, ['queued'], 1);
    await using clean = await connectRaw(host, hub.mqtt2, id, { clean: true });
    expect(clean.connack.sessionPresent).toBe(false);
    await subscribeRaw(clean, `${id}/end`, 1);
    await publish(`${id}/a`, ['unsubscribed'], 1);
    await publish(`${id}/end`, ['end'], 1);
    expect(await take(clean, 1)).toEqual(['end']);
    await clean.drop();
    await using again = await connectRaw(host, hub.mqtt, id);
    expect(again.connack.sessionPresent).toBe(false);
    await subscribeRaw(again, `${id}/#`, 1);
    await publish(`${id}/end`, ['new'], 1);
    expect(await take(again, 1)).toEqual(['new']);
  });

  it('subscriptions are kept at their QoS; the lower one of both counts [MQTT3-3.8.4-6]', async () => {
    const id = fresh();
    await using first = await connectRaw(host, hub.mqtt, id);
    await subscribeRaw(first, `${id}/one`, 1);
    await subscribeRaw(first, `${id}/two`, 2);
    await first.drop();
    await publish(`${id}/one`, ['2'], 2);
    await publish(`${id}/two`, ['1'], 1);
    await publish(`${id}/two`, ['2'], 2);
    await using second = await connectRaw(host, hub.mqtt2, id);
    const seen: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      const { topic, qos, messageId } = await second.next('publish');
      seen.push([topic, qos]);
      second.send(
        qos === 1 ? { cmd: 'puback', messageId: messageId! } : { cmd: 'pubrec', messageId: messageId! },
      );
    }
    expect(seen).toEqual([
      [`${id}/one`, 1],
      [`${id}/two`, 1],
      [`${id}/two`, 2],
    ]);
  });

  it('an UNSUBSCRIBE that was acknowledged lasts, and what it had queued is still sent [MQTT3-3.10.4-2] [MQTT3-3.10.4-4]', async () => {
    const id = fresh();
    await using first = await connectRaw(host, hub.mqtt, id);
    await subscribeRaw(first, `${id}/kept`, 1);
    await subscribeRaw(first, `${id}/gone`, 1);
    first.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [`${id}/gone`] });
    await first.next('unsuback');
    await first.drop();
    await publish(`${id}/gone`, ['gone'], 1);
    await publish(`${id}/kept`, ['kept'], 1);
    await using second = await connectRaw(host, hub.mqtt2, id);
    expect(await take(second, 1)).toEqual(['kept']);
  });

  it('does not bring what was published before it subscribed', async () => {
    const id = fresh();
    await publish(`${id}/a`, ['before'], 1);
    await using first = await connectRaw(host, hub.mqtt, id);
    await subscribeRaw(first, `${id}/+`, 1);
    await first.drop();
    await publish(`${id}/a`, ['after'], 1);
    await using second = await connectRaw(host, hub.mqtt2, id);
    expect(await take(second, 1)).toEqual(['after']);
  });
});

describe('what was not acknowledged is sent again at the other door', () => {
  it('QoS 1: with DUP, the same packet ids and in order, before anything new [MQTT3-4.4.0-1] [MQTT3-3.3.1-1] [MQTT3-4.6.0-1]', async () => {
    const id = fresh();
    await using first = await connectRaw(host, hub.mqtt, id);
    await subscribeRaw(first, `${id}/a`, 1);
    await publish(`${id}/a`, numbers(0, 4), 1);
    const sent = [];
    for (let i = 0; i < 4; i++) sent.push(await first.next('publish'));
    expect(sent.map(({ dup }) => dup)).toEqual([false, false, false, false]);
    first.send({ cmd: 'puback', messageId: sent[0]!.messageId! });
    first.send({ cmd: 'pingreq' });
    await first.next('pingresp');
    await first.drop();
    await publish(`${id}/a`, ['new'], 1);

    await using second = await connectRaw(host, hub.mqtt2, id);
    const again = [];
    for (let i = 0; i < 4; i++) again.push(await second.next('publish'));
    const seen = again.map(({ payload, dup, messageId }) => ({
      payload: payload.toString(),
      dup,
      messageId,
    }));
    expect(seen.slice(0, 3)).toEqual(
      sent.slice(1).map(({ payload, messageId }) => ({ payload: payload.toString(), dup: true, messageId })),
    );
    expect(seen[3]).toMatchObject({ payload: 'new', dup: false });
    expect(new Set(seen.map(({ messageId }) => messageId)).size).toBe(4);
  });

  it('QoS 2: PUBLISH until PUBREC, then PUBREL until PUBCOMP [MQTT3-4.3.3-1] [MQTT3-4.4.0-1]', async () => {
    const id = fresh();
    await using first = await connectRaw(host, hub.mqtt, id);
    await subscribeRaw(first, `${id}/a`, 2);
    await publish(`${id}/a`, ['x'], 2);
    const sent = await first.next('publish');
    await first.drop();

    await using second = await connectRaw(host, hub.mqtt2, id);
    const again = await second.next('publish');
    expect([again.payload.toString(), again.dup, again.messageId]).toEqual(['x', true, sent.messageId]);
    second.send({ cmd: 'pubrec', messageId: sent.messageId! });
    await second.next('pubrel');
    await second.drop();

    await using third = await connectRaw(host, hub.mqtt, id);
    expect((await third.next('pubrel')).messageId).toBe(sent.messageId);
    third.send({ cmd: 'pubcomp', messageId: sent.messageId! });
    await publish(`${id}/a`, ['y'], 2);
    expect((await third.next('publish')).payload.toString()).toBe('y');
    expect(third.packets.filter(({ cmd }) => cmd === 'publish')).toHaveLength(1);
  });

  it('to whoever takes the client id over: the former connection is closed [MQTT3-3.1.4-2]', async () => {
    const id = fresh();
    await using first = await connectRaw(host, hub.mqtt, id);
    await subscribeRaw(first, `${id}/a`, 1);
    await publish(`${id}/a`, ['x'], 1);
    const sent = await first.next('publish');
    await using second = await connectRaw(host, hub.mqtt2, id);
    await first.closed;
    expect(second.connack).toMatchObject({ returnCode: 0, sessionPresent: true });
    expect(await second.next('publish')).toMatchObject({ dup: true, messageId: sent.messageId });
    second.send({ cmd: 'puback', messageId: sent.messageId! });
    await publish(`${id}/a`, ['y'], 1);
    expect((await second.next('publish')).payload.toString()).toBe('y');
    expect(first.packets.filter(({ cmd }) => cmd === 'publish')).toHaveLength(1);
  });
});

describe('a QoS 2 publish reaches subscribers once', () => {
  it('when PUBLISH is sent again at the other door because PUBREC was lost [MQTT3-4.3.3-2]', async () => {
    const id = fresh();
    await using watcher = await connectRaw(host, hub.mqtt2, `${id}-watcher`, { clean: true });
    await subscribeRaw(watcher, `${id}/#`, 1);
    const message = { topic: `${id}/a`, payload: 'x', qos: 2, retain: false, messageId: 7 } as const;
    await using first = await connectRaw(host, hub.mqtt, id);
    first.send({ cmd: 'publish', dup: false, ...message });
    await first.next('pubrec');
    await first.drop();

    await using second = await connectRaw(host, hub.mqtt2, id);
    second.send({ cmd: 'publish', dup: true, ...message });
    await second.next('pubrec');
    second.send({ cmd: 'pubrel', messageId: 7 });
    await second.next('pubcomp');
    await second.drop();

    // PUBREL of an exchange that is complete is answered all the same; then the packet id means another message.
    await using third = await connectRaw(host, hub.mqtt, id);
    third.send({ cmd: 'pubrel', messageId: 7 });
    await third.next('pubcomp');
    third.send({ cmd: 'publish', dup: false, ...message, payload: 'y' });
    await third.next('pubrec');
    third.send({ cmd: 'pubrel', messageId: 7 });
    await third.next('pubcomp');
    expect(await take(watcher, 2)).toEqual(['x', 'y']);
    await publish(`${id}/end`, ['end'], 1);
    expect(await take(watcher, 1)).toEqual(['end']);
  });
});
