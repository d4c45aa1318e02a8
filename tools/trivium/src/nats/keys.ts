import { join } from 'node:path';
import { NATS_USERS, prepareNats, type NatsUser } from '@trivium/nats-access';
import { CommandError, EXIT, type Invocation } from '../command.ts';
import { wordsOf } from '../words.ts';

export async function keys({ args, json, out }: Invocation): Promise<number> {
  const { words, options } = wordsOf(args, { least: 1, options: ['auth'], flags: ['apart'] });
  const [folder = '.'] = words;
  const keyOf = (user: NatsUser): string => join(folder, options.apart ? user : '', `${user}.nk`);
  const authFile = options.auth ?? join(folder, 'auth.conf');
  try {
    prepareNats({ keyOf, authFile });
  } catch (error) {
    throw new CommandError((error as Error).message);
  }
  const files = Object.fromEntries(NATS_USERS.map((user) => [user, keyOf(user)]));
  if (json) out(`${JSON.stringify({ keys: files, auth: authFile })}\n`);
  else {
    for (const [user, file] of Object.entries(files)) out(`${user.padEnd(14)} ${file}\n`);
    out(`${'NATS includes'.padEnd(14)} ${authFile}\n`);
  }
  return EXIT.ok;
}
