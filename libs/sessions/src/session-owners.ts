import type { Bus, BusMessage, LiveSubscription, Logger } from '@trivium/bus';
import {
  decodeCommandVerb,
  decodeJson,
  doorSubject,
  encodeJson,
  errorCode,
  subjectClient,
  TakeoverNotice,
  TriviumError,
  WillQuestion,
  WillRuling,
} from '@trivium/contracts';
import type { ErrorCode } from '@trivium/contracts';
import type { Clock } from '@trivium/clock';
import { HeldSession } from './held-session.ts';
import { isSomebodyElses } from './session-principal.ts';
import { createSessionClaims, type ClaimRequest } from './session-claims.ts';
import type { JudgeWill } from './will-ruling.ts';

/** A connection as the owner of a client id. */
export interface Owner {
  /** Of the connection. */
  readonly id: string;
  /** Another connection has the client id now. Synchronous: it ends, and says so by `leave`, before this returns. */
  takenOver(): void;
  claimed(session: HeldSession): void;
  claimFailed(code: ErrorCode): void;
}

/** What a connection asks for; which connection it is, the owner says. */
export type Claim = Omit<ClaimRequest, 'connection'>;

export interface SessionOwnersOptions {
  bus: Bus;
  logger: Logger;
  clock: Clock;
  /** A record of a clean session that is not renewed for this long is gone. */
  cleanTtlSeconds: number;
  /** How often the cursor of a persistent session is written while it moves. */
  cursorIntervalMs: number;
  /** How long `claimed` waits for the former owner. */
  takeoverTimeoutMs: number;
  /** Asked before wills of former connections are published, here and by routers. Unless given all are allowed here, and routers are told nothing. */
  mayLeave?: JudgeWill;
}

const ALL_WILLS: JudgeWill = () => true;

/** Holdings are looked at in portions, so many in the time in which each is to be looked at once. */
const PORTIONS = 20;
/** Records of clean sessions are renewed this many times in their life. */
const RENEWALS = 3;

interface Holding {
  readonly client: string;
  readonly principal: string;
  readonly owner: Owner;
  session: HeldSession | undefined;
  /** The connection has ended, or another one has its client id. */
  over: boolean;
  /** Resolves when its session is claimed, or will not be. */
  claiming: Promise<void>;
  /** Resolves when it is over and its session written. */
  readonly gone: Promise<void>;
  readonly markGone: () => void;
  /** When a clean session's record is written again, milliseconds. */
  renewAt: number;
}

export function createSessionOwners(options: SessionOwnersOptions): SessionOwners {
  return new SessionOwners(options);
}

/**
 * Which connection of this door has which client id: one at most [MQTT3-3.1.4-2]. The newest wins, here and, by the record of the
 * session and a notice to its former door, everywhere. One per process and bus.
 */
export class SessionOwners {
  readonly #options: SessionOwnersOptions;
  /** By client id: the newest. */
  readonly #holdings = new Map<string, Holding>();
  readonly #byOwner = new WeakMap<Owner, Holding>();
  /** Those that are over and not yet written. */
  readonly #ending = new Set<Holding>();
  readonly #claim;
  readonly #notices: LiveSubscription;
  readonly #stopLooking: () => void;
  #portion = 0;

  constructor(options: SessionOwnersOptions) {
    const { bus, clock, cursorIntervalMs } = options;
    this.#options = options;
    this.#claim = createSessionClaims({ ...options, now: () => clock.now() });
    this.#notices = bus.serve(doorSubject(bus.incarnation), (message) => this.#onNotice(message));
    this.#stopLooking = clock.every(cursorIntervalMs / PORTIONS, () => this.#look());
  }

  /**
   * `owner` asks for a client id. The connection of this door that had it ends now, if it is of the same principal or of nobody; one of another keeps it.
   * `claimed` or `claimFailed` follows in a later turn.
   */
  take(claim: Claim, owner: Owner): void {
    const { client, principal } = claim;
    const former = this.#holdings.get(client);
    let markGone = (): void => undefined;
    const gone = new Promise<void>((resolve) => (markGone = resolve));
    const holding: Holding = {
      ...{ client, principal, owner, session: undefined, over: false },
      ...{ claiming: NOTHING_TO_WAIT_FOR, gone, markGone, renewAt: 0 },
    };
    this.#byOwner.set(owner, holding);
    holding.claiming =
      former === undefined || !isSomebodyElses(former.principal, principal)
        ? this.#enter(claim, holding, former)
        : this.#enterAfter(claim, holding, former);
  }

