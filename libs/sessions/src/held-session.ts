import type { Bus } from '@trivium/bus';
import { TriviumError, type DueWill, type SessionRecord } from '@trivium/contracts';
import { ExactlyOnceLog, type ExactlyOnceState } from './exactly-once-log.ts';
import { throughOutages } from './outage.ts';
import { publishWill } from './publish-will.ts';
import type { Claimed } from './session-claims.ts';
import type { JudgeWill } from './will-ruling.ts';
import { createSessionStore, dueWills, WILL_SECONDS } from './session-store.ts';

/** What a connection knows of its session, and only it. Its filters may be many: they are asked for only where they are written. */
export type SessionState = Pick<SessionRecord, 'pos' | 'subscriptions' | 'open'>;

export interface HeldSessionOptions {
  bus: Bus;
  now: () => number;
  client: string;
  claimed: Claimed;
  cleanTtlSeconds: number;
  /** Asked for the wills of former connections. */
  mayLeave: JudgeWill;
  /** Somebody else has the session: the connection ends. Synchronous. */
  onLost(): void;
}

/** A will tried for longer than this may have left JetStream's memory of ids. */
const OLD_MS = 60_000;

/**
 * The session of one connection of this door: the only writer of its record, as long as nobody claims it. Every write is a
 * compare-and-set on the revision of the one before.
 */
export class HeldSession {
  readonly client: string;
  /** As it was claimed; of a persistent session that was there before, what it had. */
  readonly restored: SessionRecord;
  readonly present: boolean;
  readonly clean: boolean;
  /** Of a persistent session. */
  readonly exactlyOnce: ExactlyOnceLog | undefined;
  /** What to write; set by the connection once it has restored a persistent session. */
  state: (() => SessionState) | undefined;
  readonly #options: HeldSessionOptions;
  readonly #store;
  #record: SessionRecord;
  #revision: number;
  #writing: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #lost = false;
  #last: SessionState | undefined;
  readonly #dueDone: Promise<void>;

  constructor(options: HeldSessionOptions) {
    const { bus, client, claimed } = options;
    this.#options = options;
    this.#store = createSessionStore(bus);
    this.client = client;
    this.restored = this.#record = claimed.record;
    this.#revision = claimed.revision;
    this.present = claimed.present;
    this.clean = claimed.record.clean;
    this.exactlyOnce = this.clean
      ? undefined
      : new ExactlyOnceLog({
          bus,
          client,
          epoch: claimed.record.epoch,
          stored: claimed.exactlyOnce,
          announce: () => this.#announceExactlyOnce(),
          onLost: () => this.#lose(),
        });
    this.#dueDone = claimed.record.due === undefined ? Promise.resolve() : this.#publishDue(claimed.dueIsOld);
  }

  /** Whether the record says less than the connection knows. */
  get changed(): boolean {
    const state = this.state?.();
    if (state === undefined) return false;
    const { pos, open } = this.#record;
    return state.pos !== pos || state.open.length !== open.length || state.open[0]?.pos !== open[0]?.pos;
  }

  /** How long the session stays after its connection: 0 ends with it, undefined for ever. */
  get expirySeconds(): number | undefined {
    return this.#record.expirySeconds;
  }

  /** The client has changed it at DISCONNECT. */
  set expirySeconds(seconds: number | undefined) {
    const { expirySeconds: _, ...rest } = this.#record;
    this.#record = seconds === undefined ? rest : { ...rest, expirySeconds: seconds };
  }

