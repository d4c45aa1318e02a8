/**
 * What the door itself costs, in CPU nanoseconds per message: packets in and out over a bus, a delivery and transports that do
 * nothing. Prints JSON; compare runs on one machine by ratio.
 */
import type { Bus, Publisher, StoreSink } from '@trivium/bus';
import type { QoS, Topic } from '@trivium/contracts';
import type { Attachment, Delivered, Delivery, Receiver, Subscription } from '@trivium/delivery';
import { Value } from 'typebox/value';
import { mqttSection, type MqttConfig } from '../src/config.ts';
import { createMqttDoor } from '../src/index.ts';
import type { Transport, TransportSink } from '../src/index.ts';
import { acknowledge, connect, publish, subscribe } from '../src/testing/client-packets.ts';

const ROUNDS = 5;
const payload = Buffer.alloc(64, 'x');

interface Client extends Transport {
  sink: TransportSink;
}

function client(): Client {
  return {
    sink: undefined as unknown as TransportSink,
    open(sink) {
      this.sink = sink;
    },
    write: () => true,
    pause() {},
    resume() {},
    end() {},
    destroy() {},
  };
}

/** Publishes in the order given; stored when `settle` is called, as acknowledgements come in batches. */
const open: { sink: StoreSink; token: number }[] = [];
const settle = (): void => {
  for (const { sink, token } of open) sink.stored(token, 1, false);
  open.length = 0;
};
const publisher: Partial<Publisher> = {
  live: () => true,
  durable: (_subject, _payload, _headers, sink, token) => void open.push({ sink, token }),
  onPressure: () => () => {},
  pressed: false,
};
const bucket = { put: () => Promise.resolve(1), delete: () => Promise.resolve(true) };
const bus = {
  incarnation: 'bench',
  up: true,
  publisher,
  onState: () => () => {},
  bucket: () => bucket,
  serve: (subject: string) => ({ subject, close() {} }),
} as unknown as Bus;

const receivers: Receiver[] = [];
const delivery: Partial<Delivery> = {
  attach(receiver) {
    receivers.push(receiver);
    const attachment: Partial<Attachment> = {
      subscribe: () => Promise.resolve(),
      subscriptions: [],
      resume() {},
      detach() {},
    };
    return attachment as Attachment;
  },
};

const config = { ...(Value.Default(mqttSection, {}) as MqttConfig), maxInflight: 65_535 };
const logger = { debug() {}, info() {}, warn() {}, error() {} };
const door = createMqttDoor({
  bus,
  delivery: delivery as Delivery,
  config,
  logger,
  info: { service: 'bench' },
});
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const clients = Array.from({ length: 50 }, (_, i) => {
  const transport = client();
  door.accept(transport, { address: '', kind: 'tcp', loopback: true });
  transport.sink.onData(
    Buffer.concat([connect({ clientId: `c${i}` }), subscribe(1, [{ filter: '#', qos: 1 }])]),
  );
  return transport;
});
await turn();
await turn();

/** CPU nanoseconds per unit: the best round, since other programs only add. */
async function cost(perRound: number, run: () => void | Promise<void>): Promise<number> {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, ((user + system) * 1_000) / perRound);
  }
  return Math.round(best);
}

/** What 50 clients send in one go: `batch` packets each in one chunk, 100 times. */
async function intake(qos: QoS, batch: number): Promise<number> {
  const chunks = clients.map((_, i) =>
    Buffer.concat(
      Array.from({ length: batch }, (_packet, n) =>
        publish({ topic: `bench/${i}`, payload, qos, packetId: n + 1 }),
      ),
    ),
  );
  return cost(50 * batch * 100, async () => {
    for (let n = 0; n < 100; n++) {
      clients.forEach(({ sink }, i) => sink.onData(chunks[i]!));
      settle();
      await turn();
    }
  });
}

const message = {
  pos: 0,
  qos: 0 as QoS,
  retain: false,
  client: undefined,
  properties: undefined,
  serial: 0,
  payload,
};
const topics = Array.from({ length: 50 }, (_, i) => `bench/${i}` as Topic);
const fields = topics.map((topic) => Buffer.concat([Buffer.from([0, topic.length]), Buffer.from(topic)]));
const sub = { filter: '#', qos: 1 } as unknown as Subscription;
const next = (topic: number, qos: QoS): Delivered => {
  message.serial++;
  message.pos = qos === 0 ? 0 : message.serial;
  return Object.assign(message, { topic: topics[topic]!, topicField: fields[topic]!, qos });
};

/** 50 → 50: runs of `run` messages for one receiver, 1,000 messages a turn. */
function pairs(run: number): Promise<number> {
  return cost(300_000, async () => {
    for (let n = 0; n < 300_000; n++) {
      const at = Math.floor(n / run) % 50;
      receivers[at]!.onLive(next(at, 0), sub);
      if (n % 1_000 === 999) await turn();
    }
  });
}

/** 1 → 50, at QoS 0 or 1, with acknowledgements. */
function fanOut(qos: 0 | 1): Promise<number> {
  const acks = Array.from({ length: 20 }, (_, n) => n);
  let id = 0;
  return cost(50 * 4_000, async () => {
    for (let n = 0; n < 4_000; n++) {
      const delivered = next(0, qos);
      for (const receiver of receivers) {
        if (qos === 0) receiver.onLive(delivered, sub);
        else receiver.onDurable(delivered, sub);
      }
      if (n % 20 !== 19) continue;
      await turn();
      if (qos === 0) continue;
      const chunk = Buffer.concat(acks.map((ack) => acknowledge('puback', ((id + ack) % 65_535) + 1)));
      id += 20;
      for (const { sink } of clients) sink.onData(chunk);
    }
  });
}

const result = {
  publishQos0Batch20: await intake(0, 20),
  publishQos0Single: await intake(0, 1),
  publishQos1Batch20: await intake(1, 20),
  publishQos1Single: await intake(1, 1),
  deliverQos0Runs20: await pairs(20),
  deliverQos0Interleaved: await pairs(1),
  fanOutQos0: await fanOut(0),
  fanOutQos1WithPuback: await fanOut(1),
};
process.stdout.write(
  `${JSON.stringify({ unit: 'CPU ns per message', payloadBytes: payload.length, ...result }, null, 2)}\n`,
);
process.exit(0);
