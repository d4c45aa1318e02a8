import { startNats, waitFor } from '@trivium/testing';
import { expect, it } from 'vitest';
import { startDoor } from './door.fixture.ts';
import type { Tracing } from './tracing.ts';

it('a message is traced from one aedes client to another, by way of the bus', async () => {
  const told: string[] = [];
  const tracing: Tracing = {
    enabled: true,
    receive(topic, qos, client) {
      told.push(`receive ${topic} q${qos} from ${client}`);
      const end = (code?: string): void => void told.push(`received ${code ?? 'ok'}`);
      return { traceparent: '00-a-b-01', tracestate: 'k=v', end };
    },
    deliver(traceparent, topic, qos, client, tracestate) {
      told.push(`deliver ${traceparent} ${tracestate} ${topic} q${qos} to ${client}`);
      return {
        traceparent: '00-a-c-01',
        tracestate: undefined,
        end: (code) => void told.push(`delivered ${code ?? 'ok'}`),
      };
    },
  };
  await using nats = await startNats();
  await using fixture = await startDoor(nats.url, { door: { tracing } });
  const [from, to] = [await fixture.connect({ clientId: 'from' }), await fixture.connect({ clientId: 'to' })];
  await to.mqtt.subscribeAsync('t', { qos: 1 });
  for (const qos of [0, 1] as const) {
    await from.mqtt.publishAsync('t', 'x', { qos });
    await waitFor(() => told.includes('delivered ok') && told.includes('received ok'));
    expect(told.sort()).toEqual([
      `deliver 00-a-b-01 k=v t q${qos} to to`,
      'delivered ok',
      `receive t q${qos} from from`,
      'received ok',
    ]);
    told.length = 0;
  }
});
