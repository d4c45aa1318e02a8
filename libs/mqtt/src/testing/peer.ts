import { waitFor } from '@trivium/testing';
import type { ProtocolLevel } from '../codec/packet-type.ts';
import {
  connect,
  PINGREQ,
  publish,
  subscribe,
  type ConnectFields,
  type PublishFields,
  type Request,
} from './client-packets.ts';
import type { RealDoor } from './real-door.ts';
import { readServerPackets, type ServerPacket } from './server-packets.ts';

/** A client that sends what it is told to, answers nothing by itself, and reads every packet strictly. */
export interface Peer {
  readonly level: ProtocolLevel;
  /** Undefined before `take('connack')`. */
  readonly connack: ServerPacket;
  send(...packets: Buffer[]): void;
  publish(fields: PublishFields): void;
  /** Resolves with SUBACK. */
  subscribe(requests: readonly Request[] | string, qos?: 0 | 1 | 2): Promise<ServerPacket>;
  /** The next packet of that name, taken out of what has come. */
  take(name: string): Promise<ServerPacket>;
  /** The next `count` PUBLISHes. */
  messages(count: number): Promise<ServerPacket[]>;
  /** Everything not taken so far, when PINGREQ is answered. */
  answers(...sent: Buffer[]): Promise<ServerPacket[]>;
  /** Everything not taken so far, when the door has closed the connection. */
  end(...sent: Buffer[]): Promise<ServerPacket[]>;
  drop(): void;
}

/** A connection on which nothing was sent yet. */
export async function bare(door: RealDoor, level: ProtocolLevel): Promise<Peer> {
  const raw = await door.socket();
  const inbox: ServerPacket[] = [];
  let unread = Buffer.alloc(0);
  let fault: unknown;
  raw.socket.on('data', (chunk: Buffer) => {
    try {
      const { packets, rest } = readServerPackets(Buffer.concat([unread, chunk]), level);
      inbox.push(...packets);
      unread = Buffer.from(rest);
    } catch (error) {
      fault ??= error;
    }
  });
  const message = (): string => inbox.map(({ bytes }) => bytes.toString('hex')).join(' ');
  const until = async (done: () => boolean): Promise<void> => {
    await waitFor(() => fault !== undefined || done(), { message });
    if (fault !== undefined) throw fault;
  };
  const takeAll = (): ServerPacket[] => inbox.splice(0);
  let subscribes = 0;
  const peer = {
    level,
    connack: undefined as unknown as ServerPacket,
    send: raw.send,
    publish: (fields: PublishFields) => raw.send(publish({ level, ...fields })),
    async subscribe(requests: readonly Request[] | string, qos: 0 | 1 | 2 = 2) {
      const list = typeof requests === 'string' ? [{ filter: requests, qos }] : requests;
      raw.send(subscribe(60_000 + ++subscribes, list, level));
      return peer.take('suback');
    },
    async take(name: string) {
      await until(() => inbox.some((one) => one.name === name));
      const [found] = inbox.splice(
        inbox.findIndex((one) => one.name === name),
        1,
      );
      return found!;
    },
    async messages(count: number) {
      const found: ServerPacket[] = [];
      while (found.length < count) found.push(await peer.take('publish'));
      return found;
    },
    async answers(...sent: Buffer[]) {
      raw.send(...sent, PINGREQ);
      await peer.take('pingresp');
      return takeAll();
    },
    async end(...sent: Buffer[]) {
      if (sent.length > 0) raw.send(...sent);
      await raw.closed;
      if (fault !== undefined) throw fault;
      return takeAll();
    },
    drop: () => void raw.socket.destroy(),
  };
  return peer;
}

/** A client with its CONNACK, whatever that says. */
export async function peerOf(
  door: RealDoor,
  fields: ConnectFields & { level: ProtocolLevel },
): Promise<Peer> {
  const peer = await bare(door, fields.level);
  peer.send(connect(fields));
  return Object.assign(peer, { connack: await peer.take('connack') });
}
