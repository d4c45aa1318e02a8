import type { BusMessage, LiveSubscription } from '@trivium/bus';
import type { Bus, Logger } from '@trivium/bus';
import { decodeJson, decodeToken, doorSubject, errorCode, TriviumError } from '@trivium/contracts';
import type { ErrorCode } from '@trivium/contracts';
import type { Claim, SessionClaims } from './session-claims.ts';
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
  /** Undefined while it is being written. */
  claim: Claim | undefined;
  ended: boolean;
  renewAt: number;
}

export interface SessionOwnersOptions {
  bus: Bus;
  claims: SessionClaims;
  logger: Logger;
  /** Ticks between two writes of a record. */
  renewTicks: number;
  ticks: { readonly now: number };
}

/**
 * Which connection of this door has which client id: one at most [MQTT-3.1.4-2]. The newest wins, here and, by the record of the
 * client and a notice to its former door, everywhere.
 */
export class SessionOwners {
  readonly #holdings = new Map<string, Holding>();
  readonly #claims: SessionClaims;
  readonly #logger: Logger;
  readonly #renewTicks: number;
  readonly #ticks: { readonly now: number };
  readonly #notices: LiveSubscription;

  constructor({ bus, claims, logger, renewTicks, ticks }: SessionOwnersOptions) {
    this.#claims = claims;
    this.#logger = logger;
    this.#renewTicks = renewTicks;
    this.#ticks = ticks;
    this.#notices = bus.serve(doorSubject(bus.incarnation), (message) => this.#onNotice(message));
  }

  /** `owner` asks for `client`. The connection of this door that had it ends now; `claimed` or `claimFailed` follows in a later turn. */
  take(client: string, owner: Owner): void {
    const former = this.#holdings.get(client);
    const holding: Holding = { client, owner, claim: undefined, ended: false, renewAt: 0 };
    this.#holdings.set(client, holding);
    if (former !== undefined) {
      former.ended = true; // its record is replaced, not removed
      former.owner.takenOver();
    }
    this.#claims.claim(client, owner.id, former?.claim).then(
      (claim) => this.#claimed(holding, claim),
      (error: unknown) => {
        if (this.#holdings.get(client) === holding) this.#holdings.delete(client);
        if (!holding.ended) owner.claimFailed(errorCode(error));
      },
    );
  }

  /** The connection has ended. Its client id is free unless another connection has it. */
  leave(client: string, owner: Owner): void {
    const holding = this.#holdings.get(client);
    if (holding?.owner !== owner) return;
    this.#holdings.delete(client);
    holding.ended = true;
    if (holding.claim !== undefined) this.#release(holding.client, holding.claim);
  }

  /** Renews the records that are due. */
  tick(): void {
    for (const holding of this.#holdings.values()) {
      if (holding.claim !== undefined && holding.renewAt <= this.#ticks.now)
        this.#renew(holding, holding.claim);
    }
  }

  close(): void {
    this.#notices.close();
  }

  #claimed(holding: Holding, claim: Claim): void {
    if (holding.ended) return this.#release(holding.client, claim);
    holding.claim = claim;
    holding.renewAt = this.#ticks.now + this.#renewTicks;
    holding.owner.claimed();
  }

  #renew(holding: Holding, claim: Claim): void {
    holding.renewAt = this.#ticks.now + this.#renewTicks;
    this.#claims.renew(holding.client, holding.owner.id, claim).then(
      (renewed) => {
        if (holding.ended) return;
        if (renewed !== undefined) holding.claim = renewed;
        else holding.owner.takenOver();
      },
      () => void (holding.renewAt = this.#ticks.now + Math.ceil(this.#renewTicks / 4)),
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
