import type { Bus, BusMessage, LiveSubscription, Logger } from '@trivium/bus';
import { decodeJson, decodeToken, doorSubject, errorCode, TriviumError } from '@trivium/contracts';
import type { ErrorCode } from '@trivium/contracts';
import type { Clock } from './clock.ts';
import { createSessionClaims, type Claim, type SessionClaims } from './session-claims.ts';
import { TakeoverNotice } from './session-record.ts';

/** A connection as the owner of a client id. */
export interface Owner {
  /** Of the connection. */
  readonly id: string;
  /** Another connection has the client id now. Synchronous. */
  takenOver(): void;
  claimed(): void;
  claimFailed(code: ErrorCode): void;
}

interface Holding {
  readonly client: string;
  readonly owner: Owner;
  /** The record as written last; undefined until then. */
  claim: Claim | undefined;
  /** Settles with the record to replace: what the next connection of this door with the same client id begins with. */
  settled: Promise<Claim | undefined>;
  /** The connection has ended, or another one has its client id. */
  over: boolean;
  /** Another connection of this door has its client id, and its record. */
  succeeded: boolean;
  /** Look at which the record is written again. */
  renewAt: number;
}

export interface SessionOwnersOptions {
  bus: Bus;
  logger: Logger;
  clock: Clock;
  /** A record that is not renewed for this long is gone. */
  ttlSeconds: number;
  /** How long `claimed` waits for the former owner at another door. */
  takeoverTimeoutMs: number;
}

export function createSessionOwners(options: SessionOwnersOptions): SessionOwners {
  return new SessionOwners(options);
}

/** Records are renewed at a third of their life, and looked at this many times within that. */
const LOOKS = 20;

/**
 * Which connection of this door has which client id: one at most [MQTT-3.1.4-2]. The newest wins, here and, by the record of the
 * client and a notice to its former door, everywhere. One per process and bus.
 */
export class SessionOwners {
  readonly #holdings = new Map<string, Holding>();
  readonly #claims: SessionClaims;
  readonly #logger: Logger;
  readonly #notices: LiveSubscription;
  readonly #stopLooking: () => void;
  #looks = 0;

  constructor({ bus, logger, clock, ttlSeconds, takeoverTimeoutMs }: SessionOwnersOptions) {
    this.#claims = createSessionClaims({ bus, ttlSeconds, takeoverTimeoutMs });
    this.#logger = logger;
    this.#notices = bus.serve(doorSubject(bus.incarnation), (message) => this.#onNotice(message));
    this.#stopLooking = clock.every((ttlSeconds * 1_000) / 3 / LOOKS, () => this.#look());
  }

  /** `owner` asks for `client`. The connection of this door that had it ends now; `claimed` or `claimFailed` follows in a later turn. */
  take(client: string, owner: Owner): void {
    const former = this.#holdings.get(client);
    const settled = NOTHING_SETTLED;
    const holding: Holding = {
      client,
      owner,
      claim: undefined,
      settled,
      over: false,
      succeeded: false,
      renewAt: 0,
    };
    this.#holdings.set(client, holding);
    if (former !== undefined) {
      former.over = former.succeeded = true;
      former.owner.takenOver();
    }
    holding.settled =
      former === undefined ? this.#claim(holding, undefined) : this.#claimAfter(former, holding);
  }

  /** The connection has ended. Its client id is free unless another connection has it. */
  leave(client: string, owner: Owner): void {
    const holding = this.#holdings.get(client);
    if (holding?.owner !== owner) return;
    this.#holdings.delete(client);
    holding.over = true;
    if (holding.claim !== undefined) this.#release(holding.client, holding.claim);
  }

  close(): void {
    this.#stopLooking();
    this.#notices.close();
  }

  #look(): void {
    this.#looks++;
    for (const holding of this.#holdings.values()) {
      if (holding.claim !== undefined && holding.renewAt <= this.#looks) this.#renew(holding, holding.claim);
    }
  }

  /** One after the other, so that a crowd with one client id costs a write for the first and the last of it. */
  async #claimAfter(former: Holding, holding: Holding): Promise<Claim | undefined> {
    const known = await former.settled;
    if (!holding.over) return this.#claim(holding, known);
    if (!holding.succeeded && known !== undefined) this.#release(holding.client, known);
    return known;
  }

  #claim(holding: Holding, known: Claim | undefined): Promise<Claim | undefined> {
    const { client, owner } = holding;
    return this.#claims.claim(client, owner.id, known).then(
      (claim) => {
        holding.claim = claim;
        holding.renewAt = this.#looks + LOOKS;
        if (!holding.over) owner.claimed();
        else if (!holding.succeeded) this.#release(client, claim);
        return claim;
      },
      (error: unknown) => {
        if (this.#holdings.get(client) === holding) this.#holdings.delete(client);
        if (!holding.over) owner.claimFailed(errorCode(error));
        return undefined;
      },
    );
  }

  #renew(holding: Holding, claim: Claim): void {
    holding.renewAt = this.#looks + LOOKS;
    this.#claims.renew(holding.client, holding.owner.id, claim).then(
      (renewed) => {
        if (holding.over) return;
        if (renewed === undefined) return holding.owner.takenOver();
        holding.claim = renewed;
        holding.settled = Promise.resolve(renewed);
      },
      () => void (holding.renewAt = this.#looks + 1),
    );
  }

  /** A record that stays behind expires by itself, and the next owner replaces it. */
  #release(client: string, claim: Claim): void {
    this.#claims
      .release(client, claim)
      .catch((error: unknown) =>
        this.#logger.debug({ client, code: errorCode(error) }, 'a session record stays behind'),
      );
  }

  #onNotice(message: BusMessage): Uint8Array {
    const notice = decodeJson(TakeoverNotice, message.data);
    if (!notice.ok) throw new TriviumError(notice.error.code, notice.error.message);
    const client = decodeToken(message.subject.slice(message.subject.lastIndexOf('.') + 1));
    const holding = client === undefined ? undefined : this.#holdings.get(client);
    // The notice names the connection: one that came later is not meant.
    if (holding !== undefined && holding.owner.id === notice.value.connection) holding.owner.takenOver();
    return NOTHING;
  }
}

const NOTHING = new Uint8Array(0);
const NOTHING_SETTLED: Promise<undefined> = Promise.resolve(undefined);
