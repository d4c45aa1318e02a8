import { Value } from 'typebox/value';
import { vi } from 'vitest';
import { mqttSection, type MqttConfig } from '../config.ts';
import { createMqttDoor } from '../create-mqtt-door.ts';
import type { Tracing } from '../tracing.ts';
import { connect, type ConnectFields } from './client-packets.ts';
import { FakeBus } from './fake-bus.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeDelivery } from './fake-delivery.ts';
import { FakeTransport } from './fake-transport.ts';

export const DEFAULTS = Value.Default(mqttSection, {}) as MqttConfig;

/** One turn of the event loop: what was written in it has left. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** A door on fakes. */
export function doorUnderTest(settings: Partial<MqttConfig> = {}, tracing?: Tracing) {
  const bus = new FakeBus();
  const delivery = new FakeDelivery();
  const clock = new FakeClock();
  const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const door = createMqttDoor({
    bus: bus.bus,
    delivery,
    clock,
    logger,
    config: { ...DEFAULTS, ...settings },
    info: { service: 'test' },
    ...(tracing && { tracing }),
  });
  const accept = (): FakeTransport => {
    const transport = new FakeTransport();
    door.accept(transport, { address: '127.0.0.9', kind: 'tcp', loopback: true });
    return transport;
  };
  /** A client with its CONNACK. */
  const client = async (fields: ConnectFields = {}): Promise<FakeTransport> => {
    const transport = accept();
    void transport.send(connect(fields));
    await turn();
    const answer = transport.taken();
    if (answer !== '20020000') throw new Error(`CONNACK is ${answer}`);
    return transport;
  };
  return { bus, delivery, clock, logger, door, accept, client };
}
