import {
  accept,
  DEFAULT_TOPIC_LIMITS,
  ERRORS,
  isCommandTopic,
  parseFilter,
  parseTopic,
  refuse,
  type Message,
  type Result,
  type TopicFilter,
  type TopicLimits,
} from '@trivium/contracts';
import type { CommandBody } from '@trivium/commands';
import type { Subscription } from '@trivium/delivery';
import type { Credentials } from '@trivium/identity';
import { credentialsOf } from './auth-frame.ts';
import { bodyOf, callOf, type Call } from './command-step.ts';
import { errFrame, type DecodedFrame, type FrameId, type PubFrame, type ServerFrame } from './codec.ts';

/** What one connection remembers between frames. */
export interface Session {
  /** Frames refused without a good one between them. */
  readonly refusedInARow: number;
}

export interface SessionLimits {
  /** Refused frames in a row at which the connection is closed. */
  readonly maxRefusedInARow: number;
  readonly topics: TopicLimits;
  readonly maxClientIdBytes: number;
}

export type Effect =
  | { readonly do: 'send'; readonly frame: ServerFrame }
  | { readonly do: 'publish'; readonly id: FrameId | undefined; readonly message: Message }
  | {
      readonly do: 'subscribe';
      readonly id: FrameId | undefined;
      readonly subs: readonly Subscription[];
      readonly from: number | undefined;
    }
  | {
      readonly do: 'unsubscribe';
      readonly id: FrameId | undefined;
      readonly filters: readonly TopicFilter[];
    }
  | { readonly do: 'acknowledge'; readonly id: FrameId | undefined; readonly pos: number }
  | { readonly do: 'authenticate'; readonly id: FrameId | undefined; readonly credentials: Credentials }
  | { readonly do: 'call'; readonly call: Call }
  | { readonly do: 'reply'; readonly command: string; readonly body: CommandBody }
  /** The protocol is broken for good. */
  | { readonly do: 'close'; readonly code: 1008; readonly reason: string };

export interface Step {
  readonly session: Session;
  readonly effects: readonly Effect[];
}

export const NEW_SESSION: Session = { refusedInARow: 0 };

export const DEFAULT_LIMITS: SessionLimits = {
  maxRefusedInARow: 32,
  topics: DEFAULT_TOPIC_LIMITS,
  maxClientIdBytes: 65_535,
};

/**
 * The pure core of a `trivium.v1` connection: one frame in, what to do about it out. `text` is what the frame was read from: a payload
 * that is JSON is taken from it byte for byte.
 */
export function step(
  session: Session,
  frame: DecodedFrame,
  nowMs: number,
  limits: SessionLimits,
  text?: string,
): Step {
  const effect = frame.ok ? understand(frame.value, nowMs, limits, text) : frame;
  if (!effect.ok) return refused(session, effect.error, frame.ok ? frame.value.id : frame.id, limits);
  return { session: session.refusedInARow === 0 ? session : NEW_SESSION, effects: [effect.value] };
}

/** A frame that was understood turned out not to be allowed, which only the shell could tell. */
export function refused(
  session: Session,
  error: unknown,
  id: FrameId | undefined,
  limits: SessionLimits,
): Step {
  const frame = errFrame(error, id);
  const send: Effect = { do: 'send', frame };
  if (ERRORS[frame.code].category !== 'rejected') return { session, effects: [send] };
  const refusedInARow = session.refusedInARow + 1;
  if (refusedInARow < limits.maxRefusedInARow) return { session: { refusedInARow }, effects: [send] };
  const close: Effect = { do: 'close', code: 1008, reason: `${refusedInARow} frames in a row were refused` };
  return { session: { refusedInARow }, effects: [send, close] };
}

function understand(
  frame: Extract<DecodedFrame, { ok: true }>['value'],
  nowMs: number,
  limits: SessionLimits,
  text: string | undefined,
): Result<Effect> {
  const id = frame.id;
  switch (frame.op) {
    case 'pub': {
      const message = messageOf(frame, nowMs, limits, text);
      return message.ok ? accept({ do: 'publish', id, message: message.value }) : message;
    }
    case 'sub': {
      const sendRetained = frame.retained ?? frame.from === undefined;
      const subs = each(frame.filters, (wanted) => {
        const { filter: raw, qos = 0 } = typeof wanted === 'string' ? { filter: wanted } : wanted;
        const filter = parseFilter(raw, limits.topics);
        if (!filter.ok) return filter;
        return accept<Subscription>({ filter: filter.value, qos: qos === 0 ? 0 : 1, sendRetained });
      });
      return subs.ok ? accept({ do: 'subscribe', id, subs: subs.value, from: frame.from }) : subs;
    }
    case 'unsub': {
      const filters = each(frame.filters, (wanted) =>
        parseFilter(typeof wanted === 'string' ? wanted : wanted.filter, limits.topics),
      );
      return filters.ok ? accept({ do: 'unsubscribe', id, filters: filters.value }) : filters;
    }
    case 'ack':
      return accept({ do: 'acknowledge', id, pos: frame.pos });
    case 'auth': {
      const credentials = credentialsOf(frame);
      return credentials.ok
        ? accept({ do: 'authenticate', id, credentials: credentials.value })
        : credentials;
    }
    case 'ping':
      return accept({ do: 'send', frame: id === undefined ? { op: 'pong' } : { op: 'pong', id } });
    case 'cmd': {
      const call = callOf(frame, nowMs, limits, text);
      return call.ok ? accept({ do: 'call', call: call.value }) : call;
    }
    case 'reply': {
      const body = bodyOf(frame, nowMs, limits, text);
      return body.ok ? accept({ do: 'reply', command: frame.id, body: body.value }) : body;
    }
  }
}

function messageOf(
  frame: PubFrame,
  nowMs: number,
  limits: SessionLimits,
  text: string | undefined,
): Result<Message> {
  const { qos = 0, retain = false } = frame;
  if (qos === 2) return refuse('qos.unsupported', 'qos is 0 or 1 on this protocol');
  const topic = parseTopic(frame.topic, limits.topics);
  if (!topic.ok) return topic;
  if (isCommandTopic(topic.value)) return refuse('auth.denied', 'topics below cmd/ are for commands');
  const body = bodyOf(frame, nowMs, limits, text);
  return body.ok ? accept({ topic: topic.value, qos, retain, ...body.value }) : body;
}

/** All of them, or the first refusal. */
function each<T, U>(values: readonly T[], parse: (value: T) => Result<U>): Result<U[]> {
  const parsed: U[] = [];
  for (const value of values) {
    const one = parse(value);
    if (!one.ok) return one;
    parsed.push(one.value);
  }
  return accept(parsed);
}
