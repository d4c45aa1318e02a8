import { storedCredentials } from '@trivium/identity';
import { CommandError, EXIT, type Invocation } from '../command.ts';
import { hubSettings } from '../hub-settings.ts';
import { csvRow } from './csv.ts';
import { devicesIn } from './devices-in.ts';
import { storeDevice, type NewDevice } from './new-device.ts';
import { newPassword } from './password.ts';

/** Hashing a password takes a processor a while. */
const AT_ONCE = 4;
const TOLD_EVERY = 100;

/** All are looked at before the first is stored; whatever happens, the passwords of those that are stored are printed. */
export async function createMany(file: string, { json, out, err, env, bus }: Invocation): Promise<number> {
  const { argon2 } = hubSettings(env).auth;
  const devices = devicesIn(file).map((device) => ({ password: newPassword(), ...device }));
  const hub = await bus();
  const there = new Set((await storedCredentials(hub)).map(({ name }) => name));
  const known = devices.filter(({ name }) => there.has(name));
  if (known.length > 0)
    throw new CommandError(`nothing is stored: ${namesOf(known)} have credentials already`);
  const stored: Required<Pick<NewDevice, 'name' | 'password'>>[] = [];
  const waiting = devices.values();
  const storeNext = async (): Promise<void> => {
    for (const device of waiting) {
      await storeDevice(hub, device, argon2);
      const { name, password } = device;
      stored.push({ name, password });
      if (!json) out(csvRow([name, password]));
      if (stored.length % TOLD_EVERY === 0) err(`trivium: ${stored.length} of ${devices.length} devices\n`);
    }
  };
  if (!json) out(csvRow(['name', 'password']));
  const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, storeNext));
  if (json) out(`${JSON.stringify({ devices: stored }, null, 2)}\n`);
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed === undefined) return EXIT.ok;
  err(`trivium: ${stored.length} of ${devices.length} are stored, the others may not be\n`);
  throw failed.reason;
}

const NAMED = 5;

function namesOf(devices: readonly { name: string }[]): string {
  const names = devices.slice(0, NAMED).map(({ name }) => name);
  return devices.length > NAMED ? `${names.join(', ')} and ${devices.length - NAMED} more` : names.join(', ');
}
