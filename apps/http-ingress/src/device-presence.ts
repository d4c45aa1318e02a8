import { decodeJson, Presence, presenceKey } from '@trivium/contracts';
import type { Bucket, Logger } from '@trivium/bus';
import { Type, type Static } from 'typebox';

const { v: _v, pos: _pos, ...shown } = Presence.properties;

/** A device as the hub knows it: who it is, and whether and where it is connected. */
export const Device = Type.Object(
  { id: Type.String(), ...shown },
  { title: 'Device', description: 'A device and its presence.' },
);
export type Device = Static<typeof Device>;

/** What the routers have written about devices. */
export interface DevicePresence {
  /** Undefined: nobody has heard of it. */
  get(id: string): Promise<Device | undefined>;
  /** All of them, ordered by id. Callers of one moment share one reading. */
  list(): Promise<readonly Device[]>;
}

export function createDevicePresence(
  devices: Pick<Bucket, 'get' | 'entries'>,
  logger: Logger,
): DevicePresence {
  let reading: Promise<readonly Device[]> | undefined;

  const read = async (): Promise<readonly Device[]> => {
    const entries = await devices.entries('presence.*');
    return entries
      .map(({ key, value }) => decode(key, value))
      .filter((device) => device !== undefined)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  };

  const decode = (key: string, value: Uint8Array): Device | undefined => {
    const presence = decodeJson(Presence, value);
    if (!presence.ok) {
      logger.warn({ key, reason: presence.error.message }, 'a presence record cannot be read');
      return undefined;
    }
    const { v: _, pos: __, ...rest } = presence.value;
    return { id: rest.client, ...rest };
  };

  return {
    async get(id) {
      const entry = await devices.get(presenceKey(id));
      return entry === undefined ? undefined : decode(entry.key, entry.value);
    },
    list() {
      reading ??= read().finally(() => (reading = undefined));
      return reading;
    },
  };
}
