import type { Bus, Logger } from '@trivium/bus';
import {
  accept,
  apiKeyKey,
  credentialKey,
  decodeJson,
  deviceKey,
  DeviceRecord,
  refuse,
  type ApiKeyRecord,
  type PolicyRecord,
  type Result,
} from '@trivium/contracts';
import { readPolicy } from '../policy/stored-policies.ts';
import { readApiKey } from '../stored/api-keys.ts';
import type { IdentityStats } from '../stats.ts';
import { readUser, type StoredUser } from './stored-user.ts';
import {
  Unusable,
  watchRecords,
  type WatchedRecords,
  type WatchedRecordsOptions,
} from './watched-records.ts';

export type Attributes = Readonly<Record<string, string>>;

/** Everything that is stored about who may do what, at hand. */
export interface Directory {
  readonly ready: Promise<void>;
  /** Grows with every change of anything. */
  readonly version: number;
  /** Grows with every change of a policy. */
  readonly policiesVersion: number;
  /** Grows with every change of a credential. */
  readonly usersVersion: number;
  user(name: string): StoredUser | Unusable | undefined;
  users(): Iterable<StoredUser | Unusable>;
  key(id: string): ApiKeyRecord | Unusable | undefined;
  /** What the registry says about the device of this name; the same object until that changes. */
  attributes(name: string): Attributes;
  policies(): Iterable<PolicyRecord | Unusable>;
  close(): void;
}

export interface DirectoryOptions {
  bus: Pick<Bus, 'bucket'>;
  logger: Logger;
  stats: Pick<IdentityStats, 'unusable'>;
}

const NO_ATTRIBUTES: Attributes = {};

export function createDirectory({ bus, logger, stats }: DirectoryOptions): Directory {
  const watch = <T>(
    bucket: 'devices' | 'policies',
    filter: string,
    read: WatchedRecordsOptions<T>['read'],
  ): WatchedRecords<T> => watchRecords({ bucket: bus.bucket(bucket), filter, read, logger, stats });
  const users = watch('devices', 'credentials.*', readUser);
  const keys = watch('devices', 'keys.*', readApiKey);
  const devices = watch('devices', 'registry.*', readAttributes);
  const policies = watch('policies', 'policy.*', readPolicy);
  const all = [users, keys, devices, policies];

  return {
    ready: Promise.all(all.map(({ ready }) => ready)).then(() => undefined),
    get version() {
      return users.version + keys.version + devices.version + policies.version;
    },
    get policiesVersion() {
      return policies.version;
    },
    get usersVersion() {
      return users.version;
    },
    user: (name) => users.get(credentialKey(name)),
    users: () => users.values(),
    key: (id) => keys.get(apiKeyKey(id)),
    attributes(name) {
      const found = devices.get(deviceKey(name));
      return found === undefined || found instanceof Unusable ? NO_ATTRIBUTES : found;
    },
    policies: () => policies.values(),
    close() {
      for (const each of all) each.close();
    },
  };
}

function readAttributes(key: string, value: Uint8Array): Result<Attributes> {
  const record = decodeJson(DeviceRecord, value);
  if (!record.ok) return record;
  if (deviceKey(record.value.id) !== key) return refuse('payload.invalid', 'it has the id of another one');
  const attributes = Object.entries(record.value.attributes ?? {});
  return accept(Object.fromEntries(attributes.map(([name, each]) => [name, String(each)])));
}