  /** The connection has ended. Its session is written, its will published unless it said goodbye; the client id is then free. */
  leave(owner: Owner, { will }: { will: boolean }): void {
    const holding = this.#byOwner.get(owner);
    if (holding === undefined || holding.over) return;
    if (this.#holdings.get(holding.client) === holding) this.#holdings.delete(holding.client);
    holding.over = true;
    holding.session?.freeze();
    this.#ending.add(holding);
    void this.#end(holding, will);
  }

  /** The connection of this door that has the client id, or is about to. */
  find(client: string): Owner | undefined {
    return this.#holdings.get(client)?.owner;
  }

  /** Resolves when the sessions of all connections that ended are written. */
  async settled(): Promise<void> {
    await Promise.all([...this.#ending].map(({ gone }) => gone));
  }

  close(): void {
    this.#stopLooking();
    this.#notices.close();
  }

  #enter(claim: Claim, holding: Holding, former: Holding | undefined): Promise<void> {
    this.#holdings.set(claim.client, holding);
    former?.owner.takenOver();
    return this.#begin(claim, holding, former);
  }

  /** Somebody else has the client id here, or only asks for it: to ask takes nothing from anybody. */
  async #enterAfter(claim: Claim, holding: Holding, stranger: Holding): Promise<void> {
    await stranger.claiming;
    if (holding.over) return;
    const former = this.#holdings.get(claim.client);
    if (former === undefined || !isSomebodyElses(former.principal, holding.principal))
      return this.#enter(claim, holding, former);
    if (former.session === undefined) return this.#enterAfter(claim, holding, former);
    holding.owner.claimFailed('auth.denied');
  }

  async #begin(claim: Claim, holding: Holding, former: Holding | undefined): Promise<void> {
    const { owner } = holding;
    const { bus } = this.#options;
    try {
      // A former connection that cannot be written now is fenced by the claim, like one of another door.
      if (former !== undefined) await this.#wait(former.gone);
      if (holding.over) return;
      if (!bus.up) throw new TriviumError('bus.unavailable');
      const claimed = await this.#claim({ ...claim, connection: owner.id });
      const { clock, cleanTtlSeconds } = this.#options;
      holding.renewAt = clock.now() + (cleanTtlSeconds * 1_000) / RENEWALS;
      holding.session = new HeldSession({
        ...{ bus, client: claim.client, claimed, cleanTtlSeconds, now: () => clock.now() },
        mayLeave: this.#options.mayLeave ?? ALL_WILLS,
        onLost: () => {
          if (!holding.over) owner.takenOver();
        },
      });
      if (!holding.over) owner.claimed(holding.session);
    } catch (error) {
      if (this.#holdings.get(claim.client) === holding) this.#holdings.delete(claim.client);
      if (!holding.over) owner.claimFailed(errorCode(error));
    }
  }

  async #end(holding: Holding, will: boolean): Promise<void> {
    await holding.claiming;
    await holding.session?.end({ will });
    this.#ending.delete(holding);
    holding.markGone();
  }

  #wait(gone: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#options.takeoverTimeoutMs);
      void gone.then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** A portion of the sessions: cursors that have moved are written, clean sessions kept from expiring. */
  #look(): void {
    const portion = this.#portion++ % PORTIONS;
    const now = this.#options.clock.now();
    let index = 0;
    for (const holding of this.#holdings.values()) {
      if (index++ % PORTIONS !== portion || holding.session === undefined) continue;
      const { session } = holding;
      if (session.clean ? holding.renewAt > now : !session.changed) continue;
      holding.renewAt = now + (this.#options.cleanTtlSeconds * 1_000) / RENEWALS;
      session.save().catch((error: unknown) => {
        holding.renewAt = now;
        this.#options.logger.debug(
          { client: holding.client, code: errorCode(error) },
          'a session was not written',
        );
      });
    }
  }

  /** Commands come on the same subject, and are for others. */
  #onNotice(message: BusMessage): Promise<Uint8Array> | undefined {
    if (decodeCommandVerb((name) => message.headers?.get(name)) !== undefined) return undefined;
    const question = decodeJson(WillQuestion, message.data);
    return question.ok ? this.#judge(message, question.value) : this.#letGo(message);
  }

  async #judge({ subject }: BusMessage, { author, topic, retain }: WillQuestion): Promise<Uint8Array> {
    const client = subjectClient(subject);
    const { mayLeave } = this.#options;
    if (mayLeave === undefined) throw new TriviumError('not-found', 'this door judges no wills');
    const allowed = client !== undefined && mayLeave(client, { author, topic, retain });
    return encodeJson(WillRuling, { v: 1, allowed });
  }

  async #letGo(message: BusMessage): Promise<Uint8Array> {
    const notice = decodeJson(TakeoverNotice, message.data);
    if (!notice.ok) throw new TriviumError(notice.error.code, notice.error.message);
    const client = subjectClient(message.subject);
    const { connection } = notice.value;
    // The notice names the connection: one that came later is not meant, and one that is on its way out is waited for.
    const holding = client === undefined ? undefined : this.#holdings.get(client);
    if (holding?.owner.id === connection) {
      holding.owner.takenOver();
      await holding.gone;
      return NOTHING;
    }
    for (const ending of this.#ending)
      if (ending.client === client && ending.owner.id === connection) await ending.gone;
    return NOTHING;
  }
}

const NOTHING = new Uint8Array(0);
const NOTHING_TO_WAIT_FOR = Promise.resolve();
