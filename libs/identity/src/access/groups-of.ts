import type { Directory } from '../directory/directory.ts';
import { Unusable } from '../directory/watched-records.ts';
import type { Principal } from '../principal.ts';
import type { AllScramUsers } from '../scram-users.ts';

export interface GroupsOfOptions {
  directory: Pick<Directory, 'user' | 'key'>;
  scram: Pick<AllScramUsers, 'markOf'>;
}

/** The groups of a principal as they are now; undefined: what it proved does not count any more, or it is disabled. */
export type GroupsOf = (principal: Principal, nowMs: number) => readonly string[] | undefined;

export function createGroupsOf({ directory, scram }: GroupsOfOptions): GroupsOf {
  return (principal, nowMs) => {
    const { name, by, proof, expiresAt } = principal;
    if (by === 'nothing') return principal.groups;
    if (expiresAt !== undefined && expiresAt <= nowMs) return undefined;
    const user = directory.user(name);
    if (user instanceof Unusable || user?.disabled === true) return undefined;
    switch (by) {
      case 'password':
        return user?.password?.mark === proof ? user?.groups : undefined;
      case 'scram':
        return scram.markOf(name) === proof ? (user?.groups ?? []) : undefined;
      case 'key': {
        const key = directory.key(proof ?? '');
        if (key === undefined || key instanceof Unusable || key.name !== name) return undefined;
        if (key.expiresAt !== undefined && key.expiresAt <= nowMs) return undefined;
        return user?.groups ?? key.groups;
      }
      case 'certificate':
        if (user?.certificates?.includes(proof ?? '') === false) return undefined;
        return user?.groups ?? principal.groups;
      case 'jwt':
        return user?.groups ?? principal.groups;
    }
  };
}
