import { accept, refuse, type PolicyRecord, type Result } from '@trivium/contracts';
import type { Access } from '../access.ts';
import type { Attributes, Directory } from '../directory/directory.ts';
import { clientPermissions } from '../policy/client-permissions.ts';
import type { Permissions } from '../policy/permissions.ts';
import type { Principal } from '../principal.ts';
import { NO_PERMISSIONS } from './no-permissions.ts';
import type { GroupPolicies } from './group-policies.ts';
import type { GroupsOf } from './groups-of.ts';

export interface AccessOptions {
  directory: Pick<Directory, 'version' | 'attributes'>;
  groupsOf: GroupsOf;
  policiesOf: GroupPolicies;
  /** Of `clientPermissions`. */
  anyClient: boolean;
  /** Milliseconds since the epoch. */
  clock: () => number;
}

export type CreateAccess = (
  principal: Principal,
  client: string | undefined,
  assigned: boolean,
) => Result<Access>;

const GONE = 'what it was proved with does not count any more';

export function createAccessOf(options: AccessOptions): CreateAccess {
  return (principal, client, assigned) => {
    const access = new StoredAccess(options, principal, client, assigned);
    const refused = access.learn(options.clock());
    return refused === undefined ? accept(access) : refuse('auth.denied', refused);
  };
}

class StoredAccess implements Access {
  readonly principal: Principal;
  unrestricted = false;
  mayAdminister = false;
  version = 0;
  readonly #options: AccessOptions;
  readonly #client: string | undefined;
  readonly #assigned: boolean;
  #permissions: Permissions = NO_PERMISSIONS;
  /** What it was made from. */
  #seen = -1;
  #policies: readonly PolicyRecord[] | undefined;
  #attributes: Attributes | undefined;

  constructor(options: AccessOptions, principal: Principal, client: string | undefined, assigned: boolean) {
    this.principal = principal;
    this.#options = options;
    this.#client = client;
    this.#assigned = assigned;
  }

  may(action: Parameters<Access['may']>[0], topic: string): boolean {
    return this.#permissions.may(action, topic);
  }

  subscription(filter: string, shared: boolean): ReturnType<Access['subscription']> {
    return this.#permissions.subscription(filter, shared);
  }

  renew(nowMs: number): boolean {
    return this.learn(nowMs) === undefined;
  }

  /** Undefined, or why it may not be here. Compiles only what has changed. */
  learn(nowMs: number): string | undefined {
    const { directory, groupsOf, policiesOf } = this.#options;
    const { expiresAt, name } = this.principal;
    if (expiresAt !== undefined && expiresAt <= nowMs) return this.#end(GONE);
    if (this.#seen === directory.version) return undefined;
    const groups = groupsOf(this.principal, nowMs);
    if (groups === undefined) return this.#end(GONE);
    const policies = policiesOf(groups);
    if (policies === undefined) return this.#end('a policy of its groups cannot be read');
    const attributes = directory.attributes(name);
    if (policies !== this.#policies || attributes !== this.#attributes) {
      const permissions = this.#compiled(policies, attributes);
      if (!permissions.mayConnect) return this.#end('no policy lets it connect under this client id');
      this.#become(permissions);
      this.#policies = policies;
      this.#attributes = attributes;
    }
    this.#seen = directory.version;
    return undefined;
  }

  #compiled(policies: readonly PolicyRecord[], attributes: Attributes): Permissions {
    const { name, claims } = this.principal;
    const { anyClient } = this.#options;
    const [client, assigned] = [this.#client, this.#assigned];
    return clientPermissions({ policies, principal: name, client, assigned, anyClient, attributes, claims });
  }

  #become(permissions: Permissions): void {
    this.#permissions = permissions;
    this.unrestricted = permissions.unrestricted;
    this.mayAdminister = permissions.mayAdminister;
    this.version++;
  }

  #end(why: string): string {
    this.#become(NO_PERMISSIONS);
    this.#seen = -1;
    this.#policies = undefined;
    return why;
  }
}
