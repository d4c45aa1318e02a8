import type { Bus } from '@trivium/bus';
import { clientSubject, decodeJson, encodeJson, TriviumError } from '@trivium/contracts';
import { sessionKey, SessionRecord, TakeoverNotice } from './session-record.ts';

/** A client id held by one connection: the revision of its record, which any other owner would have changed. */
export interface Claim {
  readonly revision: number;
  readonly epoch: number;
}

export interface SessionClaims {
  /**
   * Makes `client` that of `connection`: writes its record, and when another door held it tells that door and waits until its
   * connection is closed, at most `takeoverTimeoutMs`. One round trip when nobody did. `known`: a claim of this door that it
   * replaces. Rejects with a `TriviumError`.
   */
  claim(client: string, connection: string, known: Claim | undefined): Promise<Claim>;
  /** Keeps the record from expiring. Undefined: somebody else has it. */
  renew(client: string, connection: string, claim: Claim): Promise<Claim | undefined>;
  /** Removes the record unless somebody else has it. */
  release(client: string, claim: Claim): Promise<void>;
}

export interface SessionClaimsOptions {
  bus: Bus;
  ttlSeconds: number;
  takeoverTimeoutMs: number;
}

/** Each try meets an owner that came in between; so many in a row are no accident. */
const TRIES = 8;

export function createSessionClaims({
  bus,
  ttlSeconds,
  takeoverTimeoutMs,
}: SessionClaimsOptions): SessionClaims {
  const sessions = bus.bucket('sessions');
  const door = bus.incarnation;

  const write = (
    client: string,
    connection: string,
    epoch: number,
    expect: number,
  ): Promise<number | undefined> => {
    const record = encodeJson(SessionRecord, { v: 1, door, epoch, connection });
    return sessions.put(sessionKey(client), record, { expect, ttlSeconds });
  };

  const tell = async (client: string, former: SessionRecord): Promise<void> => {
    const notice = encodeJson(TakeoverNotice, { v: 1, do: 'takeover', connection: former.connection });
    // No answer: that door is gone, and its connections with it, or it finds out when it renews the record.
    await bus
      .request(clientSubject(former.door, client), notice, { timeoutMs: takeoverTimeoutMs })
      .catch(() => undefined);
  };

  return {
    async claim(client, connection, known) {
      let expect = known?.revision ?? 0;
      let epoch = (known?.epoch ?? 0) + 1;
      let former: SessionRecord | undefined;
      for (let tries = 0; tries < TRIES; tries++) {
        const revision = await write(client, connection, epoch, expect);
        if (revision !== undefined) {
          if (former !== undefined && former.door !== door) await tell(client, former);
          return { revision, epoch };
        }
        const entry = await sessions.get(sessionKey(client));
        const read = entry === undefined ? undefined : decodeJson(SessionRecord, entry.value);
        former = read?.ok === true ? read.value : undefined;
        expect = entry?.revision ?? 0;
        epoch = (former?.epoch ?? 0) + 1;
      }
      throw new TriviumError('bus.overloaded', 'too many connections claim this client id at once');
    },
    async renew(client, connection, { epoch, revision }) {
      const renewed = await write(client, connection, epoch, revision);
      return renewed === undefined ? undefined : { epoch, revision: renewed };
    },
    async release(client, { revision }) {
      await sessions.delete(sessionKey(client), revision);
    },
  };
}
