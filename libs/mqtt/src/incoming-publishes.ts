import type { ErrorCode } from '@trivium/contracts';
import { ERRORS } from '@trivium/contracts';
import type { Publisher, RetainedRecord, StoreSink } from '@trivium/bus';
import type { MessageSpan } from './tracing.ts';

const FREE = 0;
const OPEN = 1;
const STORED = 2;
const FAILED = 3;
const RETAINING = 4;
const FIRST_CAPACITY = 16;

/** What becomes the retained message of a topic, as `Bus.retain` takes it. */
export type Retainable = Omit<RetainedRecord, 'pos'>;

/** Whose messages they are. */
export interface PublishOwner {
  /**
   * The oldest unanswered message is stored, or was refused with a reason and perhaps in words: answer it. Called in the order of the publishes
   * [MQTT3-4.6.0-2].
   */
  onStored(packetId: number, refusal: number, why?: string): void;
  /** A message could not be stored now; it waits for `retry`. */
  onPostponed(code: ErrorCode): void;
  /** Makes a message that is stored at `pos` the retained one of its topic. Rejects when that cannot be. */
  retain(message: Retainable, pos: number): Promise<void>;
  /** The bus does not want this message. The reason code to answer it with; 0: it is never answered, the connection ends. */
  onRefused(code: ErrorCode): number;
}

/**
 * QoS 1 messages of one client between their PUBLISH and their storage: a ring in the order in which they came. A message that the bus
 * could not store keeps its place and its bytes, and goes again at `retry`; nothing after it is acknowledged before it.
 */
export class IncomingPublishes implements StoreSink {
  /** Bytes kept in memory for the messages here. */
  bytes = 0;
  readonly #publisher: Publisher;
  readonly #owner: PublishOwner;
  #states = new Uint8Array(FIRST_CAPACITY);
  #packetIds = new Uint16Array(FIRST_CAPACITY);
  #costs = new Uint32Array(FIRST_CAPACITY);
  #subjects: string[] = [];
  #payloads: (Buffer | undefined)[] = [];
  #headers: (Uint8Array | undefined)[] = [];
  #spans: (MessageSpan | undefined)[] | undefined;
  /** Of those that were refused. */
  readonly #refusals = new Map<number, { readonly reason: number; readonly why: string | undefined }>();
  #retained: (Retainable | undefined)[] | undefined;
  /** Count of messages ever finished, and ever begun; a message's token is its number. */
  #head = 0;
  #tail = 0;
  #failed = 0;

  constructor(publisher: Publisher, owner: PublishOwner) {
    this.#publisher = publisher;
    this.#owner = owner;
  }

  /** Messages without an acknowledgement. */
  get open(): number {
    return this.#tail - this.#head;
  }

  /** Messages that wait for `retry`. */
  get postponed(): number {
    return this.#failed;
  }

