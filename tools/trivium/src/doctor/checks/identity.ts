import type { Bus } from '@trivium/bus';
import type { CredentialRecord, PolicyRecord } from '@trivium/contracts';
import {
  BUILT_IN_POLICIES,
  policiesOf,
  storedApiKeys,
  storedCredentials,
  storedPolicies,
  type StoredApiKey,
} from '@trivium/identity';
import type { HubSettings } from '../../hub-settings.ts';
import { fail, ok, some, warn, type Finding } from '../finding.ts';

const ADMINISTRATORS = 'administrators';

interface Stored {
  readonly credentials: readonly CredentialRecord[];
  readonly keys: readonly StoredApiKey[];
  readonly policies: readonly PolicyRecord[];
}

/** Policies, credentials and keys. */
export async function checkIdentity(bus: Bus, { auth }: HubSettings, nowMs: number): Promise<Finding[]> {
  const [credentials, keys, policies, unreadable] = await Promise.all([
    storedCredentials(bus),
    storedApiKeys(bus),
    storedPolicies(bus),
    countEntries(bus),
  ]);
  const stored: Stored = { credentials, keys, policies };
  const found = [
    ...unusable(
      'credentials',
      unreadable.credentials - credentials.length,
      'nobody gets in by them; delete them',
    ),
    ...unusable('keys', unreadable.keys - keys.length, 'nobody gets in by them; revoke them'),
    ...unusable(
      'policies',
      unreadable.policies - policies.length,
      'add them anew: until then nobody of their groups may do anything by them',
    ),
    ...unknownGroups(stored, auth.jwt.keys !== ''),
    ...powerless(stored),
    ...expired(keys, nowMs),
    ...administrators(stored, auth),
  ];
  const text = `${credentials.length} credentials, ${keys.length} keys, ${policies.length} policies`;
  return found.length === 0 ? [ok('identity', text)] : found;
}

async function countEntries(bus: Bus): Promise<Record<keyof Stored, number>> {
  const [credentials, keys, policies] = await Promise.all([
    bus.bucket('devices').entries('credentials.*'),
    bus.bucket('devices').entries('keys.*'),
    bus.bucket('policies').entries('policy.*'),
  ]);
  return { credentials: credentials.length, keys: keys.length, policies: policies.length };
}

function unusable(what: keyof Stored, count: number, todo: string): Finding[] {
  return count <= 0 ? [] : [fail(what, `${count} stored ${what} cannot be read`, todo)];
}

/** Groups that nobody has; with JWTs that cannot be known. */
function unknownGroups({ credentials, keys, policies }: Stored, jwt: boolean): Finding[] {
  if (jwt) return [];
  const known = new Set([
    ...BUILT_IN_POLICIES.flatMap(({ groups }) => groups),
    ...[...credentials, ...keys].flatMap(({ groups }) => groups),
  ]);
  return policies.flatMap(({ name, groups }) => {
    const unknown = groups.filter((group) => !known.has(group));
    if (unknown.length === 0) return [];
    return warn(
      'policies',
      `${name} is for ${some(unknown)}, of which nobody is`,
      'is the name of the group right? devices groups and devices create put somebody into it',
    );
  });
}

/** Who gets in and may then do nothing: no policy of its groups allows anything. */
function powerless({ credentials, keys, policies }: Stored): Finding[] {
  const all = new Map(policies.map((policy) => [policy.name, policy]));
  const names = [...credentials, ...keys]
    .filter(({ groups }) =>
      policiesOf(groups, all).every(({ statements }) => statements.every(({ effect }) => effect !== 'allow')),
    )
    .map(({ name, groups }) => `${name} (${groups.join(', ')})`);
  if (names.length === 0) return [];
  return [
    warn(
      'credentials',
      `nothing is allowed to ${some(names)}`,
      'a policy for one of the groups, or other groups: policies add, devices groups',
    ),
  ];
}

function expired(keys: readonly StoredApiKey[], nowMs: number): Finding[] {
  const ids = keys.filter(({ expiresAt }) => expiresAt !== undefined && expiresAt <= nowMs);
  if (ids.length === 0) return [];
  const which = some(ids.map(({ id, name }) => `${id} of ${name}`));
  return [warn('keys', `expired: ${which}`, 'keys revoke, and keys create where they are needed')];
}

function administrators({ credentials, keys }: Stored, { required, jwt }: HubSettings['auth']): Finding[] {
  const some = [...credentials, ...keys].some(({ groups }) => groups.includes(ADMINISTRATORS));
  if (!required || jwt.keys !== '' || some) return [];
  return [
    warn(
      'identity',
      `nobody is of the group ${ADMINISTRATORS}: devices and policies are administered by this tool only`,
      `npx trivium keys create admin --groups ${ADMINISTRATORS}`,
    ),
  ];
}
