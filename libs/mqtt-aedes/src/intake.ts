import type { Publisher, StoreSink } from '@trivium/bus';
import { ERRORS, type ErrorCode } from '@trivium/contracts';
import type { AedesDoorStats } from './stats.ts';

/** A QoS 1 message that a client waits to have acknowledged. */
export interface OpenPublish {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: Uint8Array | undefined;
  /**
   * Once: without a code when it is stored, in the order of the publishes [MQTT3-4.6.0-2]; with one when nobody waits for that any
   * more. Never throws.
   */
  settle(code?: ErrorCode): void;
}

const NOTHING = new Uint8Array(0);

interface Entry extends OpenPublish {
  state: 'sent' | 'stored' | 'postponed';
}

/** Whose messages they are. */
export interface IntakeOwner {
  /** The bus does not want a message: it will never be acknowledged. */
  onRefused(code: ErrorCode): void;
  /** Nothing waits for `retry` any more. */
  onCaughtUp(): void;
}

/**
 * QoS 1 messages of one client on their way to storage. One that could not be stored now is kept, and goes again at `retry`; how many
 * there are is bounded by who hands them over.
 */
export class Intake implements StoreSink {
  /** Bytes of payload that are kept. */
  bytes = 0;
  readonly #publisher: Publisher;
  readonly #stats: AedesDoorStats;
  readonly #owner: IntakeOwner;
  /** In the order in which they came. */
  readonly #open = new Map<number, Entry>();
  #tokens = 0;
  #postponed = 0;

  constructor(publisher: Publisher, stats: AedesDoorStats, owner: IntakeOwner) {
    this.#publisher = publisher;
    this.#stats = stats;
    this.#owner = owner;
  }

  /** Messages that wait for `retry`; what comes meanwhile waits behind them. */
  get postponed(): number {
    return this.#postponed;
  }

  publish(message: OpenPublish): void {
    const token = this.#tokens++;
    const { subject, payload, headers } = message;
    const entry: Entry = { subject, payload, headers, settle: (code) => message.settle(code), state: 'sent' };
    this.#open.set(token, entry);
    this.bytes += entry.payload.length;
    this.#stats.openPublishes++;
    if (this.#postponed === 0) return this.#send(token, entry);
    entry.state = 'postponed';
    this.#postponed++;
  }

  /** A message that goes nowhere: it is settled in its turn. */
  accept(settle: OpenPublish['settle']): void {
    const entry: Entry = { subject: '', payload: NOTHING, headers: undefined, settle, state: 'stored' };
    this.#open.set(this.#tokens++, entry);
    this.#stats.openPublishes++;
    this.#settle();
  }

  stored(token: number): void {
    const entry = this.#open.get(token);
    if (entry === undefined) return;
    entry.state = 'stored';
    this.#settle();
  }

  #settle(): void {
    for (const [first, oldest] of this.#open) {
      if (oldest.state !== 'stored') return;
      this.#open.delete(first);
      this.bytes -= oldest.payload.length;
      this.#stats.openPublishes--;
      oldest.settle();
    }
  }

  failed(token: number, code: ErrorCode): void {
    const entry = this.#open.get(token);
    if (entry === undefined) return;
    if (code === 'bus.refused' || ERRORS[code].category === 'rejected') return this.#owner.onRefused(code);
    entry.state = 'postponed';
    this.#postponed++;
  }

  /** Sends again, in order, what could not be stored. */
  retry(): void {
    if (this.#postponed === 0) return;
    this.#stats.retriedPublishes += this.#postponed;
    this.#postponed = 0;
    for (const [token, entry] of this.#open) {
      if (entry.state !== 'postponed') continue;
      entry.state = 'sent';
      this.#send(token, entry);
    }
    this.#owner.onCaughtUp();
  }

  /** The connection is gone: what is open may still be stored, and is not acknowledged. */
  abandon(): void {
    const abandoned = [...this.#open.values()];
    this.#stats.openPublishes -= this.#open.size;
    this.#open.clear();
    this.#postponed = 0;
    this.bytes = 0;
    for (const entry of abandoned) entry.settle('bus.unavailable');
  }

  #send(token: number, { subject, payload, headers }: Entry): void {
    this.#publisher.durable(subject, payload, headers, this, token);
  }
}
