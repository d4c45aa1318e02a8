import { NATS_USERS, permissionsOf, type NatsUser } from '@trivium/nats-access';
import { EXIT, UsageError, type Invocation } from '../command.ts';
import { wordsOf } from '../words.ts';

export async function permissions({ args, json, out }: Invocation): Promise<number> {
  const { user } = wordsOf(args, { least: 0, options: ['user'] }).options;
  if (user !== undefined && !isUser(user))
    throw new UsageError(`there is no service ${user}, only ${NATS_USERS.join(', ')}`);
  const of = (user === undefined ? NATS_USERS : [user]).map((one) => [one, permissionsOf(one)] as const);
  if (json) out(`${JSON.stringify(Object.fromEntries(of))}\n`);
  else
    for (const [one, { publish, subscribe }] of of) {
      out(`${one}\n`);
      for (const subject of publish) out(`  publish    ${subject}\n`);
      for (const subject of subscribe) out(`  subscribe  ${subject}\n`);
    }
  return EXIT.ok;
}

const isUser = (name: string): name is NatsUser => (NATS_USERS as readonly string[]).includes(name);
