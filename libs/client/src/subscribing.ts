import { parseFilter, TriviumError, type TopicFilter } from '@trivium/contracts';
import type { Clock } from './clock.ts';
import type { ErrFrame, Message, OkFrame } from './codec.ts';
import { errorOf, isTransient } from './publishing.ts';
import {
  answered,
  ask,
  createEntry,
  forgetAnswers,
  logEndsAt,
  takers,
  type Entry,
  type Handler,
} from './subscriptions.ts';

export interface SubscribeOptions {
  /** Default 1: messages that were published with QoS 1 or 2 come from the log, without loss or duplicate over reconnects. */
  readonly qos?: 0 | 1;
  /** A log position to go on from, as another run of the program has seen it; default: what is published from now on. */
  readonly from?: number;
  /** What the topics retain comes first. Default: yes, but not with `from`. */
  readonly retained?: boolean;
}

/** A filter that the hub has granted. It is asked for again on every new connection. */
export interface Subscription {
  readonly filter: string;
  /** What lies up to here in the log has been given to the handler: what to go on `from` in another run of the program. */
  readonly pos: number | undefined;
  /** Resolves when nothing more comes. */
  unsubscribe(): Promise<void>;
}

/** The filters of this client. */
export interface Subscribing {
  subscribe(filter: string, handler: Handler, options: SubscribeOptions): Promise<Subscription>;
  /** `end` of the log. */
  connected(end: number): void;
  /** The log has reached `pos`. */
  reached(pos: number): void;
  disconnected(): void;
  /** Whether the answer was to one of these. */
  answered(frame: OkFrame | ErrFrame): boolean;
  message(message: Message): void;
  close(error: TriviumError): void;
}

export interface SubscribingOptions {
  readonly nextId: () => number;
  readonly clock: Clock;
  readonly wire: () => { send(frame: object): void } | undefined;
  /** Gives a message to handlers. */
  give(entries: readonly Entry[], message: Message): void;
  /** A filter that had been granted is refused on a new connection. */
  onRefused(filter: string, error: TriviumError): void;
}

interface Waiting {
  resolve(): void;
  reject(error: TriviumError): void;
}

const DEFAULT_RETRY_MS = 1_000;
/** As long as an MQTT filter can be; what the hub takes it says itself. */
const ANY_FILTER = { maxTopicBytes: 65_535, maxTopicLevels: Infinity };

export function createSubscribing(options: SubscribingOptions): Subscribing {
  const { nextId, clock, wire, give } = options;
  const entries = new Map<TopicFilter, Entry>();
  /** Who waits for a first grant. */
  const waiting = new Map<Entry, Waiting>();
  /** By id of the frame. */
  const asked = new Map<number, readonly Entry[]>();
  const leaving = new Map<number, () => void>();
  /** A position that the log has reached. */
  let end = 0;

  const isWanted = (entry: Entry): boolean => entries.get(entry.filter) === entry;

  const send = (wanted: readonly Entry[]): void => {
    const to = wire();
    if (to === undefined) return;
    for (const { entries: concerned, frame } of ask(wanted.filter(isWanted), end, clock.now())) {
      const id = nextId();
      asked.set(id, concerned);
      to.send({ ...frame, id });
    }
  };

  const remove = (entry: Entry, error: TriviumError): void => {
    entries.delete(entry.filter);
    const waits = waiting.get(entry);
    waiting.delete(entry);
    if (waits === undefined) options.onRefused(entry.filter, error);
    else waits.reject(error);
  };

  const refused = (concerned: readonly Entry[], frame: ErrFrame): void => {
    if (isTransient(frame)) {
      const on = wire();
      clock.after(frame.retryAfterMs ?? DEFAULT_RETRY_MS, () => {
        if (wire() === on) send(concerned);
      });
    } else if (concerned.length === 1) remove(concerned[0]!, errorOf(frame));
    // All or none: one by one the hub says which.
    else for (const entry of concerned) send([entry]);
  };

  const unsubscribe = (entry: Entry): Promise<void> => {
    if (!isWanted(entry)) return Promise.resolve();
    entries.delete(entry.filter);
    const to = wire();
    if (to === undefined) return Promise.resolve();
    const id = nextId();
    return new Promise((resolve) => {
      leaving.set(id, resolve);
      to.send({ op: 'unsub', id, filters: [entry.filter] });
    });
  };

  const disconnected = (): void => {
    asked.clear();
    forgetAnswers(entries.values());
    for (const left of leaving.values()) left();
    leaving.clear();
  };

  return {
    async subscribe(text, handler, { qos = 1, from, retained = from === undefined }) {
      const filter = parseFilter(text, ANY_FILTER);
      if (!filter.ok) throw new TriviumError(filter.error.code, filter.error.message);
      if (entries.has(filter.value))
        throw new TriviumError('protocol.error', `${text} is subscribed to already`);
      const entry = createEntry({ filter: filter.value, qos, handler, retained }, from);
      entries.set(entry.filter, entry);
      await new Promise<void>((resolve, reject) => {
        waiting.set(entry, { resolve, reject });
        send([entry]);
      });
      return {
        filter: text,
        get pos() {
          return entry.pos;
        },
        unsubscribe: () => unsubscribe(entry),
      };
    },
    connected(logEnd) {
      end = logEnd;
      logEndsAt(entries.values(), end);
      send([...entries.values()]);
    },
    disconnected,
    reached(pos) {
      end = Math.max(end, pos);
    },
    answered(frame) {
      const id = frame.id;
      if (id === undefined) return false;
      const left = leaving.get(id);
      leaving.delete(id);
      left?.();
      const concerned = asked.get(id);
      if (concerned === undefined) return left !== undefined;
      asked.delete(id);
      if (frame.op === 'err') refused(concerned, frame);
      else
        for (const entry of concerned) {
          waiting.get(entry)?.resolve();
          waiting.delete(entry);
          for (const message of answered(entry, frame.pos, clock.now())) give([entry], message);
        }
      return true;
    },
    message(message) {
      give(takers(entries.values(), message, clock.now()), message);
    },
    close(error) {
      entries.clear();
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
      disconnected();
    },
  };
}
