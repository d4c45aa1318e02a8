import type { Attachment, Delivery, Receiver } from '@trivium/delivery';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withPublisher } from './bus.fixture.ts';
import { startDoor, startOtherDoor, type FixtureOptions, type OtherDoor } from './door.fixture.ts';
import {
  connectFrame,
  DISCONNECT,
  PINGREQ,
  publishFrame,
  rawClient,
  subscribeFrame,
  unsubscribeFrame,
} from './raw-client.fixture.ts';

let nats: NatsServer;
let other: OtherDoor;
beforeAll(async () => {
  nats = await startNats();
  other = await startOtherDoor(nats.url);
});
afterAll(async () => {
  await other?.[Symbol.asyncDispose]();
  await nats?.stop();
});

const VICTIM = 'victim';
const boom = (): never => {
  throw new TypeError('injected');
};

/** A delivery whose attachments throw for the victim. */
function faultyDelivery(name: 'subscribe' | 'unsubscribe' | 'detach') {
  return (delivery: Delivery): Delivery => ({
    ...delivery,
    attach(receiver: Receiver) {
      const attachment = delivery.attach(receiver);
      if (receiver.id !== VICTIM) return attachment;
      return Object.create(attachment, { [name]: { value: boom } }) as Attachment;
    },
  });
}

/** A publisher that throws for messages on `fault`. */
function faultyPublisher(name: 'live' | 'durable'): FixtureOptions {
  return {
    bus: (bus) =>
      withPublisher(bus, (publisher) => ({
        [name]: (subject: string, ...rest: unknown[]) => {
          if (subject.endsWith('.fault')) boom();
          return (publisher[name] as (...args: unknown[]) => unknown)(subject, ...rest);
        },
      })),
  };
}

function faultyTracing(name: 'receive' | 'deliver' | 'end'): FixtureOptions {
  const span = { traceparent: 'tp', tracestate: undefined, end: () => name === 'end' && boom() };
  return {
    door: {
      tracing: {
        enabled: true,
        receive: (topic) => (topic !== 'fault' ? undefined : name === 'receive' ? boom() : span),
        deliver: (_parent, topic) => (topic !== 'fault' ? undefined : name === 'deliver' ? boom() : span),
      },
    },
  };
}

const use = [
  subscribeFrame(1, ['fault', 1]),
  publishFrame('fault', 'x'),
  publishFrame('fault', 'y', 0x32, 1),
];

describe('a fault on the border to aedes costs one connection, never the process', () => {
  it.each<[string, FixtureOptions]>([
    [
      'attach',
      {
        delivery: (delivery) => ({
          ...delivery,
          attach: (to) => (to.id === VICTIM ? boom() : delivery.attach(to)),
        }),
      },
    ],
    ['subscribe', { delivery: faultyDelivery('subscribe') }],
    ['unsubscribe', { delivery: faultyDelivery('unsubscribe') }],
    ['detach', { delivery: faultyDelivery('detach') }],
    ['a live publish', faultyPublisher('live')],
    ['a durable publish', faultyPublisher('durable')],
    ['a span begun', faultyTracing('receive')],
    ['a span delivered', faultyTracing('deliver')],
    ['a span ended', faultyTracing('end')],
    [
      'the owners of client ids',
      {
        door: {
          owners: {
            take: (id, _principal, owner) => (id === VICTIM ? boom() : owner.claimed()),
            leave: () => {},
            find: () => undefined,
          },
        },
      },
    ],
    [
      'the owners of client ids, at the end',
      {
        door: {
          owners: {
            take: (_id, _principal, owner) => owner.claimed(),
            leave: (id) => void (id === VICTIM && boom()),
            find: () => undefined,
          },
        },
      },
    ],
    [
      'the logger too',
      {
        ...faultyPublisher('live'),
        door: { logger: { debug: boom, info: boom, warn: boom, error: boom } },
      },
    ],
  ])('%s', async (_name, options) => {
    await using fixture = await startDoor(nats.url, options);
    const bystander = await fixture.connect({ clientId: 'bystander' });
    await bystander.mqtt.subscribeAsync('fine', { qos: 1 });
    const victim = rawClient(fixture.port);
    victim.send(connectFrame({ clientId: VICTIM }), ...use);
    // CONNACK, SUBACK, PUBACK and both messages, unless the fault comes first.
    await waitFor(() => victim.packets.length === 5 || fixture.door.stats.caughtFaults > 0);
    victim.send(unsubscribeFrame(2, 'fault'), DISCONNECT);
    await victim.closed();
    await waitFor(() => fixture.door.stats.caughtFaults > 0 && fixture.door.connections === 1);
    await bystander.mqtt.publishAsync('fine', 'x', { qos: 1 });
    await waitFor(() => bystander.seen.length > 0);
    expect(bystander.seen).toEqual(['fine x q1']);
    expect(fixture.door.stats).toMatchObject({ sessions: 1, openPublishes: 0 });
  });
});

describe('bytes that are not MQTT', () => {
  it('close their own connection, or wait for more, and nothing else', async () => {
    await using fixture = await startDoor(nats.url, { config: { connectTimeoutMs: 300 } });
    const bystander = await fixture.connect();
    await bystander.mqtt.subscribeAsync('fine', { qos: 1 });
    const byte = fc.integer({ min: 0, max: 255 });
    const garbage = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    /** A good packet with a byte or two changed. */
    const bent = fc
      .tuple(
        fc.constantFrom(connectFrame(), ...use, PINGREQ),
        fc.array(fc.tuple(fc.nat(), byte), { minLength: 1, maxLength: 2 }),
      )
      .map(([frame, changes]) => {
        const changed = Buffer.from(frame);
        for (const [at, value] of changes) changed[at % changed.length] = value;
        return changed;
      });
    const input = fc.tuple(fc.boolean(), fc.array(fc.oneof(garbage, bent), { minLength: 1, maxLength: 4 }));

    for (const [polite, pieces] of fc.sample(input, 300)) {
      const client = rawClient(fixture.port);
      if (polite) client.send(connectFrame({ clientId: 'garbage' }));
      client.send(...pieces);
      client.socket.end();
      await client.closed();
    }
    await waitFor(() => fixture.door.connections === 1);
    await other.publish('fine', 'x', 1);
    await waitFor(() => bystander.seen.length > 0);
    expect(bystander.seen).toEqual(['fine x q1']);
    expect(fixture.door.stats.caughtFaults).toBe(0);
    expect(fixture.door.stats.openPublishes).toBe(0);
  });

  it('a client that never says CONNECT is closed', async () => {
    await using fixture = await startDoor(nats.url, { config: { connectTimeoutMs: 100 } });
    const client = rawClient(fixture.port);
    await client.closed();
    await waitFor(() => fixture.door.connections === 0);
  });

  it('a client that says nothing for one and a half keep-alives is closed [MQTT3-3.1.2-24]', async () => {
    await using fixture = await startDoor(nats.url);
    const client = rawClient(fixture.port);
    client.send(connectFrame({ keepAlive: 1 }));
    await client.packet(0);
    const since = performance.now();
    await client.closed();
    expect(performance.now() - since).toBeGreaterThan(1_000);
    expect(fixture.door.stats.closed).toEqual({ 'keepalive.timeout': 1 });
  });
});
