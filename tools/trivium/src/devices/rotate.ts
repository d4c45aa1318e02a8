import { EXIT, type Invocation } from '../command.ts';
import { ownDoor } from '../own-door.ts';
import { wordsOf } from '../words.ts';
import { change } from './change.ts';
import { newPassword, passwordFrom } from './password.ts';
import { usageLine } from './usage-line.ts';

export async function rotate(invocation: Invocation): Promise<number> {
  const { args, json, out, stdin, env } = invocation;
  const { words, options } = wordsOf(args, { least: 1, flags: ['password-stdin'] as const });
  const name = words[0]!;
  const given = options['password-stdin'] === true;
  const password = given ? await passwordFrom(stdin) : newPassword();
  await change(invocation, { name, password });
  if (json) out(`${JSON.stringify({ name, password })}\n`);
  else if (given) out(`${name}: has another password\n`);
  else {
    out(`${name}: its password from now on, shown only now: ${password}\n`);
    out(`${usageLine(name, password, ownDoor('mqtt', env))}\n`);
  }
  return EXIT.ok;
}
