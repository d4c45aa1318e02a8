import type { Bus, StoreSink } from '@trivium/bus';
import type { ErrorCode, HeaderFields, IncomingExactlyOnce } from '@trivium/contracts';
import { encodeHeaders, ERRORS } from '@trivium/contracts';
import type { ExactlyOnceLog } from '@trivium/sessions';

/** JetStream knows message ids for two minutes: what was tried longer ago than this is looked for in the log instead. */
const OLD_MS = 60_000;

/** A message as it goes to the bus. */
export interface OnceFrom {
  readonly subject: string;
  /** A copy. */
  readonly payload: Buffer;
  readonly headers: Omit<HeaderFields, 'msgId'>;
  /** It goes to another stream than the log. */
  readonly elsewhere?: boolean;
  /** Called with its log position before it is acknowledged, when it is to be retained. */
  readonly retain: ((pos: number) => Promise<void>) | undefined;
}

interface Exchange extends IncomingExactlyOnce {
  /** Undefined until the client sends it (again): of an exchange of an earlier connection only this much is known. */
  message: OnceFrom | undefined;
  state: 'known' | 'entering' | 'publishing' | 'failed' | 'stored';
  /** The message is not taken, with this reason code, and perhaps in words. */
  refusal: number;
  why?: string | undefined;
}

export interface ExactlyOnceInOptions {
  bus: Bus;
  now: () => number;
  /** Unique to the connection: message ids begin with it. */
  connection: string;
  /** Where exchanges of a persistent session are stored; a clean session keeps them in memory alone. */
  log: ExactlyOnceLog | undefined;
  /** No message of this connection lies in the log at or below it. */
  after: number;
  /** The oldest message without PUBREC is stored, or refused with a reason code. In the order of the PUBLISHes [MQTT3-4.6.0-3]. */
  onStored(packetId: number, refusal: number, why?: string): void;
  onPostponed(): void;
  /** The reason code to answer with; 0: the connection ends. */
  onRefused(code: ErrorCode): number;
  /** The exchange is over: PUBCOMP; `known`: there was one. */
  onReleased(packetId: number, known: boolean): void;
}

/**
 * QoS 2 from one client (section 4.3.3): an id for the bus is stored with the packet id before the message is published, and removed
 * before PUBCOMP, so that a repetition of the PUBLISH, at whatever door, is the same message (rule 4).
 */
export class ExactlyOnceIn implements StoreSink {
  readonly #options: ExactlyOnceInOptions;
  readonly #exchanges = new Map<number, Exchange>();
  /** Messages without PUBREC, in order. */
  #unanswered: Exchange[] = [];
  readonly #byToken = new Map<number, Exchange>();
  #tokens = 0;
  #uses = 0;
  #after: number;

  constructor(options: ExactlyOnceInOptions) {
    this.#options = options;
    this.#after = options.after;
    for (const known of options.log?.restored.incoming ?? [])
      this.#exchanges.set(known.packetId, { ...known, message: undefined, state: 'known', refusal: 0 });
  }

  /** Messages without PUBREC. */
  get open(): number {
    return this.#unanswered.length;
  }

  /** Exchanges without PUBCOMP. */
  get size(): number {
    return this.#exchanges.size;
  }

  /** A PUBLISH with this packet id is a repetition of one that this connection has taken. */
  repeats(packetId: number): boolean {
    const there = this.#exchanges.get(packetId);
    return there !== undefined && there.state !== 'known';
  }

  has(packetId: number): boolean {
    return this.#exchanges.has(packetId);
  }

  get postponed(): boolean {
    return this.#unanswered.some(({ state }) => state === 'failed');
  }

