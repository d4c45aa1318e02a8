import type { Bus } from '@trivium/bus';
import {
  clientSubject,
  doorLeaseKey,
  encodeJson,
  isSessionOver,
  TakeoverNotice,
  TriviumError,
  type SessionRecord,
  type WillMessage,
} from '@trivium/contracts';
import { createExactlyOnceStore, type StoredExactlyOnce } from './exactly-once-store.ts';
import { isSomebodyElses } from './session-principal.ts';
import { createSessionStore, dueWills } from './session-store.ts';

/** A connection that wants a client id. */
export interface ClaimRequest {
  readonly client: string;
  readonly connection: string;
  /** A session belongs to who made it. */
  readonly principal: string;
  /** A new session, whatever is there. Else the one that is there goes on. */
  readonly fresh: boolean;
  /** How long the session stays after its connection: 0 ends with it, none for ever. */
  readonly expirySeconds?: number;
  readonly will?: WillMessage | undefined;
}

/** A session that this door has now. */
export interface Claimed {
  readonly record: SessionRecord;
  readonly revision: number;
  /** It was there before. */
  readonly present: boolean;
  /** Its QoS 2 exchanges, if there were any. */
  readonly exactlyOnce: StoredExactlyOnce | undefined;
  /** The due wills may have been published longer ago than the duplicate window reaches. */
  readonly dueIsOld: boolean;
}

export interface SessionClaimsOptions {
  bus: Bus;
  now: () => number;
  /** A record of a clean session that is not renewed for this long is gone. */
  cleanTtlSeconds: number;
  /** How long the former owner at another door is waited for. */
  takeoverTimeoutMs: number;
}

/** Each try meets an owner that came in between; so many in a row are no accident. */
const TRIES = 8;

/**
 * Makes a client's session that of a connection of this door: by compare-and-set on its record, which fences whoever had it, after the
 * former owner was told and has let go (or does not answer). One round trip for a clean session when nobody has the client id.
 * Rejects with a `TriviumError`: `auth.denied` when the session is somebody else's, `bus.…` when the outcome is unknown.
 */
export function createSessionClaims({ bus, now, cleanTtlSeconds, takeoverTimeoutMs }: SessionClaimsOptions) {
  const store = createSessionStore(bus);
  const exactlyOnce = createExactlyOnceStore(bus);
  const door = bus.incarnation;

  /** Resolves when its connection is closed and its session written. No answer: that door is gone, or frozen, and fenced. */
  const tell = async (client: string, former: SessionRecord): Promise<void> => {
    if (former.door === undefined || former.connection === undefined) return;
    const notice = encodeJson(TakeoverNotice, { v: 1, do: 'takeover', connection: former.connection });
    await bus
      .request(clientSubject(former.door, client), notice, { timeoutMs: takeoverTimeoutMs })
      .catch(() => undefined);
  };

  const isGone = async (former: SessionRecord | undefined): Promise<boolean> =>
    former?.door === undefined || (await bus.bucket('leases').get(doorLeaseKey(former.door))) === undefined;

  const goesOn = ({ fresh }: ClaimRequest, former: SessionRecord | undefined): boolean =>
    former !== undefined && !fresh && !former.clean && !isSessionOver(former, now());

  const next = async (request: ClaimRequest, former: SessionRecord | undefined): Promise<SessionRecord> => {
    const { connection, principal, expirySeconds, will } = request;
    const present = goesOn(request, former);
    // What is new and ends with its connection is kept in memory alone.
    const clean = expirySeconds === 0 && !present;
    const owed = former === undefined ? [] : dueWills(former, now());
    // A session that goes on cancels what was still to wait [MQTT-3.1.3-9]; one that ends here does not wait.
    const due = present
      ? owed.filter(({ at = 0 }) => at <= now())
      : owed.map(({ epoch, will, after }) => ({ epoch, will, after }));
    return {
      v: 1,
      epoch: (former?.epoch ?? now()) + 1,
      door,
      connection,
      connectedAt: now(),
      principal,
      clean,
      ...(expirySeconds === undefined ? {} : { expirySeconds }),
      // Nothing of this connection lies at or below it; a clean session without a will never asks.
      pos: present ? former!.pos : clean && will === undefined ? 0 : await bus.lastPos('MESSAGES'),
      subscriptions: present ? former!.subscriptions : [],
      open: present ? former!.open : [],
      exactlyOnce: present && former!.exactlyOnce,
      ...(will === undefined ? {} : { will }),
      ...(due.length === 0 ? {} : { due }),
    };
  };

  const write = async (
    request: ClaimRequest,
    former: SessionRecord | undefined,
    expect: number,
  ): Promise<Claimed | undefined> => {
    const { client } = request;
    const record = await next(request, former);
    const dueIsOld = record.due !== undefined && (await isGone(former));
    const revision = await store.write(client, record, expect, record.clean ? cleanTtlSeconds : undefined);
    if (revision === undefined) return undefined;
    if (former?.exactlyOnce === true && !record.exactlyOnce) await exactlyOnce.remove(client);
    return {
      record,
      revision,
      present: goesOn(request, former),
      exactlyOnce: record.exactlyOnce ? await exactlyOnce.fence(client, record.epoch) : undefined,
      dueIsOld,
    };
  };

  return async (request: ClaimRequest): Promise<Claimed> => {
    const { client, principal, fresh, expirySeconds } = request;
    const first = fresh && expirySeconds === 0 ? await write(request, undefined, 0) : undefined;
    if (first !== undefined) return first;
    let told: string | undefined;
    for (let tries = 0; tries < TRIES; tries++) {
      const stored = await store.read(client);
      const former = stored?.record;
      if (
        former !== undefined &&
        !isSessionOver(former, now()) &&
        isSomebodyElses(former.principal, principal)
      )
        throw new TriviumError('auth.denied', 'the session of this client id belongs to somebody else');
      if (former?.door !== undefined && former.door !== door && told !== former.connection) {
        told = former.connection;
        await tell(client, former);
        continue;
      }
      const claimed = await write(request, former, stored?.revision ?? 0);
      if (claimed !== undefined) return claimed;
    }
    throw new TriviumError('bus.overloaded', 'too many connections claim this client id at once');
  };
}
