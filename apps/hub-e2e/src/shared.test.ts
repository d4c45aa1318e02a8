import { waitFor } from '@trivium/testing';
import { expect, inject, it } from 'vitest';
import type { SubscribingDoor } from './clients/client.ts';
import { httpPublisher } from './clients/http.ts';
import { mosquittoSubscriber } from './clients/mosquitto.ts';
import { mqttJsPublisher, mqttJsSubscriber } from './clients/mqtt-js.ts';
import { pahoSubscriber } from './clients/paho.ts';

const hub = inject('hub');

/** Clients that know nothing of shared subscriptions too: to them it is a filter like any other. */
const members: SubscribingDoor[] = [
  mosquittoSubscriber(),
  pahoSubscriber(),
  mqttJsSubscriber('MQTT.js', ({ host, mqtt }) => `mqtt://${host}:${mqtt}`),
  mqttJsSubscriber('MQTT.js over WebSocket', ({ host, ws }) => `ws://${host}:${ws}/`),
];

it.each([0, 1] as const)(
  'a shared subscription at QoS %i: of four clients that are not ours, at two doors, one gets each message',
  async (qos) => {
    const topic = `shared-${process.pid}-${qos}`;
    const crew = await Promise.all(
      members.map((member) => member.subscribe(hub, `$share/crew/${topic}/#`, qos)),
    );
    const message = (i: number) => ({ topic: `${topic}/a`, payload: Buffer.from(`${i}`), qos });
    const sent = Array.from({ length: 80 }, (_, i) => message(100 + i));
    await mqttJsPublisher('publisher', ({ host, mqtt }) => `mqtt://${host}:${mqtt}`).publish(
      hub,
      sent.slice(0, 60),
    );
    await httpPublisher().publish(hub, sent.slice(60));
    const all = (): string[] =>
      crew.flatMap(({ received }) => received.map(({ payload }) => Buffer.from(payload).toString())).sort();
    await waitFor(() => all().length >= 80);
    expect(all()).toEqual(sent.map(({ payload }) => payload.toString()));
    for (const { received } of crew) expect(received.length).toBeGreaterThan(0);
    for (const member of crew) await member[Symbol.asyncDispose]();
  },
);