  /**
   * Publishes a message and remembers it until it is stored, and retained if it is `retainable`. `payload` is kept as it is, as a view;
   * `cost` is what keeping it costs in memory.
   */
  publish(
    packetId: number,
    subject: string,
    payload: Buffer,
    headers: Uint8Array | undefined,
    cost: number,
    span: MessageSpan | undefined,
    retainable?: Retainable,
  ): void {
    if (this.#tail - this.#head === this.#states.length) this.#grow();
    const token = this.#tail++;
    const slot = token & (this.#states.length - 1);
    this.#packetIds[slot] = packetId;
    this.#costs[slot] = cost;
    this.#subjects[slot] = subject;
    this.#payloads[slot] = payload;
    this.#headers[slot] = headers;
    if (span !== undefined) (this.#spans ??= [])[slot] = span;
    if (retainable !== undefined) (this.#retained ??= [])[slot] = retainable;
    this.bytes += cost;
    // What waits for a retry goes first.
    this.#states[slot] = this.#failed > 0 ? FAILED : OPEN;
    if (this.#failed > 0) this.#failed++;
    else this.#publisher.durable(subject, payload, headers, this, token);
  }

  /** A message that goes nowhere: it is answered in its turn, with `reason` if that is not 0. */
  refuse(packetId: number, reason: number, why?: string): void {
    if (this.#tail - this.#head === this.#states.length) this.#grow();
    const token = this.#tail++;
    const slot = this.#slot(token);
    this.#packetIds[slot] = packetId;
    this.#costs[slot] = 0;
    if (reason === 0) this.#finish(token, slot);
    else this.#refuse(token, slot, reason, why);
  }

  stored(token: number, pos: number): void {
    const slot = this.#slot(token);
    if (this.#states[slot] !== OPEN) return;
    if (this.#retained?.[slot] !== undefined) this.#retain(token, this.#retained[slot], pos);
    else this.#finish(token, slot);
  }

  /** The ring may grow meanwhile: the slot is looked up again. */
  #retain(token: number, message: Retainable, pos: number): void {
    this.#states[this.#slot(token)] = RETAINING;
    const isWaiting = (): boolean => token >= this.#head && this.#states[this.#slot(token)] === RETAINING;
    this.#owner.retain(message, pos).then(
      () => {
        if (isWaiting()) this.#finish(token, this.#slot(token));
      },
      () => {
        if (isWaiting()) this.#refuse(token, this.#slot(token), this.#owner.onRefused('bus.refused'));
      },
    );
  }

  #refuse(token: number, slot: number, reason: number, why?: string): void {
    if (reason === 0) return;
    this.#refusals.set(token, { reason, why });
    this.#finish(token, slot);
  }

  #finish(token: number, slot: number): void {
    this.#states[slot] = STORED;
    if (this.#retained !== undefined) this.#retained[slot] = undefined;
    this.#payloads[slot] = undefined;
    if (this.#spans !== undefined) this.#endSpan(slot, undefined);
    if (token === this.#head) this.#advance();
  }

  failed(token: number, code: ErrorCode): void {
    const slot = this.#slot(token);
    if (this.#states[slot] !== OPEN) return;
    if (code === 'bus.refused' || ERRORS[code].category === 'rejected') {
      if (this.#spans !== undefined) this.#endSpan(slot, code);
      const reason = this.#owner.onRefused(code);
      if (reason > 0) this.#refuse(token, slot, reason);
      return;
    }
    this.#states[slot] = FAILED;
    this.#failed++;
    this.#owner.onPostponed(code);
  }

  /** Sends what could not be stored once more, in its order. Returns how many. */
  retry(): number {
    const due = this.#failed;
    if (due === 0) return 0;
    this.#failed = 0;
    const end = this.#tail;
    for (let token = this.#head; token < end; token++) {
      const slot = this.#slot(token);
      if (this.#states[slot] !== FAILED) continue;
      this.#states[slot] = OPEN;
      this.#publisher.durable(this.#subjects[slot]!, this.#payloads[slot]!, this.#headers[slot], this, token);
    }
    return due;
  }

  /** The connection is gone: what is open may still be stored, and is not acknowledged. */
  abandon(): void {
    for (let token = this.#head; token < this.#tail; token++) {
      const slot = this.#slot(token);
      this.#endSpan(slot, 'bus.unavailable');
      this.#states[slot] = FREE;
    }
    this.#head = this.#tail;
    this.#failed = 0;
    this.bytes = 0;
    this.#payloads = [];
  }

  #slot(token: number): number {
    return token & (this.#states.length - 1);
  }

  #advance(): void {
    const owner = this.#owner;
    do {
      const slot = this.#slot(this.#head);
      if (this.#states[slot] !== STORED) return;
      this.#states[slot] = FREE;
      const token = this.#head++;
      this.bytes -= this.#costs[slot]!;
      const refusal = this.#refusals.size === 0 ? undefined : this.#takeRefusal(token);
      owner.onStored(this.#packetIds[slot]!, refusal?.reason ?? 0, refusal?.why);
    } while (this.#head < this.#tail);
  }

  #takeRefusal(token: number): { readonly reason: number; readonly why: string | undefined } | undefined {
    const refusal = this.#refusals.get(token);
    this.#refusals.delete(token);
    return refusal;
  }

  #endSpan(slot: number, code: ErrorCode | undefined): void {
    this.#spans?.[slot]?.end(code);
    if (this.#spans !== undefined) this.#spans[slot] = undefined;
  }

  /** Doubles the ring; each message moves to the slot that its token has there. */
  #grow(): void {
    const old = this.#states.length;
    const size = old * 2;
    const move = <A extends Uint8Array | Uint16Array | Uint32Array>(from: A, to: A): A => {
      for (let token = this.#head; token < this.#tail; token++)
        to[token & (size - 1)] = from[token & (old - 1)]!;
      return to;
    };
    const moveList = <T>(from: readonly T[]): T[] => {
      const to: T[] = new Array<T>(size);
      for (let token = this.#head; token < this.#tail; token++)
        to[token & (size - 1)] = from[token & (old - 1)]!;
      return to;
    };
    this.#packetIds = move(this.#packetIds, new Uint16Array(size));
    this.#costs = move(this.#costs, new Uint32Array(size));
    this.#subjects = moveList(this.#subjects);
    this.#payloads = moveList(this.#payloads);
    this.#headers = moveList(this.#headers);
    if (this.#spans !== undefined) this.#spans = moveList(this.#spans);
    if (this.#retained !== undefined) this.#retained = moveList(this.#retained);
    this.#states = move(this.#states, new Uint8Array(size));
  }
}
