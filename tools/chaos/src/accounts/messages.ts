import type { QoS } from '../mqtt/packets.ts';
import type { Trace } from './trace.ts';

/** The messages of one publisher to one topic at one QoS, numbered from 1: what has to stay in order. */
export interface Stream {
  readonly index: number;
  readonly publisher: string;
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Of message n at n - 1: the event of its first PUBLISH. */
  readonly sentAt: number[];
  /** The event of its acknowledgement (PUBACK, PUBREC); `NEVER` before. */
  readonly acknowledgedAt: number[];
  /** How often PUBLISH was sent. */
  readonly transmissions: number[];
}

export const NEVER = Infinity;

export interface Messages {
  readonly streams: readonly Stream[];
  readonly sent: number;
  readonly acknowledged: number;
  open(publisher: string, topic: string, qos: QoS, retain: boolean): Stream;
  /** The number of the next message. */
  next(stream: Stream): number;
  transmitted(stream: Stream, seq: number, at: number): void;
  acknowledge(stream: Stream, seq: number, at: number): void;
  payload(stream: Stream, seq: number): string;
  /** Which message that is; undefined when it was never sent, or not as it is. */
  recognise(topic: string, payload: string): { stream: Stream; seq: number } | undefined;
}

export function createMessages(): Messages {
  const streams: Stream[] = [];
  let sent = 0;
  let acknowledged = 0;
  const payload = (stream: Stream, seq: number): string =>
    [stream.index, stream.publisher, stream.topic, stream.qos, seq].join(' ');
  return {
    streams,
    get sent() {
      return sent;
    },
    get acknowledged() {
      return acknowledged;
    },
    open(publisher, topic, qos, retain) {
      const stream = {
        index: streams.length,
        ...{ publisher, topic, qos, retain },
        ...{ sentAt: [], acknowledgedAt: [], transmissions: [] },
      };
      streams.push(stream);
      return stream;
    },
    next: (stream) => stream.sentAt.length + 1,
    transmitted(stream, seq, at) {
      stream.transmissions[seq - 1] = (stream.transmissions[seq - 1] ?? 0) + 1;
      if (stream.sentAt[seq - 1] !== undefined) return;
      stream.sentAt[seq - 1] = at;
      stream.acknowledgedAt[seq - 1] = NEVER;
      sent++;
    },
    acknowledge(stream, seq, at) {
      if (stream.acknowledgedAt[seq - 1] === NEVER) acknowledged++;
      stream.acknowledgedAt[seq - 1] = Math.min(at, stream.acknowledgedAt[seq - 1] ?? NEVER);
    },
    payload,
    recognise(topic, text) {
      const words = text.split(' ');
      const stream = streams[Number(words[0])];
      const seq = Number(words.at(-1));
      if (stream === undefined || stream.topic !== topic || stream.sentAt[seq - 1] === undefined)
        return undefined;
      return payload(stream, seq) === text ? { stream, seq } : undefined;
    },
  };
}

/** For a person. */
export function describeStream({ publisher, topic, qos, retain }: Stream): string {
  return `${publisher} → ${topic} QoS ${qos}${retain ? ' retained' : ''}`;
}

/** When the message was first sent, in milliseconds since the beginning. */
export function sentMs(trace: Trace, stream: Stream, seq: number): number {
  return trace.msOf(stream.sentAt[seq - 1] ?? 0);
}
