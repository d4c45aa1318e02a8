import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Frames } from './mqtt/frame.ts';
import { connect, publish, subscribe } from './mqtt/packets.ts';
import { percentile } from './percentile.ts';

/** Two clients that do nothing wrong: one publishes with QoS 1, the other receives. */
export interface HealthyPair extends AsyncDisposable {
  /** Publishes at `ratePerS` for `forMs`, and waits for the rest. */
  measure(ratePerS: number, forMs: number): Promise<PairResult>;
}

export interface PairResult {
  readonly sent: number;
  readonly received: number;
  /** From the write of the publisher to the receiver's read, milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const LAST_MESSAGES_MS = 20_000;
const PUBLISH = 3;

export async function healthyPair(host: string, port: number, topic: string): Promise<HealthyPair> {
  const name = `healthy-${topic.replaceAll('/', '-')}`;
  const receiver = await open(host, port, `${name}-receiver`);
  const publisher = await open(host, port, `${name}-publisher`);
  const latencies: number[] = [];
  const sentAt: number[] = [];
  receiver.onPacket = (first, body) => {
    if (first >> 4 !== PUBLISH) return;
    const topicEnd = 2 + body.readUInt16BE(0);
    const n = body.readUInt32BE(topicEnd); // QoS 0: no packet id
    latencies.push(performance.now() - sentAt[n]!);
  };
  await receiver.ask(subscribe(4, 1, [topic], 0));
  publisher.onPacket = () => undefined;

  return {
    async measure(ratePerS, forMs) {
      latencies.length = 0;
      sentAt.length = 0;
      const end = performance.now() + forMs;
      for (let next = performance.now(); next < end; next += 1_000 / ratePerS) {
        await sleep(Math.max(0, next - performance.now()));
        const payload = Buffer.alloc(32);
        payload.writeUInt32BE(sentAt.length);
        sentAt.push(performance.now());
        publisher.socket.write(
          publish(4, { topic, payload, qos: 1, packetId: 1 + (sentAt.length % 65_000) }),
        );
      }
      for (const patience = performance.now() + LAST_MESSAGES_MS; latencies.length < sentAt.length;) {
        if (performance.now() > patience) break;
        await sleep(10);
      }
      const sorted = latencies.toSorted((a, b) => a - b);
      const at = (share: number): number => percentile(sorted, share);
      return { sent: sentAt.length, received: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
    },
    async [Symbol.asyncDispose]() {
      for (const { socket } of [publisher, receiver]) socket.destroy();
    },
  };
}

interface Client {
  readonly socket: Socket;
  onPacket: (first: number, body: Buffer) => void;
  /** Writes, and resolves at the next packet. */
  ask(packet: Buffer): Promise<void>;
}

async function open(host: string, port: number, clientId: string): Promise<Client> {
  const socket = connectTcp({ host, port, noDelay: true });
  const frames = new Frames();
  let told = (): void => undefined;
  const client: Client = {
    socket,
    onPacket: () => undefined,
    ask: (packet) =>
      new Promise((resolve, reject) => {
        told = resolve;
        socket.once('close', () => reject(new Error(`${clientId} was disconnected`)));
        socket.write(packet);
      }),
  };
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    frames.feed(chunk);
    for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
      client.onPacket(frame.first, frame.body);
      told();
    }
  });
  await client.ask(connect({ clientId, keepAliveSeconds: 0 }));
  return client;
}
