import {
  AUTH,
  CONNECT,
  DISCONNECT,
  PINGREQ,
  PUBACK,
  PUBCOMP,
  PUBLISH,
  PUBREC,
  PUBREL,
  SUBSCRIBE,
  UNSUBSCRIBE,
} from './packet-type.ts';
import type { ProtocolLevel } from './packet-type.ts';

/** For each of the 256 first bytes of a packet: 1 when a server accepts it from a client in the given state. */
export type FirstBytes = Readonly<Uint8Array>;

const DUP = 0b1000;

function table(level: ProtocolLevel): FirstBytes {
  const accepted = new Uint8Array(256);
  const take = (type: number, flags: number): void => void (accepted[(type << 4) | flags] = 1);
  // The flags of every packet but PUBLISH are fixed [MQTT3-2.2.2-2], [MQTT3-3.6.1-1], [MQTT3-3.8.1-1], [MQTT3-3.10.1-1].
  for (const type of [CONNECT, PUBACK, PUBREC, PUBCOMP, PINGREQ, DISCONNECT]) take(type, 0);
  for (const type of [PUBREL, SUBSCRIBE, UNSUBSCRIBE]) {
    take(type, 0b0010);
    if (level === 3) take(type, 0b0010 | DUP); // MQTT 3.1 repeats these with DUP set
  }
  if (level === 5) take(AUTH, 0);
  for (let flags = 0; flags < 16; flags++) {
    const qos = (flags >> 1) & 3;
    if (qos === 3) continue; // [MQTT3-3.3.1-4]
    if (qos === 0 && (flags & DUP) !== 0) continue; // [MQTT3-3.3.1-2]
    take(PUBLISH, flags);
  }
  return accepted;
}

/** With thousands of filters in a packet, one of these is as much as a flood of others. */
export function mayBeLong(first: number): boolean {
  return first >> 4 === SUBSCRIBE || first >> 4 === UNSUBSCRIBE;
}

function connectOnly(): FirstBytes {
  const accepted = new Uint8Array(256);
  accepted[CONNECT << 4] = 1;
  return accepted;
}

/** The first packet is a CONNECT [MQTT3-3.1.0-1]. */
export const BEFORE_CONNECT: FirstBytes = connectOnly();

/** After CONNECT. A second CONNECT passes here: it is well-formed, and the session's business [MQTT3-3.1.0-2]. */
export const AFTER_CONNECT: Readonly<Record<ProtocolLevel, FirstBytes>> = {
  3: table(3),
  4: table(4),
  5: table(5),
};
