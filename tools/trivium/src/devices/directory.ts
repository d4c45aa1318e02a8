import type { Bus } from '@trivium/bus';
import { decodeJson, DeviceRecord, Presence, type CredentialRecord } from '@trivium/contracts';
import { storedCredentials } from '@trivium/identity';

/** What the hub has about somebody who signs in by a name. No secret, nor what one is verified with. */
export interface DeviceView {
  readonly name: string;
  readonly groups: readonly string[];
  readonly disabled: boolean;
  /** How it can prove who it is; none: there are no credentials of this name. */
  readonly proofs: readonly string[];
  readonly registered: boolean;
  readonly online: boolean;
  /** Milliseconds since the epoch; of the client whose id is its name. */
  readonly lastSeenAt?: number;
}

export interface Known {
  readonly credential?: CredentialRecord | undefined;
  readonly record?: DeviceRecord | undefined;
  readonly presence?: Presence | undefined;
}

/** Everybody who has credentials or an entry in the registry, by name. */
export async function deviceViews(bus: Bus): Promise<DeviceView[]> {
  const devices = bus.bucket('devices');
  const [credentials, entries, presences] = await Promise.all([
    storedCredentials(bus),
    devices.entries('registry.*'),
    devices.entries('presence.*'),
  ]);
  const known = new Map<string, Known>();
  const add = (name: string, what: Known): void => void known.set(name, { ...known.get(name), ...what });
  for (const credential of credentials) add(credential.name, { credential });
  for (const { value } of entries) {
    const record = decodeJson(DeviceRecord, value);
    if (record.ok) add(record.value.id, { record: record.value });
  }
  for (const { value } of presences) {
    const presence = decodeJson(Presence, value);
    if (presence.ok && known.has(presence.value.client))
      add(presence.value.client, { presence: presence.value });
  }
  return [...known].map(([name, what]) => viewOf(name, what)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function viewOf(name: string, { credential, record, presence }: Known): DeviceView {
  const lastSeenAt = presence?.online === true ? presence.connectedAt : presence?.disconnectedAt;
  return {
    name,
    groups: credential?.groups ?? [],
    disabled: credential?.disabled === true,
    proofs: credential === undefined ? [] : proofsOf(credential),
    registered: record !== undefined,
    online: presence?.online === true,
    ...(lastSeenAt === undefined ? {} : { lastSeenAt }),
  };
}

function proofsOf({ password, scram, certificates }: CredentialRecord): string[] {
  return [
    ...(password === undefined ? [] : ['password']),
    ...(scram === undefined ? [] : ['SCRAM-SHA-256']),
    certificates === undefined ? 'certificate' : `certificate (pinned: ${certificates.length})`,
  ];
}
