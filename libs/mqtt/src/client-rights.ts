import { accept, refuse, type Result, type WillAuthor, type WillMessage } from '@trivium/contracts';
import type { Access, Credentials, Identity, Principal, Source } from '@trivium/identity';
import { AuthExchange } from './auth-exchange.ts';
import { mayPublish, type Rights } from './rights.ts';
import type { SessionClient, SessionEffect, SessionInput } from './session.ts';
import type { Peer } from './transport.ts';

type Answer = Result<Principal> | Promise<Result<Principal>>;

/** No version of an identity. */
const NEVER = -1;
const NOTHING: Credentials = { by: 'nothing' };

/** Who the client of one connection has proven to be, and what it may do because of that. */
export class ClientRights implements Rights {
  readonly #identity: Identity;
  readonly #peer: Peer;
  #exchange: AuthExchange | undefined;
  #access: Access | undefined;
  /** What was known when the proof began, or was last looked at: what changes later is not in the answers yet. */
  #seen = 0;
  /** Of the access, when it was last looked at. */
  #version = 0;
  #expiresAt = Infinity;
  #will: WillMessage | undefined;
  /** Once it has no rights any more: whether it may leave its will all the same. */
  #leaves: boolean | undefined;

  constructor(identity: Identity, peer: Peer) {
    this.#identity = identity;
    this.#peer = peer;
  }

  get access(): Access {
    return this.#access!;
  }

  /** CONNECT without a method: `then` is told who the client is, within this call where that is known at once. */
  signIn(
    { client, credentials }: SessionEffect & { do: 'sign-in' },
    then: (input: SessionInput) => void,
  ): void {
    // What the request proved that opened the transport may have changed before CONNECT came.
    this.#seen = this.#peer.principal === undefined ? this.#identity.version : NEVER;
    const source = this.#sourceOf(client);
    const shown = credentials && this.#identity.signIn(credentials, source);
    const before = this.#provenBefore(source);
    const who = shown !== undefined && before !== undefined ? both(shown, before) : (shown ?? before);
    this.#answer(client, who ?? this.#identity.signIn(NOTHING, source), then);
  }

  #answer(client: SessionClient, who: Answer, then: (input: SessionInput) => void): void {
    if (who instanceof Promise) void who.then((principal) => then(this.#admit(client, principal)));
    else then(this.#admit(client, who));
  }

  /** AUTH, or CONNECT with a method: what the client says by it, and what that means to the session. */
  authenticate({ client, begins, data }: SessionEffect & { do: 'authenticate' }): SessionInput {
    const exchange = (this.#exchange ??= new AuthExchange());
    // Verifiers come and go: what the method knew at the last exchange may be out of date.
    if (begins) this.#seen = this.#identity.version;
    const input = begins
      ? exchange.begin(this.#identity.method(client.authMethod!, this.#sourceOf(client)), data)
      : exchange.go(data);
    if (input.on !== 'authenticated') return input;
    const again = this.#access?.principal.name;
    if (again !== undefined && again !== input.principal) return input; // the session ends it
    const admitted = this.#admit(client, this.#identity.proven(input.principal, this.#sourceOf(client)));
    return admitted.on === 'signed-in' ? { ...input, principal: admitted.principal } : admitted;
  }

  /** Whether something has changed that may take rights away, as far as it is known without asking. */
  due(nowMs: number): boolean {
    return this.#access !== undefined && (this.#identity.version !== this.#seen || nowMs >= this.#expiresAt);
  }

  /** Brings the rights up to date. `gone`: the client has none any more; `changed`: answers given before may be wrong. */
  renew(nowMs: number): 'gone' | 'changed' | 'same' {
    const { access } = this;
    const before = this.#version;
    if (nowMs >= this.#expiresAt) this.#leaves ??= this.mayLeaveWill;
    this.#seen = this.#identity.version;
    if (access.renew(nowMs)) {
      this.#version = access.version;
      return access.version === before ? 'same' : 'changed';
    }
    this.#leaves ??= false;
    return 'gone';
  }

  /** Whether the client's will may be published. One whose proof has expired may leave it; one that was thrown out may not. */
  get mayLeaveWill(): boolean {
    const will = this.#will;
    return this.#leaves ?? (will === undefined || mayPublish(this.access, will.topic, will.retain));
  }

  /** As whose the client's will is kept. */
  author({ assigned }: Pick<SessionClient, 'assigned'>): WillAuthor {
    const { name, by, groups, claims, proof } = this.access.principal;
    return {
      ...{ name, by, groups: [...groups], claims },
      ...(proof === undefined ? {} : { proof }),
      ...(assigned ? { assigned } : {}),
    };
  }

  /** What the transport has proven: by the request that opened it, or by a certificate. */
  #provenBefore(source: Source): Answer | undefined {
    const { principal, certificate } = this.#peer;
    if (principal !== undefined) return accept(principal);
    return certificate && this.#identity.signIn({ by: 'certificate', certificate }, source);
  }

  #sourceOf({ id, assigned }: SessionClient): Source {
    const { address, loopback } = this.#peer;
    return assigned ? { address, loopback } : { address, loopback, client: id };
  }

  #admit(client: SessionClient, who: Result<Principal>): SessionInput {
    if (!who.ok) return { on: 'refused', error: who.error };
    const access = this.#identity.access(who.value, client.id, client.assigned);
    if (!access.ok) return { on: 'refused', error: access.error };
    const { will } = client;
    if (will !== undefined && !mayPublish(access.value, will.topic, will.retain))
      return { on: 'refused', error: { code: 'auth.denied', message: 'not allowed to publish its will' } };
    this.#will = will;
    this.#access = access.value;
    this.#version = access.value.version;
    this.#expiresAt = who.value.expiresAt ?? Infinity;
    return { on: 'signed-in', principal: who.value.name };
  }
}

/** Both prove the same, or nothing is proven. */
async function both(one: Answer, other: Answer): Promise<Result<Principal>> {
  const [first, second] = await Promise.all([one, other]);
  if (!first.ok || !second.ok) return first.ok ? second : first;
  if (first.value.name === second.value.name) return first;
  return refuse('auth.failed', 'user name and connection are of different principals');
}
