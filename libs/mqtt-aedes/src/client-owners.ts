import type { ErrorCode } from '@trivium/contracts';

/** A connection as the owner of a client id. */
export interface ClientOwner {
  /** Of the connection. */
  readonly id: string;
  /** Another connection has the client id now. Synchronous. */
  takenOver(): void;
  claimed(): void;
  claimFailed(code: ErrorCode): void;
}

/**
 * Who has which client id: one connection at most [MQTT3-3.1.4-2]. `SessionOwners` of `@trivium/mqtt`, which writes the record of the
 * session and so decides between doors, fits.
 */
export interface ClientOwners {
  /**
   * `owner`, which has proven to be `principal`, asks for `client`. Whoever had it ends, unless it is of another principal; `claimed` or
   * `claimFailed` follows.
   */
  take(client: string, principal: string, owner: ClientOwner): void;
  /** The connection has ended. Its client id is free unless another connection has it. */
  leave(client: string, owner: ClientOwner): void;
  /** Who has the client id, if it is a connection of this door. */
  find(client: string): object | undefined;
}

/** Decides between the connections of this door alone. */
export function createLocalOwners(): ClientOwners {
  const owners = new Map<string, { readonly principal: string; readonly owner: ClientOwner }>();
  return {
    take(client, principal, owner) {
      const former = owners.get(client);
      if (former !== undefined && former.principal !== principal) return owner.claimFailed('auth.denied');
      owners.set(client, { principal, owner });
      former?.owner.takenOver();
      owner.claimed();
    },
    leave(client, owner) {
      if (owners.get(client)?.owner === owner) owners.delete(client);
    },
    find: (client) => owners.get(client)?.owner,
  };
}
