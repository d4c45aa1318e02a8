/** What can happen to a client, a message or the hub; `<` came in, `>` went out. */
export const EVENTS = [
  'CONNECT >',
  'CONNACK <',
  'PUBLISH >',
  'PUBACK <',
  'PUBREC <',
  'PUBREL >',
  'PUBCOMP <',
  'PUBLISH <',
  'PUBACK >',
  'PUBREC >',
  'PUBREL <',
  'PUBCOMP >',
  'SUBSCRIBE >',
  'SUBACK <',
  'UNSUBSCRIBE >',
  'UNSUBACK <',
  'DISCONNECT >',
  'connection ended',
  'reads no more',
  'reads again',
  'will <',
  'kill',
  'freeze',
  'thaw',
  'started',
  'ready',
] as const;
export type EventName = (typeof EVENTS)[number];

export const DUP = 1;
export const RETAIN = 2;
/** A PUBLISH of a QoS 2 exchange that the receiver is in the middle of: no new message. */
export const REPEATED = 4;
/** PUBLISH arrived with QoS 2. */
export const EXACTLY_ONCE = 8;

const FLAGS = ['dup', 'retain', 'known packet id', 'qos 2'];
const NO_STREAM = 0xffff;
const WORDS = 4;
const CHUNK_RECORDS = 1 << 16;

/** One event: what it concerns as far as it concerns anything. */
export interface Details {
  readonly stream?: number | undefined;
  readonly seq?: number | undefined;
  readonly packetId?: number | undefined;
  readonly flags?: number | undefined;
  /** For rare events only: it is kept as it is. */
  readonly text?: string | undefined;
}

/**
 * Everything that happened, in the order in which this process saw it, 16 bytes an event. The index of an event is the
 * logical time by which the accounts are made: two events of one millisecond have an order.
 */
export interface Trace {
  readonly length: number;
  /** Clients are numbered by `nameClient`. Answers the index of the event. */
  record(event: EventName, client: number, details?: Details): number;
  nameClient(name: string): number;
  numberOf(name: string): number | undefined;
  /** Milliseconds since the beginning. */
  msOf(index: number): number;
  /** Lines about one message: what it went through, and what happened to those who had to do with it. */
  history(stream: number, seq: number, concerning: ReadonlySet<number>): string[];
  /** Lines about one client, and the hub, between two times; with `stream` of its messages only those. */
  around(client: number, fromMs: number, toMs: number, stream?: number): string[];
  lines(): Generator<string>;
}

export const HUB = 0;

export function createTrace(now: () => number, describeStream: (stream: number) => string): Trace {
  const beganAt = now();
  const chunks: Uint32Array[] = [];
  const texts = new Map<number, string>();
  const clients = ['hub'];
  const codes = new Map(EVENTS.map((name, code) => [name, code]));
  let length = 0;

  const word = (index: number, at: number): number =>
    (chunks[Math.floor(index / CHUNK_RECORDS)] as Uint32Array)[
      (index % CHUNK_RECORDS) * WORDS + at
    ] as number;
  const msOf = (index: number): number => word(index, 0);
  const eventOf = (index: number): EventName => EVENTS[word(index, 1) >>> 24] as EventName;
  const clientOf = (index: number): number => word(index, 1) & 0xffff;
  const concerns = (index: number, stream: number, seq: number): boolean =>
    word(index, 3) === seq && word(index, 2) >>> 16 === stream;

  const line = (index: number): string => {
    const flags = (word(index, 1) >>> 16) & 0xff;
    const stream = word(index, 2) >>> 16;
    const packetId = word(index, 2) & 0xffff;
    const said = FLAGS.filter((_name, bit) => (flags & (1 << bit)) !== 0);
    return [
      `${(msOf(index) / 1_000).toFixed(3).padStart(9)} s`,
      `#${index}`,
      clients[clientOf(index)] ?? '?',
      eventOf(index),
      ...(stream === NO_STREAM ? [] : [`${describeStream(stream)} no. ${word(index, 3)}`]),
      ...(packetId === 0 ? [] : [`id ${packetId}`]),
      ...said,
      ...(texts.has(index) ? [texts.get(index) ?? ''] : []),
    ].join('  ');
  };

  const select = (keep: (index: number) => boolean): string[] => {
    const lines: string[] = [];
    for (let index = 0; index < length; index++) if (keep(index)) lines.push(line(index));
    return lines;
  };

  return {
    get length() {
      return length;
    },
    record(event, client, details = {}) {
      const index = length++;
      const at = (index % CHUNK_RECORDS) * WORDS;
      if (at === 0) chunks.push(new Uint32Array(CHUNK_RECORDS * WORDS));
      const chunk = chunks[chunks.length - 1] as Uint32Array;
      const { stream = NO_STREAM, seq = 0, packetId = 0, flags = 0, text } = details;
      chunk[at] = Math.round(now() - beganAt);
      chunk[at + 1] = ((codes.get(event) ?? 0) << 24) | (flags << 16) | client;
      chunk[at + 2] = (stream << 16) | packetId;
      chunk[at + 3] = seq;
      if (text !== undefined) texts.set(index, text);
      return index;
    },
    nameClient: (name) => clients.push(name) - 1,
    numberOf: (name) => (clients.includes(name) ? clients.indexOf(name) : undefined),
    msOf,
    history(stream, seq, concerning) {
      const mine = [];
      for (let index = 0; index < length; index++) if (concerns(index, stream, seq)) mine.push(index);
      const [first, last] = [mine[0], mine.at(-1)];
      if (first === undefined || last === undefined) return [];
      const [from, to] = [msOf(first) - 500, msOf(last) + 500];
      return select((index) => {
        if (concerns(index, stream, seq)) return concerning.has(clientOf(index));
        // Connections and subscriptions of those concerned, and what was done to the hub.
        if (word(index, 2) >>> 16 !== NO_STREAM) return false;
        const [who, ms] = [clientOf(index), msOf(index)];
        return ms >= from && ms <= to && (who === HUB || concerning.has(who));
      });
    },
    around: (client, fromMs, toMs, stream) =>
      select((index) => {
        const [who, ms, mine] = [clientOf(index), msOf(index), word(index, 2) >>> 16];
        if (ms < fromMs || ms > toMs) return false;
        return (
          who === HUB || (who === client && (stream === undefined || mine === NO_STREAM || mine === stream))
        );
      }),
    *lines() {
      for (let index = 0; index < length; index++) yield line(index);
    },
  };
}
