import {
  deviceKey,
  DeviceRecord,
  decodeJson,
  encodeJson,
  TriviumError,
  type DeviceDescription,
} from '@trivium/contracts';
import type { Bucket } from '@trivium/bus';
import type { DeviceDirectory } from './device-directory.ts';

/** Writes the registry: who is to be known, and what is said about them. */
export interface DeviceRegistry {
  /** Replaces what is said about the device. True: it had no entry. */
  put(id: string, description: DeviceDescription): Promise<boolean>;
  /** False: it has no entry. Its presence is the router's and stays. */
  remove(id: string): Promise<boolean>;
}

/** Writers of one entry at a time; each try of theirs loses to another one at most. */
const TRIES = 16;

export function createDeviceRegistry(
  devices: Pick<Bucket, 'get' | 'put' | 'delete'>,
  directory: Pick<DeviceDirectory, 'noted'>,
  now: () => number,
): DeviceRegistry {
  const contended = (): TriviumError =>
    new TriviumError('bus.overloaded', 'too many write the entry of this device at once');

  return {
    async put(id, description) {
      const key = deviceKey(id);
      for (let tries = 0; tries < TRIES; tries++) {
        const before = await devices.get(key);
        const read = before && decodeJson(DeviceRecord, before.value);
        const updatedAt = now();
        const createdAt = read?.ok === true ? read.value.createdAt : updatedAt;
        const value = encodeJson(DeviceRecord, { v: 1, id, ...description, createdAt, updatedAt });
        const revision = await devices.put(key, value, { expect: before?.revision ?? 0 });
        if (revision === undefined) continue;
        directory.noted(key, value, revision);
        return before === undefined;
      }
      throw contended();
    },
    async remove(id) {
      const key = deviceKey(id);
      for (let tries = 0; tries < TRIES; tries++) {
        const before = await devices.get(key);
        if (before === undefined) return false;
        if (!(await devices.delete(key, before.revision))) continue;
        directory.noted(key, undefined, before.revision);
        return true;
      }
      throw contended();
    },
  };
}