  /** The connection may not leave its will any more: nobody publishes it. */
  dropWill(): void {
    if (this.#record.will === undefined) return;
    const { will: _, ...rest } = this.#record;
    this.#record = rest;
    this.save().catch(() => undefined); // the next write says so too
  }

  /**
   * Writes the session as it is when the write begins; calls that come while one is under way share the next. Resolves when it is
   * stored. Rejects with `session.taken-over` when it is somebody else's, retryable when the bus is away.
   */
  save(): Promise<void> {
    if (this.#writing === undefined)
      return (this.#writing = this.#write().finally(() => (this.#writing = undefined)));
    this.#next ??= this.#writing
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.save();
      });
    return this.#next;
  }

  /** The connection is over and will forget its state: the last one is kept for `end`. */
  freeze(): void {
    this.#last = this.state && { ...this.state() };
    this.state = undefined;
  }

  /**
   * After `freeze`. The connection's will is published unless it said goodbye; a persistent session is written for whoever comes next, a
   * clean one is gone. Outages of the bus are waited out; if this process ends before, a router does it. Never rejects.
   */
  async end({ will }: { will: boolean }): Promise<void> {
    const began = this.#options.now();
    const { bus } = this.#options;
    try {
      await this.#next;
      await this.#writing;
    } catch {
      // The last write decides.
    }
    const exchanges = await this.exactlyOnce?.close();
    await this.#dueDone;
    await throughOutages(bus, async () => {
      if (this.#lost) return;
      const old = this.#options.now() - began > OLD_MS;
      const owed = will ? dueWills(this.#record, began) : [];
      const waiting = owed.filter(({ at }) => at !== undefined);
      for (const one of owed) {
        if (one.at !== undefined) continue;
        // A door that was out of touch for a while may find that a router has done it.
        if (!(await this.#isMine())) return this.#lose();
        await publishWill(bus, this.client, one, old);
      }
      await this.#leave(exchanges, waiting);
    }).catch(() => undefined);
  }

  async #write(): Promise<void> {
    if (this.#lost) throw new TriviumError('session.taken-over');
    this.#record = { ...this.#record, ...(this.#last ?? this.state?.()) };
    const { cleanTtlSeconds } = this.#options;
    await this.#put(this.#record, this.clean ? cleanTtlSeconds : undefined);
  }

  async #put(record: SessionRecord, ttlSeconds: number | undefined): Promise<void> {
    let revision = await this.#store.write(this.client, record, this.#revision, ttlSeconds);
    // A write of ours whose outcome was unknown may have been stored.
    if (revision === undefined && (await this.#isMine()))
      revision = await this.#store.write(this.client, record, this.#revision, ttlSeconds);
    if (revision === undefined) {
      this.#lose();
      throw new TriviumError('session.taken-over');
    }
    this.#revision = revision;
  }

  /** Reads the record: true, and its revision known, when this connection still owns it. */
  async #isMine(): Promise<boolean> {
    const there = await this.#store.read(this.client);
    const mine =
      there?.record?.epoch === this.#record.epoch && there.record.connection === this.#record.connection;
    if (mine) this.#revision = there.revision;
    return mine;
  }

  async #leave(exchanges: ExactlyOnceState | undefined, due: readonly DueWill[]): Promise<void> {
    const { door: _, connection: __, will: ___, due: ____, ...kept } = this.#record;
    const { expirySeconds } = kept;
    const gone = this.clean || expirySeconds === 0;
    const state = { ...kept, ...this.#last };
    // What was completed is known by the cursor alone, once the exchanges are gone.
    const done =
      exchanges !== undefined &&
      exchanges.incoming.length + exchanges.outgoing.length === 0 &&
      exchanges.begun <= state.pos;
    if (gone) {
      const removed =
        (await this.#store.remove(this.client, this.#revision)) ||
        ((await this.#isMine()) && (await this.#store.remove(this.client, this.#revision)));
      if (!removed) return;
    } else {
      const record: SessionRecord = {
        ...{ ...state, exactlyOnce: kept.exactlyOnce && !done },
        ...(expirySeconds === undefined ? {} : { endsAt: this.#options.now() + expirySeconds * 1_000 }),
        ...(due.length === 0 ? {} : { due: [...due] }),
      };
      // A will that waits is published before the record goes by itself.
      const more = due.length === 0 ? 0 : WILL_SECONDS;
      await this.#put(record, expirySeconds === undefined ? undefined : expirySeconds + more);
    }
    if (kept.exactlyOnce && (gone || done)) await this.exactlyOnce?.remove();
  }

  async #announceExactlyOnce(): Promise<void> {
    this.#record = { ...this.#record, exactlyOnce: true };
    await this.save();
  }

  /** Wills of former connections that nobody is known to have published. */
  async #publishDue(old: boolean): Promise<void> {
    const { bus, mayLeave } = this.#options;
    const due = (this.#record.due ?? []).filter(({ will }) => mayLeave(this.client, will));
    await throughOutages(bus, async () => {
      for (const one of due) await publishWill(bus, this.client, one, old);
      const { due: _, ...rest } = this.#record;
      this.#record = rest;
      await this.save();
    }).catch(() => undefined);
  }

  #lose(): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#options.onLost();
  }
}
