import { once, type EventEmitter } from 'node:events';
import { connectBus } from '@trivium/bus';
import { storeCredential } from '@trivium/identity';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import mqtt from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startService } from './service.fixture.ts';

let nats: NatsServer;
beforeAll(async () => {
  nats = await startNats();
  const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const bus = await connectBus({ config: { url: nats.url, name: 'credentials' }, logger });
  const cost = { memoryKiB: 1_024, passes: 1 };
  const author = { principal: 'root', service: 'test' };
  await storeCredential(bus, { name: 'dev', password: 'p' }, author, { cost });
  await bus.close();
});
afterAll(() => nats.stop());

const connect = (port: number, clientId: string) =>
  mqtt.connectAsync({
    ...{ host: '127.0.0.1', port, clientId, username: 'dev', password: 'p' },
    ...{ protocolVersion: 4, reconnectPeriod: 0 },
  });

test.each(['trivium', 'aedes'])(
  'engine %s: keeps the limits of connections and principals',
  async (engine) => {
    await using service = await startService({
      ...{ TRIVIUM_NATS_URL: nats.url, TRIVIUM_MQTT_ENGINE: engine },
      ...{ TRIVIUM_LIMITS_CONNECTIONS_PER_PRINCIPAL: '1', TRIVIUM_LIMITS_MESSAGES_PER_SECOND: '10' },
    });
    const { port } = service;
    const first = await connect(port, 'dev-1');
    await expect(connect(port, 'dev-2')).rejects.toMatchObject({ code: 3 });
    const gone = once(first as unknown as EventEmitter, 'close');
    const again = await connect(port, 'dev-1');
    await gone;
    await Promise.all(Array.from({ length: 15 }, () => again.publishAsync('a', 'x', { qos: 1 })));
    await waitFor(async () => /^trivium_mqtt_slowed_total(\{.*\})? [1-9]/m.test(await service.metrics()));
    await again.endAsync();
  },
);
