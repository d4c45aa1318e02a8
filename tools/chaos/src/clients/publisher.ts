import type { Stream } from '../accounts/messages.ts';
import { DUP, RETAIN } from '../accounts/trace.ts';
import { answerPacket, PUBACK, PUBCOMP, publishPacket, PUBREC, PUBREL } from '../mqtt/packets.ts';
import type { World } from '../world.ts';
import { createClient, type Client, type ClientOptions } from './client.ts';

interface Open {
  readonly packetId: number;
  readonly stream: Stream;
  readonly seq: number;
}

/**
 * Sends numbered messages and keeps each until it is acknowledged. After a reconnect what is open goes again in its order,
 * with the same packet ids: PUBLISH with DUP where nothing came back, PUBREL where PUBREC had come [MQTT3-4.4.0-1, -4.6.0-1].
 */
export interface Publisher {
  readonly client: Client;
  /** Sends the next message of `stream`; false when it is not connected or too much is open. */
  publish(stream: Stream): boolean;
  /** Messages that are sent and not completed. */
  readonly open: number;
  /** The trace's time of the first PUBLISH of the last message that was acknowledged. */
  readonly acknowledgedUpTo: number;
  readonly streams: readonly Stream[];
}

/** Exchanges open at once; packet ids come round soon, so that ids alone identify nothing. */
const WINDOW = 40;
const PACKET_IDS = 100;

export function createPublisher(world: World, options: ClientOptions, streams: readonly Stream[]): Publisher {
  const { trace, messages, findings, now } = world;
  /** PUBLISH was sent; in that order. */
  const sent = new Map<number, Open>();
  /** PUBREC came; in that order [MQTT3-4.6.0-4]. */
  const released = new Map<number, Open>();
  let lastId = 0;
  let acknowledgedUpTo = 0;

  const transmit = ({ packetId, stream, seq }: Open, again: boolean): void => {
    const { topic, qos, retain, index } = stream;
    const flags = (again ? DUP : 0) | (retain ? RETAIN : 0);
    const at = trace.record('PUBLISH >', client.number, { stream: index, seq, packetId, flags });
    messages.transmitted(stream, seq, at);
    const payload = messages.payload(stream, seq);
    client.write(publishPacket({ topic, payload, qos, retain, dup: again, packetId }));
  };

  const release = ({ packetId, stream, seq }: Open): void => {
    trace.record('PUBREL >', client.number, { stream: stream.index, seq, packetId });
    client.write(answerPacket(PUBREL, packetId));
  };

  const acknowledge = ({ packetId, stream, seq }: Open, event: 'PUBACK <' | 'PUBREC <'): void => {
    const at = trace.record(event, client.number, { stream: stream.index, seq, packetId });
    messages.acknowledge(stream, seq, at);
    acknowledgedUpTo = Math.max(acknowledgedUpTo, stream.sentAt[seq - 1] ?? 0);
  };

  const answered = (type: number, packetId: number): void => {
    const open = sent.get(packetId);
    const releasing = released.get(packetId);
    if (type === PUBACK && open?.stream.qos === 1) {
      sent.delete(packetId);
      acknowledge(open, 'PUBACK <');
    } else if (type === PUBREC && open?.stream.qos === 2) {
      sent.delete(packetId);
      released.set(packetId, open);
      acknowledge(open, 'PUBREC <');
      release(open);
    } else if (type === PUBCOMP && releasing !== undefined) {
      const { stream, seq } = releasing;
      trace.record('PUBCOMP <', client.number, { stream: stream.index, seq, packetId });
      released.delete(packetId);
    } else {
      const text = `${client.name}: packet type ${type} for packet id ${packetId}, which waits for none`;
      findings.add({ kind: 'protocol', text, ms: now(), client: client.number });
    }
  };

  const client = createClient(world, options, {
    opened() {
      for (const open of sent.values()) transmit(open, true);
      for (const open of released.values()) release(open);
    },
    packet: (first, body) => answered(first >> 4, body.length >= 2 ? body.readUInt16BE(0) : 0),
    ended: () => undefined,
  });

  const freeId = (): number => {
    do lastId = (lastId % PACKET_IDS) + 1;
    while (sent.has(lastId) || released.has(lastId));
    return lastId;
  };

  return {
    client,
    streams,
    get open() {
      return sent.size + released.size;
    },
    get acknowledgedUpTo() {
      return acknowledgedUpTo;
    },
    publish(stream) {
      if (!client.isOpen || client.isFrozen || sent.size + released.size >= WINDOW) return false;
      const open = { packetId: freeId(), stream, seq: messages.next(stream) };
      sent.set(open.packetId, open);
      transmit(open, false);
      return true;
    },
  };
}
