import { Link } from '../generator/link.ts';
import { PUBACK, PUBLISH } from '../generator/packets.ts';
import type { Address } from '../generator/plan.ts';

const REPLY = Buffer.from('/reply');

/** An MQTT 3.1.1 client that answers every command with what it was sent. */
export async function openDevice(address: Address, id: string, readBuffer: Buffer): Promise<Link> {
  let out: Buffer[] = [];
  const link = await Link.open({
    address,
    clientId: id,
    clean: true,
    readBuffer,
    handlers: {
      packet(first, bytes, start, end) {
        if (first >> 4 !== PUBLISH) return;
        const qos = (first >> 1) & 3;
        const topicEnd = start + 2 + bytes.readUInt16BE(start);
        const topic = bytes.subarray(start + 2, topicEnd);
        const payload = bytes.subarray(topicEnd + (qos > 0 ? 2 : 0), end);
        if (qos > 0) out.push(Buffer.from([PUBACK << 4, 2, bytes[topicEnd]!, bytes[topicEnd + 1]!]));
        const length = 2 + topic.length + REPLY.length + payload.length;
        const head = Buffer.from([PUBLISH << 4, ...remainingLength(length), 0, 0]);
        head.writeUInt16BE(topic.length + REPLY.length, head.length - 2);
        out.push(head, Buffer.from(topic), REPLY, Buffer.from(payload));
      },
      readStarts: () => undefined,
      readEnds(of) {
        if (out.length > 0) of.write(Buffer.concat(out));
        out = [];
      },
      drained: () => undefined,
      lost: () => undefined,
    },
  });
  return link;
}

function remainingLength(length: number): number[] {
  return length < 128 ? [length] : [(length & 127) | 128, length >> 7];
}
