import type { Bus } from '@trivium/bus';
import type { ExactlyOnceRecord } from '@trivium/contracts';
import { createExactlyOnceStore, type StoredExactlyOnce } from './exactly-once-store.ts';
import { throughOutages } from './outage.ts';

/** The exchanges as they are now. */
export type ExactlyOnceState = Pick<ExactlyOnceRecord, 'incoming' | 'outgoing' | 'begun'>;

export interface ExactlyOnceLogOptions {
  bus: Bus;
  client: string;
  epoch: number;
  /** As they were when the session was claimed, and their revision. */
  stored: StoredExactlyOnce | undefined;
  /** Before the first write: the session's record says that there are exchanges, so that its next owner looks for them. */
  announce(): Promise<void>;
  /** Somebody else has the session. */
  onLost(): void;
}

const NOTHING: ExactlyOnceState = { incoming: [], outgoing: [], begun: 0 };

/**
 * Where a persistent session writes its QoS 2 exchanges before it acts on them (rule 4). One write at a time; what is asked for
 * meanwhile goes out with the next one. While the bus is away everything waits.
 */
export class ExactlyOnceLog {
  /** What the session's exchanges are; set by whoever keeps them. */
  state: () => ExactlyOnceState;
  readonly restored: ExactlyOnceState;
  readonly #options: ExactlyOnceLogOptions;
  readonly #store;
  #revision: number;
  #announced: boolean;
  #waiting: (() => void)[] = [];
  #writing: Promise<void> | undefined;
  #closed = false;

  constructor(options: ExactlyOnceLogOptions) {
    this.#options = options;
    this.#store = createExactlyOnceStore(options.bus);
    this.restored = options.stored?.record ?? NOTHING;
    this.state = () => this.restored;
    this.#revision = options.stored?.revision ?? 0;
    this.#announced = options.stored !== undefined;
  }

  /** Calls `then` when the present state, or a later one, is stored. Never, when the session is lost or closed before. */
  commit(then: () => void): void {
    if (this.#closed) return;
    this.#waiting.push(then);
    this.#writing ??= this.#run();
  }

  /** Nothing is written from now on; resolves to the last state when what is under way is settled. */
  async close(): Promise<ExactlyOnceState> {
    this.#closed = true;
    this.#waiting = [];
    await this.#writing;
    return this.state();
  }

  /** After `close`, when the session's record says that there are no exchanges: removes them, unless somebody else has written. */
  remove(): Promise<boolean> {
    return this.#store.remove(this.#options.client, this.#revision);
  }

  async #run(): Promise<void> {
    const { bus, client, epoch, announce, onLost } = this.#options;
    // What is asked for in this turn goes together.
    await Promise.resolve();
    try {
      while (this.#waiting.length > 0) {
        const due = this.#waiting;
        this.#waiting = [];
        if (!this.#announced) {
          await throughOutages(bus, announce);
          // Nobody else can write from now on; what may be there is of a session that ended.
          this.#revision = (await throughOutages(bus, () => this.#store.fence(client, epoch))).revision;
          this.#announced = true;
        }
        const record: ExactlyOnceRecord = { v: 1, epoch, ...this.state() };
        const revision = await throughOutages(bus, () => this.#write(client, record));
        if (revision === undefined) {
          this.#closed = true;
          return onLost();
        }
        this.#revision = revision;
        if (!this.#closed) for (const then of due) then();
      }
    } catch {
      // The session is lost, or its record cannot be written any more: whoever has it goes on from what is stored.
      this.#closed = true;
    } finally {
      this.#writing = undefined;
    }
  }

  async #write(client: string, record: ExactlyOnceRecord): Promise<number | undefined> {
    const revision = await this.#store.write(client, record, this.#revision);
    if (revision !== undefined) return revision;
    // A write of ours whose outcome was unknown may have been stored.
    const there = await this.#store.read(client);
    if (there?.record.epoch !== record.epoch) return undefined;
    return this.#store.write(client, record, there.revision);
  }
}
