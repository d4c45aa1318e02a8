import {
  decodeJson,
  decodeToken,
  deviceKey,
  DeviceRecord,
  Presence,
  presenceKey,
  TriviumError,
} from '@trivium/contracts';
import type { Bucket, Bus, Logger, Watch } from '@trivium/bus';
import { deviceOf, type Device, type KnownDevice } from './device.ts';

export interface DeviceQuery {
  readonly limit: number;
  /** Begins behind this id. */
  readonly after?: string | undefined;
  readonly prefix?: string | undefined;
  readonly online?: boolean | undefined;
  /** It has all of them. */
  readonly tags?: readonly string[] | undefined;
}

export interface DevicePage {
  readonly devices: Device[];
  /** There are more: `after` of the next page. */
  readonly next?: string;
}

/** Everybody who is registered or was ever connected. */
export interface DeviceDirectory {
  /** Read from the bus. Undefined: nobody has heard of it. */
  get(id: string): Promise<Device | undefined>;
  /** Ordered by id (by UTF-16 code units). The first call begins a watch, from which this and all later ones are answered. */
  list(query: DeviceQuery): Promise<DevicePage>;
  /** What was written here is listed at once. */
  noted(key: string, value: Uint8Array | undefined, revision: number): void;
  close(): void;
}

/** Keys without their ids. */
const PRESENCE = presenceKey('x').slice(0, -1);
const REGISTRY = deviceKey('x').slice(0, -1);

interface Held extends KnownDevice {
  presence?: Presence | undefined;
  record?: DeviceRecord | undefined;
  /** Of the registry entry. */
  revision: number;
}

export function createDeviceDirectory(
  bus: Pick<Bus, 'up' | 'onState'>,
  devices: Pick<Bucket, 'get' | 'watch'>,
  logger: Logger,
): DeviceDirectory {
  const known = new Map<string, Held>();
  let ids: string[] = [];
  let sorted = true;
  let watch: Watch | undefined;
  let ready: Promise<void> | undefined;
  let isReady = false;

  const decode = <T extends typeof Presence | typeof DeviceRecord>(
    schema: T,
    key: string,
    value: Uint8Array,
  ) => {
    const read = decodeJson(schema, value);
    if (read.ok) return read.value;
    logger.warn({ key, reason: read.error.message }, 'a record of a device cannot be read');
    return undefined;
  };

  const hold = (id: string): Held => {
    let held = known.get(id);
    if (held === undefined) {
      held = { revision: 0 };
      known.set(id, held);
      ids.push(id);
      sorted = false;
    }
    return held;
  };

  const apply = (key: string, value: Uint8Array | undefined, revision: number): void => {
    const isPresence = key.startsWith(PRESENCE);
    if (!isPresence && !key.startsWith(REGISTRY)) return;
    const id = decodeToken(key.slice(isPresence ? PRESENCE.length : REGISTRY.length));
    if (id === undefined) return;
    if (value === undefined && !known.has(id)) return;
    const held = hold(id);
    if (isPresence) held.presence = value && decode(Presence, key, value);
    else if (value === undefined || revision >= held.revision) {
      held.record = value && decode(DeviceRecord, key, value);
      held.revision = revision;
    }
    if (held.presence !== undefined || held.record !== undefined) return;
    known.delete(id);
    ids = ids.filter((other) => other !== id);
  };

  const begin = (): Promise<void> =>
    (ready ??= new Promise((resolve) => {
      watch = devices.watch('>', apply, () => {
        isReady = true;
        resolve();
      });
    }));

  const untilReady = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const off = bus.onState((up) => {
        if (up) return;
        off();
        reject(new TriviumError('bus.unavailable'));
      });
      void begin().then(() => {
        off();
        resolve();
      });
    });

  return {
    async get(id) {
      const [presence, record] = await Promise.all([
        devices.get(presenceKey(id)),
        devices.get(deviceKey(id)),
      ]);
      const found = {
        presence: presence && decode(Presence, presence.key, presence.value),
        record: record && decode(DeviceRecord, record.key, record.value),
      };
      return found.presence === undefined && found.record === undefined ? undefined : deviceOf(id, found);
    },
    async list({ limit, after, prefix = '', online, tags = [] }) {
      if (!bus.up) throw new TriviumError('bus.unavailable');
      if (!isReady) await untilReady();
      if (!sorted) ids.sort(byCodeUnits);
      sorted = true;
      const page: Device[] = [];
      const from =
        after !== undefined && after >= prefix
          ? firstIndex(ids, (id) => id > after)
          : firstIndex(ids, (id) => id >= prefix);
      for (let at = from; at < ids.length && ids[at]!.startsWith(prefix); at++) {
        const id = ids[at]!;
        const held = known.get(id)!;
        if (online !== undefined && (held.presence?.online ?? false) !== online) continue;
        if (!tags.every((tag) => held.record?.tags?.includes(tag))) continue;
        if (page.length === limit) return { devices: page, next: page.at(-1)!.id };
        page.push(deviceOf(id, held));
      }
      return { devices: page };
    },
    noted(key, value, revision) {
      if (watch !== undefined) apply(key, value, revision);
    },
    close: () => watch?.close(),
  };
}

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The first index at which `holds` is true, which it is from there on. */
function firstIndex(sorted: readonly string[], holds: (id: string) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(sorted[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
