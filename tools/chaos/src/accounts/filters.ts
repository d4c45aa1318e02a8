import type { QoS } from '../mqtt/packets.ts';
import { NEVER, type Stream } from './messages.ts';

/** One time for which a filter was subscribed, as events of the trace; `NEVER`: it did not happen. */
export interface Term {
  readonly qos: QoS;
  /** SUBSCRIBE was first sent. */
  readonly askedAt: number;
  /** SUBACK arrived. */
  grantedAt: number;
  /** UNSUBSCRIBE was first sent. */
  leavingAt: number;
  /** UNSUBACK arrived. */
  leftAt: number;
}

/** What one client has subscribed to, and when. */
export interface Filters {
  readonly all: ReadonlyMap<string, readonly Term[]>;
  begin(filter: string, qos: QoS, at: number): Term;
  /** The terms whose filter matches the topic of the stream. */
  termsOf(stream: Stream): readonly Term[];
}

export function createFilters(): Filters {
  const all = new Map<string, Term[]>();
  /** Of a stream, until a filter is added. */
  let byStream: (readonly Term[])[] = [];
  return {
    all,
    begin(filter, qos, at) {
      const term: Term = { qos, askedAt: at, grantedAt: NEVER, leavingAt: NEVER, leftAt: NEVER };
      all.set(filter, [...(all.get(filter) ?? []), term]);
      byStream = [];
      return term;
    },
    termsOf(stream) {
      const known = byStream[stream.index];
      if (known !== undefined) return known;
      const terms = [...all].flatMap(([filter, mine]) => (matches(filter, stream.topic) ? mine : []));
      byStream[stream.index] = terms;
      return terms;
    },
  };
}

/** In force now, as far as its client can know. */
export function isInForce({ grantedAt, leavingAt }: Term): boolean {
  return grantedAt !== NEVER && leavingAt === NEVER;
}

/** The message came after SUBACK and before UNSUBSCRIBE: the term has to bring it. */
export function covers(term: Term, stream: Stream, seq: number): boolean {
  const sent = stream.sentAt[seq - 1] ?? NEVER;
  const acknowledged = stream.acknowledgedAt[seq - 1] ?? NEVER;
  return acknowledged !== NEVER && term.grantedAt <= sent && acknowledged <= term.leavingAt;
}

/**
 * Whether the term may bring the message: some moment between SUBSCRIBE and UNSUBACK is one at which a copy of it may have
 * been stored. A QoS 1 message that was sent repeatedly may be stored once more at any later time.
 */
export function mayBring(term: Term, stream: Stream, seq: number): boolean {
  const sent = stream.sentAt[seq - 1] ?? NEVER;
  const repeated = stream.qos === 1 && (stream.transmissions[seq - 1] ?? 0) > 1;
  const lastStored = repeated ? NEVER : (stream.acknowledgedAt[seq - 1] ?? NEVER);
  return term.askedAt <= lastStored && sent <= term.leftAt;
}

/** [MQTT3-4.7.1-1..3]; no topic here begins with `$`. */
export function matches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (const [at, level] of wanted.entries()) {
    if (level === '#') return true;
    if (at >= levels.length || (level !== '+' && level !== levels[at])) return false;
  }
  return wanted.length === levels.length;
}
