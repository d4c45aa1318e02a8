import { deviceKey } from '@trivium/contracts';
import { removeCredential } from '@trivium/identity';
import { author } from '../author.ts';
import { EXIT, type Invocation } from '../command.ts';
import { wordsOf } from '../words.ts';

export async function deleteDevices({ args, json, out, err, bus }: Invocation): Promise<number> {
  const { words: names, options } = wordsOf(args, {
    ...{ least: 1, most: Infinity, flags: ['keep-registry'] as const },
  });
  const hub = await bus();
  const devices = hub.bucket('devices');
  const deleted: string[] = [];
  const unknown: string[] = [];
  for (const name of names) {
    const hadCredential = await removeCredential(hub, name, author());
    const isRegistered = !options['keep-registry'] && (await devices.get(deviceKey(name))) !== undefined;
    if (isRegistered) await devices.delete(deviceKey(name));
    (hadCredential || isRegistered ? deleted : unknown).push(name);
  }
  if (json) out(`${JSON.stringify({ deleted, unknown })}\n`);
  else {
    for (const name of deleted) out(`${name}: deleted\n`);
    for (const name of unknown) err(`trivium: nobody is called ${name}\n`);
  }
  return unknown.length === 0 ? EXIT.ok : EXIT.no;
}
