import { randomBytes } from 'node:crypto';
import { GREETING_MS } from './door.ts';
import { openLine, type Line } from './line.ts';

export const TEXT = 1;
export const BINARY = 2;
const PING = 9;
const PONG = 10;

/** A WebSocket on which frames are laid byte by byte. */
export async function openWebSocket(host: string, port: number, subprotocol: string): Promise<Line> {
  const line = await openLine(host, port);
  line.write(
    Buffer.from(
      `GET / HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`,
    ),
  );
  await line.heard((bytes) => bytes.includes('\r\n\r\n'), GREETING_MS);
  return line;
}

/** One whole message, masked [RFC6455-5.3]. */
export function frame(opcode: number, payload: Buffer): Buffer {
  const mask = Buffer.from([0x12, 0x34, 0x56, 0x78]);
  const { length } = payload;
  const size =
    length < 126 ? [0x80 | length] : length < 65_536 ? [0xfe, length >> 8, length & 0xff] : sizeOf64(length);
  const masked = payload.map((byte, at) => byte ^ mask[at % 4]!);
  return Buffer.concat([Buffer.from([0x80 | opcode, ...size]), mask, masked]);
}

function sizeOf64(length: number): number[] {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return [0xff, ...bytes];
}

/** Asked after a frame: the answer says that the frame has been read. */
export const PING_FRAME = frame(PING, Buffer.from('siege!'));
const PONG_FRAME = Buffer.concat([Buffer.from([0x80 | PONG, 6]), Buffer.from('siege!')]);

export const hasPong = (bytes: Buffer): boolean => bytes.includes(PONG_FRAME);
