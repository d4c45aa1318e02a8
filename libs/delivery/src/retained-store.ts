import {
  decodePos,
  decodeQos,
  HEADERS,
  messageSubject,
  NO_CLIENT,
  type HeaderGet,
  type QoS,
  type TopicFilter,
} from '@trivium/contracts';
import type { Bus, BusMessage, FetchedMessage, Follower } from '@trivium/bus';
import { RetainedTree } from './retained-tree.ts';
import type { TopicEntry, Topics } from './topics.ts';

/** The retained message of one topic, as the door keeps it. */
export interface Retained {
  readonly entry: TopicEntry;
  /** In the form of a published message, so that it is handed out like one. */
  readonly message: FetchedMessage;
  readonly qos: QoS;
  /** Of the message in `MESSAGES`. */
  readonly pos: number;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
}

/** One that the store has, with its number in the order of arrival, from 1. */
interface Kept extends Retained {
  readonly arrival: number;
}

/** `tv1.r.` */
const TOKENS_AT = 6;

/**
 * All retained messages of the hub in memory, so that a subscribe reads them in the turn that sets its start (rule 5). It is
 * filled from `RETAINED` when somebody first asks.
 */
export interface RetainedStore {
  /** Resolves when everything retained before the call is here. */
  caughtUp(): Promise<void>;
  /** How many have arrived. */
  readonly arrivals: number;
  /** Of the first `upTo` arrivals those that are still there. */
  match(filter: TopicFilter, upTo: number): Retained[];
  /** Whether it is still the retained message of its topic. */
  isCurrent(retained: Retained): boolean;
  readonly size: number;
  close(): void;
}

export function createRetainedStore(
  bus: Bus,
  topics: Topics,
  onRetained: (retained: Retained) => void,
): RetainedStore {
  const tree = new RetainedTree<Kept>();
  let arrivals = 0;
  let follower: Follower | undefined;

  const isAlive = ({ expiresAt }: Retained): boolean => expiresAt === undefined || expiresAt > Date.now();

  const onMessage = (_pos: number, message: BusMessage): void => {
    const tokens = message.subject.slice(TOKENS_AT);
    const entry = topics.entry(tokens);
    if (entry === undefined) return;
    if (message.data.length === 0) {
      tree.delete(entry.topic);
      return;
    }
    const retained: Kept = { ...keepRetained(entry, tokens, message), arrival: arrivals + 1 };
    // Written twice: by its door and by a router, or once more since the first answer was lost.
    if (retained.pos > 0 && tree.get(entry.topic)?.pos === retained.pos) return;
    arrivals++;
    tree.set(entry.topic, retained);
    onRetained(retained);
  };

  const open = (): Follower =>
    bus.follow({ stream: 'RETAINED', after: 0, onMessage, onReset: () => tree.clear() });

  return {
    caughtUp() {
      follower ??= open();
      return follower.caughtUp();
    },
    get arrivals() {
      return arrivals;
    },
    match(filter, upTo) {
      const found: Retained[] = [];
      tree.match(filter, (retained) => {
        if (retained.arrival <= upTo && isAlive(retained)) found.push(retained);
      });
      return found;
    },
    isCurrent(retained) {
      return tree.get(retained.entry.topic) === retained && isAlive(retained);
    },
    get size() {
      return tree.size;
    },
    close() {
      follower?.close();
    },
  };
}

/** Copies what is kept: a view would hold the whole chunk that it came in. */
export function keepRetained(
  entry: TopicEntry,
  tokens: string,
  message: { data: Uint8Array; headers?: BusMessage['headers'] | undefined },
): Retained {
  const headers = message.headers;
  const get: HeaderGet = (name) => headers?.get(name) || undefined;
  const qos = decodeQos(2, get);
  const expires = get(HEADERS.expiresAt);
  return {
    entry,
    message: {
      subject: messageSubject(qos, NO_CLIENT, tokens),
      data: new Uint8Array(message.data),
      headers: keepHeaders(headers) as BusMessage['headers'],
    },
    qos,
    pos: decodePos(get) ?? 0,
    expiresAt: expires === undefined ? undefined : Number(expires),
  };
}

const DROPPED = new Set<string>([HEADERS.pos, HEADERS.qos]);

/** The headers that a receiver may ask for; most messages have none. */
function keepHeaders(
  headers: BusMessage['headers'],
): { get(name: string): string; values(name: string): string[] } | undefined {
  const names = headers?.keys().filter((name) => !DROPPED.has(name) && !name.startsWith('Nats-')) ?? [];
  if (headers === undefined || names.length === 0) return undefined;
  const kept = new Map(names.map((name) => [name, headers.values(name)]));
  return { get: (name) => kept.get(name)?.[0] ?? '', values: (name) => kept.get(name) ?? [] };
}
