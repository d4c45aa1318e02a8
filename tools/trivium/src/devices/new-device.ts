import type { Bus } from '@trivium/bus';
import { storeCredential, type Argon2Cost } from '@trivium/identity';
import { author } from '../author.ts';
import { register, type Said } from './registry.ts';

export interface NewDevice extends Said {
  /** As `userName` has it. */
  readonly name: string;
  readonly groups: readonly string[];
  /** None: it proves itself by a certificate. */
  readonly password?: string;
}

/** The registry first: policies ask it. Throws a `TriviumError` when there are credentials of this name. */
export async function storeDevice(bus: Bus, device: NewDevice, cost: Argon2Cost): Promise<void> {
  const { name, groups, password } = device;
  await register(bus.bucket('devices'), name, device);
  const proof = password === undefined ? {} : { password };
  await storeCredential(bus, { name, groups, ...proof }, author(), { expect: 'new', cost });
}
