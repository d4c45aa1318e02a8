import type { Result } from '@trivium/contracts';
import type { Access } from './access.ts';
import type { ChallengeMethod } from './challenge-method.ts';
import type { Principal } from './principal.ts';

/** What a client shows to say who it is. The door takes it out of its protocol, unread. */
export type Credentials =
  | { readonly by: 'nothing' }
  /** MQTT CONNECT, HTTP Basic. The password may be a JWT or an API key as well, for clients that can say it nowhere else. */
  | { readonly by: 'password'; readonly user: string; readonly password: Uint8Array }
  /** HTTP Bearer, WebSocket: a JWT or an API key. */
  | { readonly by: 'token'; readonly token: string }
  /** What the TLS handshake proved: the client has the key of this certificate, and a CA of the site signed it. DER. */
  | { readonly by: 'certificate'; readonly certificate: Uint8Array };

/** Where a client comes from, for the audit and against guessing. */
export interface Source {
  /** IP address; that of the client, not of a balancer. */
  readonly address: string;
  /** The client id, as far as it is known. */
  readonly client?: string;
  /** The listener can be reached from this machine only: anonymous clients may come in there unless the site says otherwise. */
  readonly loopback: boolean;
}

/** Who may do what on this site, as this process knows it: kept up to date from the hub, asked without a round trip. */
export interface Identity {
  /** Resolves when everything that is stored is known. Until then nobody is let in. */
  readonly ready: Promise<void>;
  /** Grows with every change of credentials, keys, devices or policies. Doors compare it once a second, and `renew` the access of who is connected. */
  readonly version: number;
  /**
   * By which clients of MQTT 5 may prove who they are (AUTH); changes with what is stored. With `source` failures are counted and
   * written to the audit, and `finish` may be refused with `rate.limited`.
   */
  method(name: string, source?: Source): ChallengeMethod | undefined;
  /**
   * Who the client is. Never rejects. At once where nothing has to be computed. Refused with `auth.required`, `auth.failed`, `auth.method`
   * or `rate.limited`, in words that do not tell an unknown user from a wrong password; slowed down and written to the audit.
   */
  signIn(credentials: Credentials, source: Source): Result<Principal> | Promise<Result<Principal>>;
  /** Who a client is that proved its name by a challenge method. */
  proven(name: string, source: Source): Result<Principal>;
  /**
   * What the principal may do as this client, compiled. Refused with `auth.denied` when it may not connect under this id. An id that the hub
   * made up (`assigned`) is anybody's. Undefined: there is no client id (HTTP without one).
   */
  access(principal: Principal, client: string | undefined, assigned?: boolean): Result<Access>;
  close(): void;
}
