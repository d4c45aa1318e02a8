import { storedCredential, userName } from '@trivium/identity';
import { CommandError, EXIT, UsageError, type Invocation } from '../command.ts';
import { groupsOf } from '../groups-of.ts';
import { hubSettings } from '../hub-settings.ts';
import { ownDoor } from '../own-door.ts';
import { wordsOf } from '../words.ts';
import { createMany } from './create-many.ts';
import { storeDevice } from './new-device.ts';
import { newPassword, passwordFrom } from './password.ts';
import { usageLine } from './usage-line.ts';

export async function create(invocation: Invocation): Promise<number> {
  const { args, json, out, stdin, env, bus } = invocation;
  const { words, options } = wordsOf(args, {
    ...{ least: 0, most: 1, options: ['groups', 'description', 'file'] as const },
    ...{ flags: ['password-stdin', 'no-password'] as const, lists: ['attribute'] as const },
  });
  if (options.file !== undefined) {
    if (words.length > 0 || Object.keys(options).length > 1)
      throw new UsageError('with --file nothing else is said: the file says it');
    return createMany(options.file, invocation);
  }
  const [word] = words;
  if (word === undefined) throw new UsageError('the name is missing');
  const name = userName(word);
  if (!name.ok) throw new UsageError(name.error.message);
  const groups = groupsOf(options.groups ?? '');
  const attributes = attributesOf(options.attribute ?? []);
  if (options['no-password'] && options['password-stdin'])
    throw new UsageError('--password-stdin or --no-password, not both');
  const password = options['no-password']
    ? undefined
    : options['password-stdin']
      ? await passwordFrom(stdin)
      : newPassword();
  const { argon2 } = hubSettings(env).auth;
  const hub = await bus();
  if ((await storedCredential(hub, name.value)) !== undefined)
    throw new CommandError(`${name.value} has credentials already; rotate gives it another password`);
  const device = {
    name: name.value,
    groups,
    ...(options.description === undefined ? {} : { description: options.description }),
    ...(attributes === undefined ? {} : { attributes }),
    ...(password === undefined ? {} : { password }),
  };
  await storeDevice(hub, device, argon2);
  if (json) out(`${JSON.stringify(device)}\n`);
  else out(told(device, options['password-stdin'] ? undefined : ownDoor('mqtt', env)));
  return EXIT.ok;
}

interface Told {
  readonly name: string;
  readonly groups: readonly string[];
  readonly password?: string;
}

/** `door`: where it gets in by the password, which is told. */
function told({ name, groups, password }: Told, door: URL | undefined): string {
  const stored = `${name}: stored; groups: ${groups.join(', ') || 'devices, as of all without one'}\n`;
  if (password === undefined)
    return `${stored}It has no password: npx trivium certs device makes it a certificate, devices pin ties it to one.\n`;
  if (door === undefined) return stored;
  return `${stored}Its password, shown only now: ${password}\n${usageLine(name, password, door)}\n`;
}

function attributesOf(texts: readonly string[]): Record<string, string> | undefined {
  if (texts.length === 0) return undefined;
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new UsageError(`--attribute is name=value, not ${text}`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
