import { headerLength } from './frame-reader.ts';

/** MQTT control packet types, section 2.2.1. */
export const CONNECT = 1;
export const CONNACK = 2;
export const PUBLISH = 3;
export const PUBACK = 4;
export const PUBREC = 5;
export const SUBSCRIBE = 8;
export const SUBACK = 9;
export const UNSUBSCRIBE = 10;
export const UNSUBACK = 11;
export const PINGREQ = 12;
export const PINGRESP = 13;
export const DISCONNECT = 14;

/** The packet that the server owes for one of `type`; 0: none, or (PUBLISH) one that need not come before anything else. */
export function answerTo(type: number): number {
  switch (type) {
    case CONNECT:
      return CONNACK;
    case SUBSCRIBE:
      return SUBACK;
    case UNSUBSCRIBE:
      return UNSUBACK;
    case PINGREQ:
      return PINGRESP;
    default:
      return 0;
  }
}

/** Whether a whole packet is a PUBLISH that wants an acknowledgement. */
export function wantsAcknowledgement(frame: Buffer): boolean {
  return frame[0]! >> 4 === PUBLISH && (frame[0]! & 0x06) !== 0;
}

/** Whether a whole PUBLISH, SUBSCRIBE or UNSUBSCRIBE carries packet id 0 [MQTT3-2.3.1-1]. Other malformed ones are for aedes' parser. */
export function hasZeroPacketId(frame: Buffer): boolean {
  const type = frame[0]! >> 4;
  let at = headerLength(frame, 0);
  if (wantsAcknowledgement(frame)) at += 2 + (((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0));
  else if (type !== SUBSCRIBE && type !== UNSUBSCRIBE) return false;
  return frame[at] === 0 && frame[at + 1] === 0;
}