  /** PUBLISH. One that the client repeats is not published again [MQTT3-4.3.3-2]: it is under way, or `stored` and only to be answered. */
  publish(packetId: number, message: OnceFrom): 'taken' | 'under way' | 'stored' {
    const there = this.#exchanges.get(packetId);
    if (there?.state === 'stored') return 'stored';
    if (there !== undefined && there.state !== 'known') return 'under way';
    if (there !== undefined) {
      there.message = message;
      this.#unanswered.push(there);
      this.#send(there);
      return 'taken';
    }
    const { connection, now, log } = this.#options;
    const exchange: Exchange = {
      packetId,
      msgId: `${connection}/${++this.#uses}`,
      after: this.#after,
      at: now(),
      message,
      ...{ state: 'entering' as const, refusal: 0 },
    };
    this.#exchanges.set(packetId, exchange);
    this.#unanswered.push(exchange);
    if (log === undefined) this.#send(exchange);
    else log.commit(() => this.#send(exchange));
    return 'taken';
  }

  /** A message that goes nowhere: it is answered in its turn, and the exchange is over then. */
  refuse(packetId: number, refusal: number, why?: string): void {
    const nowhere = { packetId, msgId: '', after: 0, at: 0, message: undefined };
    this.#exchanges.delete(packetId);
    this.#unanswered.push({ ...nowhere, state: 'stored', refusal, why });
    this.#answer();
  }

  /** A message that does not go by the bus, and was taken: it is answered in its turn, and PUBREL ends the exchange. */
  accept(packetId: number): void {
    if (this.repeats(packetId)) return;
    const exchange: Exchange = {
      ...{ packetId, msgId: '', after: 0, at: 0, message: undefined },
      ...{ state: 'stored' as const, refusal: 0 },
    };
    this.#exchanges.set(packetId, exchange);
    this.#unanswered.push(exchange);
    this.#answer();
  }

  /** PUBREL. False: the message is not stored yet, so no PUBREC can have asked for it. */
  released(packetId: number): boolean {
    const { log, onReleased } = this.#options;
    const exchange = this.#exchanges.get(packetId);
    // Nothing is known of the id: there is nothing left to release.
    if (exchange === undefined) onReleased(packetId, false);
    else if (exchange.state === 'stored' || exchange.state === 'known') {
      this.#exchanges.delete(packetId);
      if (log === undefined) onReleased(packetId, true);
      else log.commit(() => onReleased(packetId, true));
    } else return false;
    return true;
  }

  stored(token: number, pos: number): void {
    const exchange = this.#byToken.get(token);
    this.#byToken.delete(token);
    if (exchange !== undefined) this.#stored(exchange, pos);
  }

  failed(token: number, code: ErrorCode): void {
    const exchange = this.#byToken.get(token);
    this.#byToken.delete(token);
    if (exchange !== undefined) this.#failed(exchange, code);
  }

  /** Sends what could not be stored once more, in its order. Returns how many. */
  retry(): number {
    const due = this.#unanswered.filter(({ state }) => state === 'failed');
    for (const exchange of due) this.#send(exchange);
    return due.length;
  }

  list(): IncomingExactlyOnce[] {
    const own = [...this.#exchanges.values()].filter(({ msgId }) => msgId !== '');
    return own.map(({ packetId, msgId, after, at }) => ({ packetId, msgId, after, at }));
  }

  /** The connection is gone: nothing is told any more. What is under way may still be stored, once. */
  close(): void {
    this.#unanswered = [];
    this.#byToken.clear();
  }

  #send(exchange: Exchange): void {
    const { bus, now } = this.#options;
    const { msgId, after, at } = exchange;
    const { subject, payload, headers, elsewhere = false } = exchange.message!;
    exchange.state = 'publishing';
    const age = now() - at;
    if (!elsewhere && (age < 0 || age > OLD_MS)) {
      bus.storeOnce({ subject, payload, headers, msgId, after, old: true }).then(
        (pos) => this.#stored(exchange, pos),
        () => this.#failed(exchange, 'bus.unavailable'),
      );
      return;
    }
    const token = this.#tokens++;
    this.#byToken.set(token, exchange);
    bus.publisher.durable(subject, payload, encodeHeaders({ ...headers, msgId }), this, token);
  }

  #stored(exchange: Exchange, pos: number): void {
    const { retain, elsewhere = false } = exchange.message!;
    if (!elsewhere) this.#after = Math.max(this.#after, pos);
    const settle = (): void => {
      exchange.state = 'stored';
      exchange.message = undefined;
      this.#answer();
    };
    if (retain === undefined) settle();
    else retain(pos).then(settle, () => this.#failed(exchange, 'bus.unavailable'));
  }

  #failed(exchange: Exchange, code: ErrorCode): void {
    exchange.state = 'failed';
    if (code !== 'bus.refused' && ERRORS[code].category !== 'rejected') return this.#options.onPostponed();
    exchange.refusal = this.#options.onRefused(code);
    if (exchange.refusal === 0) return;
    exchange.state = 'stored';
    exchange.message = undefined;
    this.#exchanges.delete(exchange.packetId);
    this.#answer();
  }

  #answer(): void {
    let answered = 0;
    while (this.#unanswered[answered]?.state === 'stored') {
      const { packetId, refusal, why } = this.#unanswered[answered++]!;
      this.#options.onStored(packetId, refusal, why);
    }
    if (answered > 0) this.#unanswered.splice(0, answered);
  }
}
