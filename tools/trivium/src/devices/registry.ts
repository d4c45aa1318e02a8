import type { Bucket } from '@trivium/bus';
import { decodeJson, deviceKey, DeviceRecord, encodeJson, TriviumError } from '@trivium/contracts';
import { CommandError } from '../command.ts';

export interface Said {
  readonly description?: string;
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
}

const TRIES = 16;

/** Adds to what the registry says about a device. Throws a `CommandError` for what it cannot hold. */
export async function register(devices: Bucket, id: string, said: Said): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const before = await devices.get(deviceKey(id));
    const read = before && decodeJson(DeviceRecord, before.value);
    const now = Date.now();
    const known = read?.ok === true ? read.value : { v: 1 as const, id, createdAt: now };
    const attributes = { ...('attributes' in known ? known.attributes : {}), ...said.attributes };
    const record: DeviceRecord = {
      ...known,
      ...(said.description === undefined ? {} : { description: said.description }),
      ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
      updatedAt: now,
    };
    const bytes = encodeJson(DeviceRecord, record);
    const fits = decodeJson(DeviceRecord, bytes);
    if (!fits.ok) throw new CommandError(`${id}: ${fits.error.message}`);
    if ((await devices.put(deviceKey(id), bytes, { expect: before?.revision ?? 0 })) !== undefined) return;
  }
  throw new TriviumError('bus.overloaded', `others change the entry of ${id} all the time`);
}

/** Undefined: there is none that can be read. */
export async function registered(devices: Bucket, id: string): Promise<DeviceRecord | undefined> {
  const entry = await devices.get(deviceKey(id));
  const read = entry && decodeJson(DeviceRecord, entry.value);
  return read?.ok === true ? read.value : undefined;
}
