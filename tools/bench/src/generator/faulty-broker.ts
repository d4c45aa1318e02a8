import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { seeded } from '@trivium/testing';
import { PacketReader } from './packet-reader.ts';
import type { Address } from './plan.ts';

/** Probabilities, per delivery. */
export interface Faults {
  drop?: number;
  duplicate?: number;
  /** Held back until the next message of the same publisher to the same subscriber has left. */
  swap?: number;
  /** Sent a second time, to a subscriber of something else. */
  stray?: number;
  /** One byte is missing. */
  truncate?: number;
  connackCode?: number;
  subackCode?: number;
  /** All connections are cut after so many messages. */
  dieAfter?: number;
  /** After so many messages every client is sent what is no MQTT. */
  garbageAfter?: number;
}

export interface FaultyBroker extends AsyncDisposable {
  readonly address: Address;
  /** What it really did. */
  readonly done: { dropped: number; duplicated: number; swapped: number; strayed: number; truncated: number };
}

const GARBAGE = Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0xff]);

interface Session {
  socket: Socket | undefined;
  filter: string | undefined;
  qos: number;
  packetId: number;
  held: Map<string, Buffer>;
  queue: Buffer[];
}

/** A small broker (QoS 0 and 1, an exact topic or `prefix/#`) that does a known number of things wrong. */
export async function startFaultyBroker(faults: Faults = {}): Promise<FaultyBroker> {
  const done = { dropped: 0, duplicated: 0, swapped: 0, strayed: 0, truncated: 0 };
  const sessions = new Map<string, Session>();
  const sockets = new Set<Socket>();
  const random = seeded(7);
  let published = 0;

  const send = (session: Session, topic: string, payload: Buffer) => {
    session.packetId = (session.packetId % 0xffff) + 1;
    const packet = publishPacket(topic, session.qos, session.packetId, payload);
    const chance = random() / 2 ** 32;
    const { drop = 0, duplicate = 0, swap = 0, stray = 0, truncate = 0 } = faults;
    const held = session.held.get(topic);
    if (held !== undefined) {
      session.held.delete(topic);
      done.swapped++;
      deliver(session, Buffer.concat([packet, held]));
    } else if (chance < drop) {
      done.dropped++;
    } else if (chance < drop + duplicate) {
      done.duplicated++;
      deliver(session, Buffer.concat([packet, packet]));
    } else if (chance < drop + duplicate + swap) {
      session.held.set(topic, packet);
    } else if (chance < drop + duplicate + swap + stray) {
      deliver(session, packet);
      const other = [...sessions.values()].find(
        ({ filter }) => filter !== undefined && !matches(filter, topic),
      );
      if (other) deliver(other, packet);
      if (other) done.strayed++;
    } else if (chance < drop + duplicate + swap + stray + truncate) {
      done.truncated++;
      deliver(session, publishPacket(topic, session.qos, session.packetId, payload.subarray(1)));
    } else deliver(session, packet);
  };

  const onConnection = (socket: Socket) => {
    let session: Session | undefined;
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      if (session?.socket === socket) session.socket = undefined;
    });
    const reader = new PacketReader((first, bytes, start, end) => {
      const body = Buffer.from(bytes.subarray(start, end));
      switch (first >> 4) {
        case 1: {
          const id = body.toString('utf8', 12);
          const clean = ((body[7] as number) & 2) !== 0;
          const present = !clean && sessions.has(id);
          session = present ? sessions.get(id) : newSession();
          sessions.set(id, session as Session);
          (session as Session).socket = socket;
          socket.write(Buffer.from([0x20, 2, present ? 1 : 0, faults.connackCode ?? 0]));
          for (const packet of (session as Session).queue.splice(0)) socket.write(packet);
          return;
        }
        case 8: {
          const granted = faults.subackCode ?? (body.at(-1) as number);
          Object.assign(session ?? {}, { filter: body.toString('utf8', 4, body.length - 1), qos: granted });
          socket.write(Buffer.from([0x90, 3, body[0] as number, body[1] as number, granted]));
          return;
        }
        case 3: {
          let at = 2 + body.readUInt16BE(0);
          const topic = body.toString('utf8', 2, at);
          if ((first & 6) !== 0) {
            socket.write(Buffer.from([0x40, 2, body[at] as number, body[at + 1] as number]));
            at += 2;
          }
          for (const other of sessions.values()) {
            if (other.filter !== undefined && matches(other.filter, topic))
              send(other, topic, body.subarray(at));
          }
          if (++published === faults.dieAfter) for (const each of sockets) each.destroy();
          if (published === faults.garbageAfter) for (const each of sockets) each.write(GARBAGE);
          return;
        }
        case 14:
          socket.end();
      }
    });
    socket.on('data', (chunk) => reader.push(chunk));
  };

  const server = createServer({ noDelay: true }, onConnection).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    done,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function newSession(): Session {
  return { socket: undefined, filter: undefined, qos: 0, packetId: 0, held: new Map(), queue: [] };
}

function deliver(session: Session, bytes: Buffer): void {
  if (session.socket !== undefined) session.socket.write(bytes);
  else session.queue.push(bytes);
}

function matches(filter: string, topic: string): boolean {
  return filter === topic || (filter.endsWith('/#') && topic.startsWith(filter.slice(0, -1)));
}

function publishPacket(topic: string, qos: number, packetId: number, payload: Buffer): Buffer {
  const name = Buffer.from(topic);
  const id = qos > 0 ? [packetId >> 8, packetId & 0xff] : [];
  const body = Buffer.concat([Buffer.from([0, name.length]), name, Buffer.from(id), payload]);
  // A length may be written with more bytes than it needs: three are enough for all here.
  const length = [(body.length & 127) | 128, ((body.length >> 7) & 127) | 128, body.length >> 14];
  return Buffer.concat([Buffer.from([0x30 | (qos << 1), ...length]), body]);
}
