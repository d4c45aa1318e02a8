import type { Result } from '@trivium/contracts';
import { decodeControlPacket } from '../codec/decode.ts';
import { AFTER_CONNECT } from '../codec/first-byte.ts';
import { FrameSplitter } from '../codec/frame-splitter.ts';
import type { ProtocolLevel } from '../codec/packet-type.ts';
import type { ControlPacket } from '../codec/packets.ts';

/** What the codec makes of one packet: splitter and decoder together, as a connection uses them. */
function decode(bytes: Buffer, level: ProtocolLevel = 4): Result<ControlPacket> {
  const splitter = new FrameSplitter(1_000_000);
  splitter.accepted = AFTER_CONNECT[level];
  splitter.feed(bytes);
  if (!splitter.next()) return { ok: false, error: { code: splitter.fault ?? 'defect', message: 'header' } };
  return decodeControlPacket(splitter.first, splitter.buffer, splitter.start, splitter.end, level);
}

/** It is legal. */
export function value(bytes: Buffer, level: ProtocolLevel = 4): ControlPacket {
  const decoded = decode(bytes, level);
  if (!decoded.ok) throw new Error(decoded.error.message);
  return decoded.value;
}

/** `ok`, or why it is refused. */
export function code(bytes: Buffer, level: ProtocolLevel = 4): string {
  const decoded = decode(bytes, level);
  return decoded.ok ? 'ok' : decoded.error.code;
}

/** No properties, as a packet of the level says it. */
export const none = (level: 4 | 5): number[] => (level === 5 ? [0] : []);
