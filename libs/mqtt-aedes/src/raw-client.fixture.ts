import { connect, type Socket } from 'node:net';
import { waitFor } from '@trivium/testing';
import { FrameReader } from './frame-reader.ts';

/** A client that sends the bytes it is told to, and shows the packets that come back. */
export interface RawClient {
  readonly socket: Socket;
  /** Packets from the server, in hex. */
  readonly packets: string[];
  send(...frames: Buffer[]): void;
  /** Resolves when the server has ended the connection. */
  closed(): Promise<void>;
  packet(index: number): Promise<string>;
}

export function rawClient(port: number): RawClient {
  const socket = connect({ host: '127.0.0.1', port });
  const reader = new FrameReader(1 << 20);
  const packets: string[] = [];
  let ended = false;
  socket.on('data', (chunk: Buffer) => {
    const frames: Buffer[] = [];
    reader.add(chunk, frames);
    packets.push(...frames.map((frame) => frame.toString('hex')));
  });
  socket.on('error', () => undefined);
  socket.on('close', () => (ended = true));
  return {
    socket,
    packets,
    send: (...frames) => void socket.write(Buffer.concat(frames)),
    async closed() {
      await waitFor(() => ended, { message: 'the connection to be closed' });
    },
    async packet(index) {
      await waitFor(() => packets.length > index, { message: `packet ${index}` });
      return packets[index]!;
    },
  };
}

export function frame(first: number, ...parts: (Buffer | number[])[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

/** A string as MQTT writes it. */
export function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

export const id = (packetId: number): number[] => [packetId >> 8, packetId & 0xff];

export interface ConnectFields {
  clientId?: string | Buffer;
  flags?: number;
  keepAlive?: number;
  level?: number;
  rest?: Buffer[];
}

export function connectFrame({
  clientId = 'raw',
  flags = 0x02,
  keepAlive = 0,
  level = 4,
  rest = [],
}: ConnectFields = {}): Buffer {
  return frame(
    0x10,
    field(level === 3 ? 'MQIsdp' : 'MQTT'),
    [level, flags],
    id(keepAlive),
    field(clientId),
    ...rest,
  );
}

export function publishFrame(
  topic: string | Buffer,
  payload: string,
  first = 0x30,
  packetId?: number,
): Buffer {
  return frame(first, field(topic), packetId === undefined ? [] : id(packetId), Buffer.from(payload));
}

export function subscribeFrame(
  packetId: number,
  ...filters: [filter: string | Buffer, qos: number][]
): Buffer {
  return frame(0x82, id(packetId), ...filters.flatMap(([filter, qos]) => [field(filter), [qos]]));
}

export function unsubscribeFrame(packetId: number, ...filters: string[]): Buffer {
  return frame(0xa2, id(packetId), ...filters.map(field));
}

export const PINGREQ = Buffer.from([0xc0, 0]);
export const DISCONNECT = Buffer.from([0xe0, 0]);
