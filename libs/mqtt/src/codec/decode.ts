import type { Result } from '@trivium/contracts';
import { accept, refuse } from '@trivium/contracts';
import { decodeAcknowledgement } from './acknowledgement.ts';
import { BodyReader } from './body-reader.ts';
import { decodeConnect } from './connect.ts';
import { decodeAuth, decodeDisconnect } from './disconnect.ts';
import * as type from './packet-type.ts';
import type { ProtocolLevel } from './packet-type.ts';
import type { ControlPacket } from './packets.ts';
import { decodeSubscribe, decodeUnsubscribe } from './subscribe.ts';

/**
 * One packet from a client, other than PUBLISH: checked to its last bit, or refused. `buffer` [start, end) is its body; binary fields
 * of the result are views into it. `first` is its first byte, whose flags the splitter has checked. Before CONNECT `level` is undefined.
 */
export function decodeControlPacket(
  first: number,
  buffer: Buffer,
  start: number,
  end: number,
  level: ProtocolLevel | undefined,
): Result<ControlPacket> {
  const reader = new BodyReader(buffer, start, end);
  const packetType = first >> 4;
  if (packetType === type.CONNECT) return decodeConnect(reader);
  if (level === undefined) return refuse('protocol.error', 'the first packet is not CONNECT'); // [MQTT3-3.1.0-1]
  switch (packetType) {
    case type.PUBACK:
      return decodeAcknowledgement(reader, level, 'puback');
    case type.PUBREC:
      return decodeAcknowledgement(reader, level, 'pubrec');
    case type.PUBREL:
      return decodeAcknowledgement(reader, level, 'pubrel');
    case type.PUBCOMP:
      return decodeAcknowledgement(reader, level, 'pubcomp');
    case type.SUBSCRIBE:
      return decodeSubscribe(reader, level);
    case type.UNSUBSCRIBE:
      return decodeUnsubscribe(reader, level);
    case type.PINGREQ:
      reader.finish();
      if (reader.failure !== undefined) return refuse(reader.code, reader.failure);
      return accept({ type: 'pingreq' });
    case type.DISCONNECT:
      return decodeDisconnect(reader, level);
    case type.AUTH:
      return decodeAuth(reader);
    default:
      return refuse('protocol.error', `packet type ${packetType} from a client`);
  }
}
