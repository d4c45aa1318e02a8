import { connectBus, type Bus, type FollowOptions, type Logger } from '@trivium/bus';
import { messageSubject, parseFilter, parseTopic, topicToTokens, type QoS } from '@trivium/contracts';
import type { AttachOptions, Attachment, Delivery, Receiver, Subscription } from './receiver.ts';

export const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (data: Uint8Array): string => new TextDecoder().decode(data);
export const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String(from + i));

export const openBus = (url: string, more: object = {}): Promise<Bus> =>
  connectBus({ config: { url, name: 'door', maxOpenPublishes: 100_000, ...more }, logger: quiet });

export function sub(filter: string, qos: QoS = 1, from?: number): Subscription {
  const parsed = parseFilter(filter);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return { filter: parsed.value, qos, ...(from === undefined ? {} : { from }) };
}

export function subject(topic: string, qos: QoS = 1): string {
  const parsed = parseTopic(topic);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return messageSubject(qos, 'pub', topicToTokens(parsed.value));
}

/** Stores messages and resolves to their positions. */
export async function store(
  bus: Bus,
  messages: readonly { topic: string; payload: string }[],
): Promise<number[]> {
  const positions: number[] = [];
  for (let at = 0; at < messages.length; at += 2_000) {
    const some = messages
      .slice(at, at + 2_000)
      .map(({ topic, payload }) => bus.publisher.store(subject(topic), bytes(payload)));
    for (const { pos } of await Promise.all(some)) positions.push(pos);
  }
  return positions;
}

export const numbered = (topic: string, from: number, to: number): { topic: string; payload: string }[] =>
  numbers(from, to).map((payload) => ({ topic, payload }));

/** Messages that nobody wants. */
export const others = (count: number): { topic: string; payload: string }[] =>
  Array.from({ length: count }, (_, i) => ({ topic: `others/${i % 50}`, payload: 'x' }));

export interface Probe extends Receiver {
  /** Payloads of what the log brought. */
  seen: string[];
  positions: number[];
  live: string[];
  room: number;
  lost: [number, number][];
  dropped: { messages: number; bytes: number };
  attachment: Attachment;
}

export function probe(
  delivery: Delivery,
  options: Omit<AttachOptions, 'after'> & {
    after?: number | undefined;
    room?: number;
    onTake?: () => void;
  } = {},
): Probe {
  const { room = Infinity, onTake, after, ...rest } = options;
  const made: Probe = {
    id: 'c',
    seen: [],
    positions: [],
    live: [],
    room,
    lost: [],
    dropped: { messages: 0, bytes: 0 },
    onLive: (message) => void made.live.push(text(message.payload)),
    onDurable(message) {
      if (made.room <= 0) return false;
      made.room--;
      made.seen.push(text(message.payload));
      made.positions.push(message.pos);
      onTake?.();
      return true;
    },
    onLost: (from, first) => void made.lost.push([from, first]),
    onDropped(messages, size) {
      made.dropped.messages += messages;
      made.dropped.bytes += size;
    },
    attachment: undefined as unknown as Attachment,
  };
  made.attachment = delivery.attach(made, after === undefined ? rest : { ...rest, after });
  return made;
}

/** A bus that says what was asked of it. */
export function watched(bus: Bus): { bus: Bus; follows: FollowOptions[]; fetched: number[] } {
  const follows: FollowOptions[] = [];
  const fetched: number[] = [];
  const own: Pick<Bus, 'follow' | 'fetch'> = {
    follow(options) {
      follows.push(options);
      return bus.follow(options);
    },
    fetch(stream, pos, sink, token) {
      fetched.push(pos);
      bus.fetch(stream, pos, sink, token);
    },
  };
  return { bus: Object.assign(Object.create(bus) as Bus, own), follows, fetched };
}
